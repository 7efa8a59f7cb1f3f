package vu

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"sluice.dev/sluice/internal/load/httpx"
	"sluice.dev/sluice/internal/load/js"
	"sluice.dev/sluice/internal/load/script"
	"sluice.dev/sluice/internal/load/stats"
	"sluice.dev/sluice/internal/load/template"
)

// maxRuntimes bounds how many copies of a processor there are.
const maxRuntimes = 8

// functions are the processor's, in a few copies that run beside each other. A
// user always calls the same copy, as it does in a worker of Artillery: what
// the processor keeps in variables of its own, its users share.
type functions struct {
	program *js.Program
	options js.Options
	copies  []copyOf
}

type copyOf struct {
	once    sync.Once
	runtime *js.Runtime
	err     error
}

// startFunctions runs the processor's files once, to see whether they can be used.
func (r *runner) startFunctions() error {
	if r.script.Functions == nil {
		return nil
	}
	r.functions = &functions{
		program: r.script.Functions, options: js.Options{Environ: environ(r.script.Builtins)},
		copies: make([]copyOf, min(runtime.GOMAXPROCS(0), maxRuntimes)),
	}
	if _, err := r.functions.of(0); err != nil {
		return fmt.Errorf("running the processor: %w", err)
	}
	return nil
}

// environ is what the script sees of the environment.
func environ(builtins map[string]any) []string {
	out := []string{}
	if env, ok := builtins["$env"].(map[string]any); ok {
		for name, v := range env {
			out = append(out, name+"="+template.Format(v))
		}
	}
	return out
}

func (f *functions) of(k int64) (*js.Runtime, error) {
	c := &f.copies[max(0, k)%int64(len(f.copies))]
	c.once.Do(func() { c.runtime, c.err = f.program.Runtime(f.options) })
	return c.runtime, c.err
}

// call calls one of the processor's functions. One that is not there is
// counted, and known is false; the user goes on.
func (u *user) call(c *js.Call) (answer js.Answer, known bool, err error) {
	if !u.script.Functions.Has(c.Function) {
		u.count(scriptClass, u.labels.limit(fmt.Sprintf("Undefined function %q", c.Function), "Undefined function"), nil)
		return js.Answer{}, false, nil
	}
	r, err := u.functions.of(u.k)
	if err == nil {
		c.Vars, c.Scenario, c.Rand = u.scope.Vars, u.scenario.Name, u.scope.Rand
		c.Log, c.Emit = u.printer.print, u.emit
		answer, err = r.Call(c)
	}
	if err != nil {
		name := err.Error()
		var thrown *js.Thrown
		if errors.As(err, &thrown) {
			name = thrown.Name
		}
		u.explain(err)
		err = u.fail(scriptClass, u.labels.limit(name, "an error of the processor"), err)
	}
	return answer, true, err
}

// steps calls functions that get the user's context only.
func (u *user) steps(ctx context.Context, names []string) error {
	for _, name := range names {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if _, _, err := u.call(&js.Call{Function: name, Kind: js.Step}); err != nil {
			return err
		}
	}
	return nil
}

// asked asks a function whether a loop goes on; one that is not there ends it.
func (u *user) asked(name string) (bool, error) {
	answer, known, err := u.call(&js.Call{Function: name, Kind: js.While})
	return known && answer.True, err
}

// decides asks a function whether a request is sent; without the function it is.
func (u *user) decides(name string) (bool, error) {
	answer, known, err := u.call(&js.Call{Function: name, Kind: js.If})
	return !known || answer.True, err
}

// after runs hooks on an answer.
func (u *user) after(e *exchange, names []template.Text) error {
	if len(names) == 0 {
		return nil
	}
	request, response := e.shown(), e.response()
	for _, name := range names {
		c := &js.Call{Function: name.String(&u.scope), Kind: js.AfterResponse, Request: request, Response: response}
		if _, _, err := u.call(c); err != nil {
			return err
		}
	}
	return nil
}

// tell tells the scenario's onError functions what ended the request.
func (u *user) tell(e *exchange, failed error) {
	text := failed.Error()
	var f *failure
	if errors.As(failed, &f) {
		text = f.name
	}
	for _, name := range u.scenario.OnError {
		if _, _, err := u.call(&js.Call{Function: name, Kind: js.OnError, Request: e.shown(), Error: text}); err != nil {
			return // it is counted; the user ends in any case
		}
	}
}

// shown is the request as hooks after it see it: as it was sent.
func (e *exchange) shown() *js.Request {
	out := &js.Request{
		Method: e.sent.Method, URL: e.sent.URL, Name: e.request.Name,
		Headers: map[string]string{}, Cookies: map[string]string{},
		HasBody: e.sent.Body != nil, Body: string(e.sent.Body),
	}
	for _, h := range e.sent.Headers {
		out.Headers[strings.ToLower(h.Name)] = h.Value
	}
	for _, c := range e.sent.Cookies {
		out.Cookies[c.Name] = c.Value
	}
	if b := e.request.Body; b != nil && b.JSON != nil || e.edited != nil && e.edited.HasJSON {
		out.HasJSON = json.Unmarshal(e.sent.Body, &out.JSON) == nil
	}
	return out
}

// response is the answer as hooks see it. A body that is too long or broken is empty.
func (e *exchange) response() *js.Response {
	out := &js.Response{
		Code: e.answer.Code, Body: string(e.answer.Body), Headers: map[string]string{},
		FirstByte: max(0, e.last.FirstByte.Sub(e.last.Wrote)), Total: e.last.Done.Sub(e.last.Sent),
	}
	for name := range e.answer.Header {
		out.Headers[strings.ToLower(name)], _ = e.answer.First(name)
	}
	return out
}

// prepareEdited lets hooks change the request before its placeholders are filled in.
func (u *user) prepareEdited(e *exchange) error {
	e.edited = u.original(e)
	for _, name := range append(hooks(u.scenario.BeforeRequest), e.request.Before...) {
		c := &js.Call{Function: name.String(&u.scope), Kind: js.BeforeRequest, Request: e.edited}
		if _, _, err := u.call(c); err != nil {
			return err
		}
	}
	u.renderEdited(e)
	return nil
}

// original is the request as the script has it, placeholders and all.
func (u *user) original(e *exchange) *js.Request {
	r := e.request
	out := &js.Request{
		Method: r.Method, URL: u.absolute(r.URL.Source()), Name: r.Name,
		Headers: map[string]string{}, Cookies: map[string]string{},
	}
	for _, h := range r.Headers {
		out.Headers[strings.ToLower(h.Name)] = h.Value.Source()
	}
	for _, c := range r.Cookies {
		out.Cookies[c.Name] = c.Value.Source()
	}
	if r.Query != nil {
		out.Query = sources(r.Query)
	}
	if b := r.Body; b != nil {
		switch {
		case b.JSON != nil:
			out.JSON, out.HasJSON = b.JSON.Source(), true
		case b.Form != nil:
			out.Form = sources(b.Form)
		case b.Parts == nil:
			out.Body, out.HasBody = b.Text.Source(), true
		}
	}
	return out
}

func (u *user) fill(v any) string { return template.Format(template.Fill(v, &u.scope)) }

// named fills the placeholders of a name in, which few names have.
func (u *user) named(name string) string {
	if !strings.Contains(name, "{{") {
		return name
	}
	return u.fill(name)
}

// renderEdited makes what is sent of what the hooks left.
func (u *user) renderEdited(e *exchange) {
	from, r := e.edited, e.request
	e.sent = httpx.Request{
		Method: strings.ToUpper(from.Method), URL: u.absolute(u.fill(from.URL)), FollowsRedirects: r.FollowsRedirects,
	}
	if from.Query != nil {
		e.sent.URL = withQuery(e.sent.URL, u.encodeMap(names(r.Query), from.Query, inQuery))
	}
	var contentType string
	e.sent.Body, contentType = u.editedBody(e)
	e.sent.Headers = u.head(r, contentType)
	for _, name := range headersInOrder(r, from.Headers) {
		e.sent.Headers = append(e.sent.Headers, httpx.Header{Name: u.named(name), Value: u.fill(from.Headers[name])})
	}
	u.finish(e, nil)
	for _, name := range slices.Sorted(maps.Keys(from.Cookies)) {
		e.sent.Cookies = append(e.sent.Cookies, httpx.Header{Name: u.named(name), Value: u.fill(from.Cookies[name])})
	}
}

// headersInOrder are the names of headers, those of the script first: a hook
// that writes one of them in another case means the same header.
func headersInOrder(r *script.Request, headers map[string]string) []string {
	var own, added []string
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		if slices.ContainsFunc(r.Headers, func(h script.Header) bool { return strings.ToLower(h.Name) == name }) {
			own = append(own, name)
		} else {
			added = append(added, name)
		}
	}
	return append(own, added...)
}

// editedBody renders the body: a JSON value goes before a form, a form before a text.
func (u *user) editedBody(e *exchange) ([]byte, string) {
	from, b := e.edited, e.request.Body
	switch {
	case from.HasJSON:
		return template.AppendJSON(nil, template.Fill(from.JSON, &u.scope)), "application/json"
	case from.Form != nil:
		var order []string
		if b != nil {
			order = names(b.Form)
		}
		return []byte(u.encodeMap(order, from.Form, template.Format)), "application/x-www-form-urlencoded"
	case b != nil && b.Parts != nil:
		return u.multipart(b.Parts)
	case from.HasBody:
		return []byte(u.fill(from.Body)), ""
	}
	return nil, ""
}

// Metrics of a processor's own.
const (
	ownPrefix = "sluice."
)

// emit records a metric of the processor's own. Names beyond the bound, and
// those that this program keeps its own books under, are left out.
func (u *user) emit(kind, name string, value float64) {
	if u.quiet || name == "" || strings.HasPrefix(name, ownPrefix) || math.IsNaN(value) || math.IsInf(value, 0) {
		return
	}
	if name = u.metrics.limit(name, ""); name == "" {
		return
	}
	u.config.Recorder.Record(u.k, func(s *stats.Set) {
		s.At(time.Now())
		if kind == "histogram" {
			s.Time(name, time.Duration(min(max(0, value), 1e9)*float64(time.Millisecond)))
			return
		}
		s.Count(name, int64(math.Round(min(max(value, -1e15), 1e15))))
	})
}
