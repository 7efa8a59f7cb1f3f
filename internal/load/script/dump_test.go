package script

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"sluice.dev/sluice/internal/load/template"
)

// dump writes what was read of a script, a line for each thing that is not the default.
type dump struct{ b strings.Builder }

func (d *dump) line(depth int, format string, args ...any) {
	d.b.WriteString(strings.Repeat("  ", depth))
	fmt.Fprintf(&d.b, format, args...)
	d.b.WriteByte('\n')
}

// one writes a line unless the value is its kind's zero.
func one[T comparable](d *dump, depth int, name string, v T) {
	var zero T
	if v != zero {
		d.line(depth, "%s: %v", name, v)
	}
}

func several[T any](d *dump, depth int, name string, values []T) {
	if len(values) > 0 {
		d.line(depth, "%s: %v", name, values)
	}
}

func dumpScript(s *Script) string {
	d := &dump{}
	one(d, 0, "target", s.Target)
	d.line(0, "plan: %d arrivals in %s", s.Plan.Total(), s.Plan.Length())
	for _, w := range s.Plan.Windows() {
		d.line(1, "%q kind %d from %s for %s: %d arrivals, rate %g to %g, at most %d users", w.Name, w.Kind, w.Start, w.Duration, w.Arrivals, w.Rate, w.RampTo, w.MaxVUsers)
	}
	d.line(0, "timeout: %s", s.Timeout)
	one(d, 0, "insecure", s.Insecure)
	for _, h := range s.Headers {
		d.line(0, "header %s: %s", h.Name, h.Value.Source())
	}
	d.pairs(0, "cookie", s.Cookies)
	for _, name := range slices.Sorted(maps.Keys(s.Variables)) {
		d.line(0, "variable %s = %#v", name, s.Variables[name])
	}
	for _, p := range s.Payloads {
		d.line(0, "payload %v name %q sequence %t: %#v", p.Fields, p.Name, p.Sequence, p.Rows)
	}
	d.jitter(0, s.ThinkJitter)
	one(d, 0, "pool", s.Pool)
	one(d, 0, "max sockets", s.MaxSockets)
	one(d, 0, "extended", s.Extended)
	one(d, 0, "traces", s.Traces)
	if t := s.TLS; len(t.Authority)+len(t.Certificate)+len(t.Protocols) > 0 {
		d.line(0, "tls: authority %d, certificate %d, key %d bytes, passphrase %q, protocols %v",
			len(t.Authority), len(t.Certificate), len(t.Key), t.Passphrase, t.Protocols)
	}
	if s.Expect != nil {
		d.line(0, "expect: %+v", *s.Expect)
	}
	one(d, 0, "apdex", s.Apdex)
	d.line(0, "endpoints: %s, hidden %t", s.Namespace, s.HideEndpoints)
	if s.Functions != nil {
		d.line(0, "functions: %v", s.Functions.Functions())
	}
	for _, c := range s.Checks {
		d.line(0, "check: %s, strict %t", c.Text, c.Strict)
	}
	if s.Setup != nil {
		d.scenario("before", *s.Setup)
	}
	for _, sc := range s.Scenarios {
		d.scenario("scenario", sc)
	}
	if s.Teardown != nil {
		d.scenario("after", *s.Teardown)
	}
	return d.b.String()
}

func (d *dump) scenario(kind string, s Scenario) {
	d.line(0, "%s %q weight %d", kind, s.Name, s.Weight)
	several(d, 1, "before", s.Before)
	several(d, 1, "after", s.After)
	several(d, 1, "before request", s.BeforeRequest)
	several(d, 1, "after response", s.AfterResponse)
	several(d, 1, "on error", s.OnError)
	for _, name := range slices.Sorted(maps.Keys(s.Variables)) {
		d.line(1, "variable %s = %#v", name, s.Variables[name])
	}
	d.steps(1, s.Steps)
}

func (d *dump) steps(depth int, steps []Step) {
	for _, s := range steps {
		switch {
		case s.Request != nil:
			d.request(depth, s.Request)
		case s.Think != nil:
			d.line(depth, "think %s %q", s.Think.Fixed, s.Think.Text.Source())
			d.jitter(depth+1, s.Think.Jitter)
		case s.Loop != nil:
			d.loop(depth, s.Loop)
		case s.Parallel != nil:
			d.line(depth, "parallel, %d at once", s.Parallel.Limit)
			d.steps(depth+1, s.Parallel.Steps)
		case s.Log != nil:
			d.line(depth, "log %q", s.Log.Source())
		default:
			d.line(depth, "function %s", s.Function)
		}
	}
}

func (d *dump) jitter(depth int, j *Jitter) {
	if j != nil {
		d.line(depth, "jitter: share %g, by %s", j.Share, j.By)
	}
}

func (d *dump) loop(depth int, l *Loop) {
	d.line(depth, "loop from %d to %d, element %s, count %s", l.From, l.To, l.Element, l.Count)
	if l.Times != nil {
		d.line(depth+1, "times: %s", l.Times.Source())
	}
	if l.Over != nil {
		d.line(depth+1, "over: path %q", l.Over.Path)
		for _, v := range l.Over.Values {
			d.line(depth+2, "%s", written(v))
		}
	}
	one(d, depth+1, "while", l.While)
	d.steps(depth+1, l.Steps)
}

// written is a node with its placeholders as they stand in the script.
func written(n template.Node) string { return string(template.AppendJSON(nil, n.Source())) }

func (d *dump) request(depth int, r *Request) {
	d.line(depth, "%s %s", r.Method, r.URL.Source())
	depth++
	one(d, depth, "no redirects", !r.FollowsRedirects)
	one(d, depth, "no gzip", !r.AcceptsGzip)
	if r.Endpoint != nil {
		d.line(depth, "endpoint: %s", r.Endpoint.Name)
	}
	for _, h := range r.Headers {
		d.line(depth, "header %s: %s", h.Name, h.Value.Source())
	}
	one(d, depth, "has a query of its own", r.Query != nil)
	d.pairs(depth, "query", r.Query)
	d.pairs(depth, "cookie", r.Cookies)
	if r.Auth != nil {
		d.line(depth, "auth: %s %s", r.Auth.User.Source(), r.Auth.Password.Source())
	}
	d.body(depth, r.Body)
	if r.Probability != nil {
		d.line(depth, "probability: %s", r.Probability.Source())
	}
	one(d, depth, "if", r.If != nil)
	one(d, depth, "if function", r.IfFunction)
	for _, c := range append(slices.Clone(r.Captures), r.Matches...) {
		d.capture(depth, c)
	}
	for _, e := range r.Expects {
		d.line(depth, "expect %s: %s", e.Kind, written(e.Value))
	}
	for _, f := range r.Before {
		d.line(depth, "before: %s", f.Source())
	}
	for _, f := range r.After {
		d.line(depth, "after: %s", f.Source())
	}
}

func (d *dump) capture(depth int, c Capture) {
	kind := "capture"
	if c.Value != nil {
		kind = "match " + written(*c.Value) + " with"
	}
	d.line(depth, "%s %s %q group %q flags %q attribute %q index %q as %q, lenient %t, whole %t",
		kind, c.By, c.Expression.Source(), c.Group, c.Flags, c.Attribute, c.Index, c.As, c.Lenient, c.Whole)
}

func (d *dump) pairs(depth int, kind string, pairs []Pair) {
	for _, p := range pairs {
		d.line(depth, "%s %s: %s", kind, p.Name, p.Value.Source())
	}
}

func (d *dump) body(depth int, b *Body) {
	if b == nil {
		return
	}
	one(d, depth, "content type", b.ContentType)
	if b.JSON != nil {
		d.line(depth, "json: %s", written(*b.JSON))
	}
	d.pairs(depth, "field", b.Form)
	for _, p := range b.Parts {
		d.line(depth, "part %s: %q type %q file %q of %d bytes", p.Name, p.Value.Source(), p.ContentType, p.FileName, len(p.File))
	}
	one(d, depth, "text", b.Text.Source())
}
