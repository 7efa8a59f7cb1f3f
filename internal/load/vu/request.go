package vu

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"sluice.dev/sluice/internal/load/extract"
	"sluice.dev/sluice/internal/load/httpx"
	"sluice.dev/sluice/internal/load/js"
	"sluice.dev/sluice/internal/load/script"
	"sluice.dev/sluice/internal/load/stats"
)

// send renders and sends one request, if it is its turn, and looks at the answer.
func (u *user) send(ctx context.Context, r *script.Request) error {
	if skip, err := u.skips(r); skip || err != nil {
		return err
	}
	e, err := u.exchange(ctx, r)
	if err == nil || ctx.Err() != nil {
		return err
	}
	u.tell(e, err)
	return err
}

// skips says whether chance or a condition leaves the request out.
func (u *user) skips(r *script.Request) (bool, error) {
	if r.Probability != nil {
		percent, err := strconv.ParseFloat(strings.TrimSpace(r.Probability.String(&u.scope)), 64)
		if err != nil {
			percent = 0
		}
		if u.scope.Rand.Float64()*100 >= percent {
			return true, nil
		}
	}
	if r.IfFunction != "" {
		send, err := u.decides(r.IfFunction)
		return !send, err
	}
	return r.If != nil && !r.If.True(u.scope.Vars), nil
}

// exchange is one request and what came of it.
type exchange struct {
	request *script.Request
	// edited is the request as hooks see it; nil while no hook asked for it.
	edited *js.Request
	sent   httpx.Request
	last   httpx.Hop
	answer *extract.Answer
}

// exchange sends the request and looks at its answer.
func (u *user) exchange(ctx context.Context, r *script.Request) (*exchange, error) {
	e := &u.current
	*e = exchange{request: r}
	if err := u.prepare(e); err != nil {
		return e, err
	}
	if !strings.HasPrefix(e.sent.URL, "http") {
		return e, u.invalidURL(e.sent.URL)
	}
	wanted := u.wantsAnswer(r)
	if wanted {
		e.sent.Answer = u.keep(r)
	}
	if err := u.transmit(ctx, e); err != nil || !wanted {
		return e, err
	}
	return e, u.look(e)
}

func (u *user) invalidURL(address string) error {
	text := u.labels.limit("Invalid URL - "+address, "Invalid URL")
	return u.fail(scriptClass, text, errors.New("it is no http address"))
}

// transmit sends what is prepared; each hop is recorded as it ends.
func (u *user) transmit(ctx context.Context, e *exchange) error {
	sockets := u.sockets
	u.leave()
	defer u.enter()
	if sockets != nil {
		select {
		case sockets <- struct{}{}:
			defer func() { <-sockets }()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	err := u.client.Do(ctx, e.sent, func(h httpx.Hop) {
		if !u.quiet {
			u.config.Recorder.Record(u.k, func(s *stats.Set) { u.record(s, e.request, h) })
		}
		u.intended, e.last = h.Done, h
	})
	switch {
	case err == nil:
		return nil
	case ctx.Err() == nil:
		return u.unsent(e, err)
	case errors.Is(context.Cause(ctx), ErrUnfinished):
		return u.unfinished(e, err)
	}
	return err
}

// unfinished counts a request that the end of the run cut off because it took too long.
func (u *user) unfinished(e *exchange, err error) error {
	name := httpx.Unfinished.Node()
	if !u.quiet {
		h := httpx.Hop{Sent: time.Now(), Err: &httpx.Error{Class: httpx.Unfinished, Err: err}}
		h.Done = h.Sent
		u.config.Recorder.Record(u.k, func(s *stats.Set) { u.record(s, e.request, h) })
	}
	return &failure{name: name, err: err}
}

// unsent is why a request has no answer; what no hop has counted is counted.
func (u *user) unsent(e *exchange, err error) error {
	var classified *httpx.Error
	if !errors.As(err, &classified) {
		return err
	}
	switch {
	case classified.Class == httpx.Script:
		return u.invalidURL(e.sent.URL)
	case e.last.Err != nil:
		return &failure{name: classified.Class.Node(), err: err}
	}
	return u.fail(classified.Class, classified.Class.Node(), err)
}

// wantsAnswer says whether anybody looks at what is answered.
func (u *user) wantsAnswer(r *script.Request) bool {
	return len(r.Captures)+len(r.Matches)+len(r.After)+len(u.scenario.AfterResponse) > 0 || u.expects(r)
}

// maxSpare is how much memory of an answer a user keeps for the next one.
const maxSpare = 64 << 10

func (u *user) keep(r *script.Request) *httpx.Answer {
	if u.answer == nil || cap(u.answer.Body) > maxSpare {
		u.answer = &httpx.Answer{Limit: extract.MaxBody}
	}
	u.answer.Decode = r.AcceptsGzip
	return u.answer
}

// prepare runs the hooks before the request and fills its placeholders in.
func (u *user) prepare(e *exchange) error {
	r := e.request
	if len(u.scenario.BeforeRequest)+len(r.Before) > 0 {
		return u.prepareEdited(e)
	}
	e.sent = httpx.Request{Method: r.Method, URL: u.address(r), FollowsRedirects: r.FollowsRedirects}
	var contentType string
	if r.Body != nil {
		e.sent.Body, contentType = u.body(r.Body)
	}
	e.sent.Headers = u.head(r, contentType)
	for _, h := range r.Headers {
		e.sent.Headers = append(e.sent.Headers, httpx.Header{Name: u.named(h.Name), Value: h.Value.String(&u.scope)})
	}
	u.finish(e, r.Cookies)
	return nil
}

// head begins a request's headers: ours, then the script's defaults, so that
// what a request says itself can come last.
func (u *user) head(r *script.Request, contentType string) []httpx.Header {
	headers := u.headers[:0]
	if r.AcceptsGzip {
		headers = append(headers, httpx.Header{Name: "Accept-Encoding", Value: "gzip, deflate"})
	}
	if contentType != "" {
		headers = append(headers, httpx.Header{Name: "Content-Type", Value: contentType})
	}
	if r.Auth != nil {
		plain := r.Auth.User.String(&u.scope) + ":" + r.Auth.Password.String(&u.scope)
		headers = append(headers, httpx.Header{Name: "Authorization", Value: "Basic " + base64.StdEncoding.EncodeToString([]byte(plain))})
	}
	for _, h := range u.script.Headers {
		headers = append(headers, httpx.Header{Name: u.named(h.Name), Value: h.Value.String(&u.scope)})
	}
	return headers
}

// finish adds what every request has: cookies, a trace, the test's tags.
func (u *user) finish(e *exchange, own []script.Pair) {
	for _, cookies := range [][]script.Pair{u.script.Cookies, own} {
		for _, c := range cookies {
			e.sent.Cookies = append(e.sent.Cookies, httpx.Header{Name: u.named(c.Name), Value: c.Value.String(&u.scope)})
		}
	}
	if u.script.Traces {
		e.sent.Headers = append(e.sent.Headers, httpx.Header{Name: "Traceparent", Value: u.traceparent()})
	}
	e.sent.Headers = u.tags.add(e.sent.Headers)
	u.headers = e.sent.Headers
}

// traceparent begins a trace; a9 in front tells a load test's traces from others.
func (u *user) traceparent() string {
	random := u.scope.Rand
	return fmt.Sprintf("00-a9%014x%016x-%016x-01", random.Uint64()>>8, random.Uint64(), max(1, random.Uint64()))
}

// body renders a body, and says of what type it is.
func (u *user) body(b *script.Body) ([]byte, string) {
	switch {
	case b.JSON != nil:
		return b.JSON.AppendJSON(make([]byte, 0, 256), &u.scope), b.ContentType
	case b.Form != nil:
		return []byte(u.form(b.Form)), b.ContentType
	case b.Parts != nil:
		return u.multipart(b.Parts)
	}
	return []byte(b.Text.String(&u.scope)), b.ContentType
}
