package vu

import (
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"sluice.dev/sluice/internal/load/extract"
	"sluice.dev/sluice/internal/load/httpx"
	"sluice.dev/sluice/internal/load/script"
	"sluice.dev/sluice/internal/load/template"
)

// maxExtractors bounds how many compiled expressions are kept; with
// placeholders in them there may be ever new ones.
const maxExtractors = 2000

// extractors compiles each expression once for all users.
type extractors struct {
	known sync.Map
	n     atomic.Int64
}

type compiled struct {
	extractor *extract.Extractor
	err       error
}

func (x *extractors) get(s extract.Spec) (*extract.Extractor, error) {
	if found, ok := x.known.Load(s); ok {
		c := found.(compiled)
		return c.extractor, c.err
	}
	var c compiled
	c.extractor, c.err = extract.Compile(s)
	if x.n.Load() < maxExtractors {
		x.n.Add(1)
		x.known.Store(s, c)
	}
	return c.extractor, c.err
}

// look takes captures and matches from the answer and runs what comes after it.
func (u *user) look(e *exchange) error {
	kept := e.sent.Answer
	e.answer = &extract.Answer{Code: kept.Code, Header: kept.Header, Body: kept.Body, Err: kept.Err}
	missed := u.capture(e)
	if err := u.after(e, hooks(u.scenario.AfterResponse)); err != nil {
		return err
	}
	if err := u.expect(e); err != nil {
		return err
	}
	if err := u.after(e, e.request.After); err != nil {
		return err
	}
	return missed
}

func hooks(names []string) []template.Text {
	if len(names) == 0 {
		return nil
	}
	out := make([]template.Text, len(names))
	for i, name := range names {
		out[i] = template.Literal(name)
	}
	return out
}

// errMissed is counted under the name it has in Artillery.
const errMissed = "Failed capture or match"

// capture stores all of the request's captures, or none where one of them or a match fails.
func (u *user) capture(e *exchange) error {
	r := e.request
	if len(r.Captures)+len(r.Matches) == 0 {
		return nil
	}
	values, failed := u.takeAll(r.Captures, e.answer)
	if failed == nil {
		failed = u.matchAll(r.Matches, e.answer)
	}
	if failed != nil {
		failed = fmt.Errorf("%s %s: %w", r.Method, e.sent.URL, failed)
		u.explain(failed)
		return u.fail(captureClass, errMissed, failed)
	}
	for i, c := range r.Captures {
		if _, lost := values[i].(lost); lost {
			delete(u.scope.Vars, c.As) // what an earlier answer gave is no longer true
			continue
		}
		assign(u.scope.Vars, c.As, values[i])
	}
	return nil
}

// lost is the value of a capture that found nothing, may, and is undefined then.
type lost struct{}

func (u *user) takeAll(captures []script.Capture, a *extract.Answer) ([]any, error) {
	values := make([]any, len(captures))
	for i := range captures {
		c := &captures[i]
		v, err := u.take(c, a)
		switch {
		case err == nil:
			values[i] = v
		case c.Lenient && v != nil:
			values[i] = v
		case c.Lenient:
			values[i] = lost{}
		default:
			return nil, fmt.Errorf("capture of %s by %s %s: %w", c.As, c.By, c.Expression.Source(), err)
		}
	}
	return values, nil
}

func (u *user) matchAll(matches []script.Capture, a *extract.Answer) error {
	for i := range matches {
		m := &matches[i]
		if err := u.match(m, a); err != nil && !m.Lenient {
			return fmt.Errorf("match by %s %s: %w", m.By, m.Expression.Source(), err)
		}
	}
	return nil
}

func (u *user) take(c *script.Capture, a *extract.Answer) (any, error) {
	x, err := u.extractors.get(extract.Spec{
		By: string(c.By), Expression: c.Expression.String(&u.scope), Group: c.Group, Flags: c.Flags,
		Attribute: c.Attribute, Index: c.Index, Whole: c.Whole,
	})
	if err != nil {
		return nil, err
	}
	return x.From(a, u.scope.Rand)
}

func (u *user) match(m *script.Capture, a *extract.Answer) error {
	got, err := u.take(m, a)
	if err != nil {
		got = "" // what is not there is an empty text, which a match may ask for
	}
	if m.Value == nil {
		return err
	}
	want := m.Value.Value(&u.scope)
	if extract.Same(got, want) {
		return nil
	}
	if err != nil {
		return err
	}
	return fmt.Errorf("got %s, want %s", quote(got), quote(want))
}

func quote(v any) string {
	const longest = 100
	text := string(template.AppendJSON(nil, v))
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "…"
	}
	return text
}

// maxExplained is how many failed captures are explained; the others look the same.
const maxExplained = 10

// explain says why captures failed, which no counter can.
func (u *user) explain(err error) {
	if n := u.explained.Add(1); n <= maxExplained {
		u.printer.print("warning: " + err.Error())
	}
}

// assign sets a variable by its path, as "user.id". What other users may
// share on the way is copied, not changed.
func assign(vars map[string]any, name string, v any) {
	path, err := splitPath(name)
	if err != nil || len(path) < 2 {
		vars[name] = v
		return
	}
	vars[path[0]] = with(vars[path[0]], path[1:], v)
}

func splitPath(name string) ([]string, error) {
	if !strings.ContainsAny(name, ".[") {
		return nil, nil
	}
	path := strings.FieldsFunc(name, func(r rune) bool { return strings.ContainsRune(`.[]'"`, r) })
	if len(path) == 0 {
		return nil, errors.New("the path is empty")
	}
	return path, nil
}

// with returns a copy of a value in which a path leads to v.
func with(in any, path []string, v any) any {
	if len(path) == 0 {
		return v
	}
	if list, ok := in.([]any); ok {
		if i, err := strconv.Atoi(path[0]); err == nil && i >= 0 && i < len(list) {
			out := append([]any(nil), list...)
			out[i] = with(list[i], path[1:], v)
			return out
		}
	}
	object, _ := in.(map[string]any)
	out := make(map[string]any, len(object)+1)
	maps.Copy(out, object)
	out[path[0]] = with(object[path[0]], path[1:], v)
	return out
}

// The classes of failures that are no lack of an answer.
const (
	scriptClass  = httpx.Script
	captureClass = httpx.Capture
	expectClass  = httpx.Expect
)
