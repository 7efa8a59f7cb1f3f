package vu

import (
	"time"

	"sluice.dev/sluice/internal/load/httpx"
	"sluice.dev/sluice/internal/load/script"
	"sluice.dev/sluice/internal/load/series"
	"sluice.dev/sluice/internal/load/stats"
)

// failure is what ended a user, by the name it is counted under.
type failure struct {
	name string
	err  error
}

func (f *failure) Error() string { return f.name + ": " + f.err.Error() }

// Unwrap returns what went wrong underneath.
func (f *failure) Unwrap() error { return f.err }

// fail counts an error that no hop carries, and returns it.
func (u *user) fail(class httpx.Class, name string, err error) error {
	u.count(class, name, err)
	return &failure{name: name, err: err}
}

// count counts an error.
func (u *user) count(class httpx.Class, name string, err error) {
	if u.quiet {
		return
	}
	u.config.Recorder.Record(u.k, func(s *stats.Set) {
		s.At(time.Now())
		s.Count(series.Errors+name, 1)
		s.Count(series.ErrorClass+string(class), 1)
		s.Explain(string(class), func() string { return u.cause(class, name, err) })
	})
}

// record writes one hop's counts and times.
func (u *user) record(s *stats.Set, r *script.Request, h httpx.Hop) {
	phase := &u.keys.phases[u.phase]
	s.At(h.Sent)
	s.At(h.Done)
	s.Inc(u.keys.requests, 1)
	s.Inc(phase.requests, 1)
	if h.Code > 0 {
		u.answered(s, r, h)
	}
	if h.Err != nil {
		s.Count(series.Errors+h.Err.Class.Node(), 1)
		s.Count(series.ErrorClass+string(h.Err.Class), 1)
		s.Explain(string(h.Err.Class), func() string { return u.cause(h.Err.Class, h.Err.Class.Node(), h.Err.Err) })
		if r.Endpoint != nil {
			s.Count(r.Endpoint.Errors+h.Err.Class.Node(), 1)
		}
		return
	}
	total := h.Done.Sub(h.Sent)
	s.Observe(u.keys.duration, total)
	s.Observe(u.keys.fromIntended, h.Done.Sub(u.intended))
	s.Observe(phase.duration, total)
	if u.script.Extended {
		connected(s, h, total)
	}
	if t := u.script.Apdex; t > 0 && !h.Redirected {
		s.Inc(u.keys.apdex(total, t), 1)
	}
}

// connected writes how long connecting took, where a connection was made. An
// address that is no name is looked up in no time.
func connected(s *stats.Set, h httpx.Hop, total time.Duration) {
	if h.TCP > 0 {
		s.Time(series.DNS, h.DNS)
		s.Time(series.TCP, h.TCP)
	}
	if h.TLS > 0 {
		s.Time(series.TLS, h.TLS)
	}
	s.Time(series.Total, total)
}

// answered writes what is known once the headers are there.
func (u *user) answered(s *stats.Set, r *script.Request, h httpx.Hop) {
	s.Inc(u.keys.responses, 1)
	u.keys.codes.count(s, u.config.Recorder, h.Code)
	firstByte := max(0, h.FirstByte.Sub(h.Wrote))
	s.Observe(u.keys.response, firstByte)
	if class := h.Code/100 - 2; class >= 0 && class < len(u.keys.classes) {
		s.Observe(u.keys.classes[class], firstByte)
	}
	if h.Redirected {
		return // the last answer is the endpoint's, and the one whose length counts
	}
	s.Inc(u.keys.bytes, h.Bytes)
	if r.Endpoint != nil {
		e := u.keys.endpoint(r.Endpoint)
		s.Observe(e.response, firstByte)
		e.codes.count(s, u.config.Recorder, h.Code)
	}
}

// apdex scores an answer: within T satisfied, within 4 T tolerated.
func (k *keys) apdex(total, t time.Duration) stats.Counter {
	switch {
	case total <= t:
		return k.satisfied
	case total <= 4*t:
		return k.tolerated
	}
	return k.frustrated
}
