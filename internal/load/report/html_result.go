package report

import (
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

// NewPage tells a result as a page; what a result does not hold, its points and the values of its checks, can be filled in.
func NewPage(title string, res result.Result) Page {
	p := Page{
		Title: title, Verdict: res.Verdict, Why: res.Why,
		StartedAt: time.UnixMilli(int64(res.StartedAt * 1000)), Duration: span(res.Duration),
		Sides:     []Side{newSide(res)},
		Generator: &Generator{Lag: res.Lag, Offered: res.Rate.Offered, Achieved: res.Rate.Achieved},
	}
	if res.StartedAt == 0 {
		p.StartedAt = time.Time{}
	}
	if res.CPU != nil {
		p.Generator.CPU, p.Generator.Throttled = span(res.CPU.Used), res.CPU.Throttled
	}
	for _, g := range res.Gates {
		c := Check{Text: g.Text, OK: g.OK, Optional: g.Optional}
		if g.Value != nil {
			c.Values = []Measured{{Value: *g.Value}}
		}
		p.Checks = append(p.Checks, c)
	}
	for _, phase := range res.Phases {
		p.Bands = append(p.Bands, Band{Name: phase.Name, From: span(phase.From), To: span(phase.To)})
	}
	if res.Script != "" {
		p.Facts = append(p.Facts, Fact{"Script", res.Script})
	}
	return p
}

func newSide(res result.Result) Side {
	s := Side{
		Arrivals: res.Arrivals, Skipped: res.Skipped, Requests: res.Requests, ErrorRate: res.ErrorRate, Apdex: res.Apdex,
		Codes: res.Codes, Errors: res.Errors, Timed: "The whole request, in each second.",
	}
	for _, t := range []struct {
		name string
		q    *result.Quantiles
	}{{wholeRequest, res.Latency}, {toFirstByte, res.FirstByte}, {fromIntended, res.Intended}} {
		if t.q != nil {
			s.Times = append(s.Times, Times{t.name, *t.q})
		}
	}
	for _, phase := range res.Phases {
		s.Phases = append(s.Phases, Row{
			Name: phase.Name, When: timeLabel(span(phase.From)) + " to " + timeLabel(span(phase.To)),
			Arrivals: phase.Arrivals, Requests: phase.Requests, Q: phase.Latency,
		})
	}
	for _, e := range res.Endpoints {
		s.Endpoints = append(s.Endpoints, Row{Name: e.Name, Requests: e.Requests, Bad: e.Bad, Q: e.FirstByte})
	}
	return s
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
		c := Check{Text: o.Text, OK: o.OK, Optional: !o.Strict, Why: o.Why}
		for _, v := range o.Values {
			c.Values = append(c.Values, Measured{v.Name, v.V})
		}
		out = append(out, c)
	}
	return out
}
