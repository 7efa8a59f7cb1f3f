package vu

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"sluice.dev/sluice/internal/load/httpx"
	"sluice.dev/sluice/internal/load/script"
)

// newRunner prepares what all users share.
func newRunner(s *script.Script, c Config) (*runner, error) {
	if c.Bound <= 0 {
		c.Bound = DefaultBound
	}
	secure, err := httpx.NewTLS(httpx.TLSOptions{
		Insecure: s.Insecure, Authority: s.TLS.Authority, Certificate: s.TLS.Certificate, Key: s.TLS.Key,
		Passphrase: s.TLS.Passphrase, Protocols: s.TLS.Protocols,
	})
	if err != nil {
		return nil, fmt.Errorf("config.tls: %w", err)
	}
	r := &runner{
		turns:  make(chan turn),
		script: s, config: c, target: s.Target, tags: newTags(c.Tags), printer: &printer{w: c.Log},
		factory: httpx.NewFactory(httpx.Options{
			Timeout: s.Timeout, TLS: secure, Sockets: s.MaxSockets, Pool: s.Pool, Extended: s.Extended,
		}),
	}
	if c.Target != "" {
		r.target = c.Target
	}
	if err := r.startFunctions(); err != nil {
		return nil, err
	}
	r.shared = r.allRows()
	var sum int64
	for _, scenario := range s.Scenarios {
		sum += scenario.Weight
		r.weights = append(r.weights, sum)
	}
	r.keys = newKeys(s, c.Recorder)
	return r, nil
}

// allRows are the payloads of which every user gets all rows, as lists of objects.
func (r *runner) allRows() map[string]any {
	out := map[string]any{}
	for _, p := range r.script.Payloads {
		if p.Name == "" {
			continue
		}
		rows := make([]any, len(p.Rows))
		for i, row := range p.Rows {
			object := map[string]any{}
			place(object, p.Fields, row)
			rows[i] = object
		}
		out[p.Name] = rows
	}
	return out
}

func place(vars map[string]any, fields []string, row []any) {
	for i, field := range fields {
		if i < len(row) {
			vars[field] = row[i]
		}
	}
}

// Bounds on the after flow: a run that was stopped has little time left.
const (
	afterStop = 10 * time.Second
	afterLoad = 2 * time.Minute
)

// setUp runs the before flow. What it captures every user gets.
func (r *runner) setUp(ctx context.Context) error {
	if r.script.Setup == nil {
		return nil
	}
	vars, err := r.once(ctx, r.script.Setup)
	if err != nil {
		return fmt.Errorf("the before flow failed, so no load was sent: %w", err)
	}
	r.captured = vars
	return nil
}

// await waits for whoever says when the plan begins.
func (r *runner) await(ctx context.Context) (err error) {
	if r.config.Begin != nil {
		r.started, err = r.config.Begin(ctx)
	}
	return err
}

// tearDown runs the after flow, also when the run was stopped.
func (r *runner) tearDown(ctx context.Context) error {
	if r.script.Teardown == nil {
		return nil
	}
	limit := afterLoad
	if ctx.Err() != nil {
		limit = afterStop
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	if _, err := r.once(ctx, r.script.Teardown); err != nil {
		return fmt.Errorf("the after flow failed: %w", err)
	}
	return nil
}

// once walks a scenario as a user that is not counted, and returns the
// variables that it set.
func (r *runner) once(ctx context.Context, s *script.Scenario) (map[string]any, error) {
	u := r.newUser(-1, s)
	u.quiet = true
	defer u.client.Close()
	before := maps.Clone(u.scope.Vars)
	if err := u.play(ctx); err != nil {
		return nil, err
	}
	set := map[string]any{}
	for name, v := range u.scope.Vars {
		if old, known := before[name]; (!known || !same(old, v)) && !strings.HasPrefix(name, "$") {
			set[name] = v
		}
	}
	return set, nil
}

// tags are the headers that mark a test's requests.
type tags struct{ baggage, list string }

func newTags(all map[string]string) tags {
	var members, list []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		members = append(members, escapeBaggage(name)+"="+escapeBaggage(all[name]))
		list = append(list, escapeBaggage(name)+"="+escapeBaggage(all[name]))
	}
	return tags{strings.Join(members, ","), strings.Join(list, ",")}
}

// escapeBaggage writes a text as a member of W3C baggage may hold it.
func escapeBaggage(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// add puts the tags among a request's headers, beside baggage of the script's own.
func (t tags) add(headers []httpx.Header) []httpx.Header {
	if t.list == "" {
		return headers
	}
	baggage := t.baggage
	for i, h := range headers {
		if strings.EqualFold(h.Name, "baggage") && h.Value != "" {
			baggage = headers[i].Value + "," + t.baggage
		}
	}
	return append(headers, httpx.Header{Name: "Baggage", Value: baggage}, httpx.Header{Name: "X-Sluice-Load-Test", Value: t.list})
}

// maxLabels bounds how many names answers and scripts can make up for errors and metrics.
const maxLabels = 200

// labels lets so many different texts through and one for all others, so that
// addresses and messages that are made up cannot fill the memory.
type labels struct {
	mu    sync.Mutex
	known map[string]struct{}
}

func (l *labels) limit(text, other string) string {
	const longest = 160
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "…"
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, known := l.known[text]; known {
		return text
	}
	if len(l.known) >= maxLabels {
		return other
	}
	if l.known == nil {
		l.known = map[string]struct{}{}
	}
	l.known[text] = struct{}{}
	return text
}
