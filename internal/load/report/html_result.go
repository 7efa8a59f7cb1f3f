package report

import (
	"errors"
	"fmt"
	"math"
	"time"

	"sluice.dev/sluice/internal/load/gate"
	"sluice.dev/sluice/internal/load/result"
)

// What the rows of the latency table are called.
const (
	wholeRequest = "whole request, from connecting to the last byte"
	toFirstByte  = "sent until the first byte of the answer (Artillery’s http.response_time)"
	fromIntended = "whole request, counted from when it should have been sent"
)

// FromFile tells what is in a file: a result as a termination message holds it, or a JSON report.
func FromFile(title string, text []byte) (Page, error) {
	res, err := result.Parse(text)
	if err == nil {
		return NewPage(title, res), nil
	}
	if !errors.Is(err, result.ErrNotAResult) {
		return Page{}, err
	}
	page, err := FromArtillery(text)
	page.Title = title
	return page, err
}

// NewPage tells a result as a page; what a result does not hold, its points and the values of its checks, can be filled in.
func NewPage(title string, res result.Result) Page {
	p := Page{
		Title: title, Verdict: res.Verdict, Why: res.Why,
		StartedAt: time.UnixMilli(int64(res.StartedAt * 1000)), Duration: span(res.Duration),
		Sides:     sidesOf(res),
		Generator: &Generator{Lag: res.Lag, Offered: res.Rate.Offered, Achieved: res.Rate.Achieved},
	}
	if res.StartedAt == 0 {
		p.StartedAt = time.Time{}
	}
	if res.CPU != nil {
		p.Generator.CPU, p.Generator.Throttled = span(res.CPU.Used), res.CPU.Throttled
	}
	for _, g := range res.Gates {
		c := Check{Text: g.Text, OK: g.OK, Optional: g.Optional, Default: g.Default}
		if g.Value != nil {
			c.Values = []Measured{{Value: *g.Value}}
		}
		p.Checks = append(p.Checks, c)
	}
	for _, phase := range res.Phases {
		p.Bands = append(p.Bands, Band{Name: phase.Name, From: span(phase.From), To: span(phase.To)})
	}
	if p.Duration > 0 {
		p.Bands = Until(p.Bands, p.Duration)
	}
	if s := res.Share; s != nil {
		p.Facts = append(p.Facts, Fact{"Share", fmt.Sprintf("%d of %d", s[0]+1, s[1])})
	}
	for _, note := range res.Notes {
		p.Notes = append(p.Notes, sentence(note))
	}
	if res.Stable != nil && res.Stable.Why != "" {
		p.Notes = append(p.Notes, "The stable version: "+res.Stable.Why)
	}
	if res.Script != "" {
		p.Facts = append(p.Facts, Fact{"Script", res.Script})
	}
	return p
}

// sidesOf are the canary and the stable version, or the one thing that was loaded.
func sidesOf(res result.Result) []Side {
	main := newSide(result.Side{
		Arrivals: res.Arrivals, Requests: res.Requests, ErrorRate: res.ErrorRate, Codes: res.Codes, Errors: res.Errors, Causes: res.Causes,
		Latency: res.Latency, FirstByte: res.FirstByte, Phases: res.Phases,
	})
	main.Skipped, main.Apdex = res.Skipped, res.Apdex
	if res.Intended != nil {
		main.Times = append(main.Times, Times{fromIntended, *res.Intended})
	}
	for _, e := range res.Endpoints {
		main.Endpoints = append(main.Endpoints, Row{Name: e.Name, Requests: e.Requests, Bad: e.Bad, Q: e.FirstByte})
	}
	if res.Stable == nil {
		return []Side{main}
	}
	stable := newSide(*res.Stable)
	main.Name, stable.Name = "canary", "stable"
	return []Side{main, stable}
}

func newSide(from result.Side) Side {
	s := Side{
		Arrivals: from.Arrivals, Requests: from.Requests, ErrorRate: from.ErrorRate, Codes: from.Codes, Errors: from.Errors, Causes: from.Causes,
		Timed: "The whole request, in each second.",
	}
	for _, t := range []struct {
		name string
		q    *result.Quantiles
	}{{wholeRequest, from.Latency}, {toFirstByte, from.FirstByte}} {
		if t.q != nil {
			s.Times = append(s.Times, Times{t.name, *t.q})
		}
	}
	for _, phase := range from.Phases {
		s.Phases = append(s.Phases, Row{
			Name: phase.Name, When: whenOf(phase),
			Arrivals: phase.Arrivals, Requests: phase.Requests, Q: phase.Latency,
		})
	}
	return s
}

// whenOf is when a phase was.
func whenOf(p result.Phase) string {
	if p.To <= p.From {
		return "never began"
	}
	return timeLabel(span(p.From)) + " to " + timeLabel(span(p.To))
}

// span is a time in seconds as a duration, within what can be a test's.
func span(seconds float64) time.Duration {
	if math.IsNaN(seconds) || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, 1e9) * float64(time.Second))
}

// Checks tells outcomes with all values that they looked at.
func Checks(outcomes []gate.Outcome) []Check {
	var out []Check
	for _, o := range outcomes {
		c := Check{Text: o.Text, OK: o.OK, Optional: !o.Strict, Default: o.Default, Why: o.Why}
		for _, v := range o.Values {
			c.Values = append(c.Values, Measured{v.Name, v.V})
		}
		out = append(out, c)
	}
	return out
}
