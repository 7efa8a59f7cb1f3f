package vu

import (
	"strconv"
	"time"

	"sluice.dev/sluice/internal/load/httpx"
	"sluice.dev/sluice/internal/load/script"
	"sluice.dev/sluice/internal/load/series"
	"sluice.dev/sluice/internal/load/stats"
)

// failed counts an error that no hop carries.
func (u *user) failed(class httpx.Class) {
	u.config.Recorder.Record(u.k, func(s *stats.Set) {
		s.At(time.Now())
		s.Count(series.Errors+class.Node(), 1)
		s.Count(series.ErrorClass+string(class), 1)
	})
}

// record writes one hop's counts and times.
func (u *user) record(s *stats.Set, r *script.Request, h httpx.Hop) {
	names := u.names[u.phase]
	s.At(h.Sent)
	s.At(h.Done)
	s.Count(series.Requests, 1)
	s.Count(names.requests, 1)
	if h.Code > 0 {
		u.answered(s, r, h)
	}
	if h.Err != nil {
		s.Count(series.Errors+h.Err.Class.Node(), 1)
		s.Count(series.ErrorClass+string(h.Err.Class), 1)
		if r.Endpoint != nil {
			s.Count(r.Endpoint.Errors+h.Err.Class.Node(), 1)
		}
		return
	}
	total := h.Done.Sub(h.Sent)
	s.Time(series.Duration, total)
	s.Time(series.DurationFromIntended, h.Done.Sub(u.intended))
	s.Time(names.duration, total)
	if t := u.script.Apdex; t > 0 {
		s.Count(apdexOf(total, t), 1)
	}
}

// answered writes what is known once the headers are there.
func (u *user) answered(s *stats.Set, r *script.Request, h httpx.Hop) {
	code := strconv.Itoa(h.Code)
	s.Count(series.Responses, 1)
	s.Count(series.Codes+code, 1)
	s.Count(series.DownloadedBytes, h.Bytes)
	firstByte := max(0, h.FirstByte.Sub(h.Wrote))
	s.Time(series.ResponseTime, firstByte)
	if h.Code >= 200 && h.Code < 600 {
		s.Time(series.ResponseTime+"."+code[:1]+"xx", firstByte)
	}
	if r.Endpoint != nil {
		s.Time(r.Endpoint.ResponseTime, firstByte)
		s.Count(r.Endpoint.Codes+code, 1)
	}
}

// apdexOf scores an answer: within T satisfied, within 4 T tolerated.
func apdexOf(total, t time.Duration) string {
	switch {
	case total <= t:
		return series.ApdexSatisfied
	case total <= 4*t:
		return series.ApdexTolerated
	}
	return series.ApdexFrustrated
}
