package vu

import (
	"context"
	"encoding/hex"
	"errors"
	"maps"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"sluice.dev/sluice/internal/load/httpx"
	"sluice.dev/sluice/internal/load/script"
	"sluice.dev/sluice/internal/load/series"
	"sluice.dev/sluice/internal/load/stats"
	"sluice.dev/sluice/internal/load/template"
)

// user is one virtual user.
type user struct {
	*runner
	k        int64
	phase    int
	scope    template.Scope
	client   *httpx.Client
	intended time.Time
	headers  []httpx.Header
}

// user runs arrival k to its end.
func (r *runner) user(ctx context.Context, k int64, phase int, due time.Time) {
	defer r.users.Done()
	defer r.inFlight.Add(-1)
	started := time.Now()
	random := rand.New(rand.NewPCG(r.config.Seed, uint64(k)))
	scenario := r.script.Scenarios[r.pick(random)]
	u := &user{runner: r, k: k, phase: phase, intended: due, client: r.factory.NewClient()}
	defer u.client.Close()
	u.scope = template.Scope{Vars: u.variables(random), Rand: random}
	r.config.Recorder.Record(k, func(s *stats.Set) {
		s.At(started)
		s.Count(series.VUsersCreated, 1)
		s.Count(series.VUsersCreatedByName+scenario.Name, 1)
		s.Count(r.names[phase].arrivals, 1)
		s.Time(series.Lag, started.Sub(due))
	})
	err := u.walk(ctx, scenario.Steps)
	if ctx.Err() != nil {
		return // cut off by the end of the run: neither completed nor failed
	}
	r.config.Recorder.Record(k, func(s *stats.Set) {
		s.At(time.Now())
		if err != nil {
			s.Count(series.VUsersFailed, 1)
			return
		}
		s.Count(series.VUsersCompleted, 1)
		s.Count(series.VUsersFailed, 0)
		s.Time(series.SessionLength, time.Since(started))
	})
}

// variables are the shared ones, the script's, and the user's own; of a list
// the user takes one element.
func (u *user) variables(random *rand.Rand) map[string]any {
	vars := make(map[string]any, len(u.script.Builtins)+len(u.script.Variables)+1)
	for name, v := range u.script.Builtins {
		vars[name] = v
	}
	vars["$uuid"] = uuid(random)
	// In order, so that a seed draws the same elements every time.
	for _, name := range slices.Sorted(maps.Keys(u.script.Variables)) {
		v := u.script.Variables[name]
		if choices, ok := v.([]any); ok {
			v = choices[random.IntN(len(choices))]
		}
		vars[name] = v
	}
	return vars
}

// uuid makes a version 4 identifier.
func uuid(random *rand.Rand) string {
	var b [16]byte
	for i := range b {
		b[i] = byte(random.Uint32())
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	text := hex.EncodeToString(b[:])
	return strings.Join([]string{text[:8], text[8:12], text[12:16], text[16:20], text[20:]}, "-")
}

func (u *user) walk(ctx context.Context, steps []script.Step) error {
	for _, step := range steps {
		var err error
		if step.Request != nil {
			err = u.send(ctx, step.Request)
		} else {
			err = u.think(ctx, step.Think)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

var errThink = errors.New("the pause is not a duration")

// think waits; the next request is intended for the end of the pause.
func (u *user) think(ctx context.Context, t *script.Think) error {
	d := t.Fixed
	if !t.Text.IsStatic() {
		var ok bool
		if d, ok = script.ParseSeconds(t.Text.String(&u.scope)); !ok {
			u.failed(httpx.Script)
			return errThink
		}
	}
	u.intended = u.intended.Add(d)
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// send renders and sends one request.
func (u *user) send(ctx context.Context, r *script.Request) error {
	counted := false
	err := u.client.Do(ctx, u.render(r), func(h httpx.Hop) {
		counted = h.Err != nil
		u.config.Recorder.Record(u.k, func(s *stats.Set) { u.record(s, r, h) })
		u.intended = h.Done
	})
	var classified *httpx.Error
	if errors.As(err, &classified) && !counted {
		u.failed(classified.Class)
	}
	return err
}

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

// render fills a request's placeholders in.
func (u *user) render(r *script.Request) httpx.Request {
	out := httpx.Request{Method: r.Method, URL: u.address(r), FollowsRedirects: r.FollowsRedirects}
	u.headers = u.headers[:0]
	if r.AcceptsGzip {
		u.headers = append(u.headers, httpx.Header{Name: "Accept-Encoding", Value: "gzip, deflate"})
	}
	if r.Body != nil {
		out.Body = u.body(r.Body)
		if r.Body.ContentType != "" {
			u.headers = append(u.headers, httpx.Header{Name: "Content-Type", Value: r.Body.ContentType})
		}
	}
	for _, h := range u.script.Headers {
		u.headers = append(u.headers, httpx.Header{Name: h.Name, Value: h.Value.String(&u.scope)})
	}
	for _, h := range r.Headers {
		u.headers = append(u.headers, httpx.Header{Name: h.Name, Value: h.Value.String(&u.scope)})
	}
	out.Headers = u.headers
	return out
}

func (u *user) address(r *script.Request) string {
	address := r.URL.String(&u.scope)
	if strings.HasPrefix(address, "/") {
		address = u.script.Target + address
	}
	if r.Query == nil {
		return address
	}
	address, _, _ = strings.Cut(address, "?")
	if query := u.encode(r.Query); query != "" {
		address += "?" + query
	}
	return address
}

func (u *user) body(b *script.Body) []byte {
	switch {
	case b.JSON != nil:
		return b.JSON.AppendJSON(make([]byte, 0, 256), &u.scope)
	case b.Form != nil:
		return []byte(u.encode(b.Form))
	}
	return []byte(b.Text.String(&u.scope))
}

// encode writes a query or a form in the script's order.
func (u *user) encode(pairs []script.Pair) string {
	var b strings.Builder
	for i, p := range pairs {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(url.QueryEscape(p.Name))
		b.WriteByte('=')
		b.WriteString(url.QueryEscape(p.Value.String(&u.scope)))
	}
	return b.String()
}
