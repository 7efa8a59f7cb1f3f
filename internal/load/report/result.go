package report

import (
	"math"
	"sort"
	"strings"
	"time"

	"sluice.dev/sluice/internal/load/gate"
	"sluice.dev/sluice/internal/load/result"
	"sluice.dev/sluice/internal/load/script"
	"sluice.dev/sluice/internal/load/series"
	"sluice.dev/sluice/internal/load/stats"
	"sluice.dev/sluice/internal/load/verdict"
)

// Bounds on what a result names.
const (
	maxName      = 64
	maxGateText  = 200
	maxWhy       = 512
	maxEndpoints = 20
)

// Run is what a result is made from.
type Run struct {
	Script    *script.Script
	Facts     verdict.Facts
	Achieved  int64
	StartedAt time.Time
	Duration  time.Duration
	// CPU is the processor time that the generator used.
	CPU time.Duration
}

// Result judges a run and makes its result.
func Result(r Run) (result.Result, error) {
	total := r.Facts.Total
	v, why := verdict.Judge(r.Facts)
	serverErrors, unanswered := verdict.Bad(total)
	out := result.Result{
		Version: result.Version, Verdict: v, Why: clip(why, maxWhy),
		StartedAt: round(float64(r.StartedAt.UnixMilli())/1000, 3), Duration: round(r.Duration.Seconds(), 3),
		Arrivals: total.Counter(series.VUsersCreated), Skipped: total.Counter(series.VUsersSkipped),
		Requests: total.Counter(series.Requests),
		Codes:    suffixes(total, series.Codes), Errors: suffixes(total, series.ErrorClass),
		Latency: quantiles(total, series.Duration), FirstByte: quantiles(total, series.ResponseTime),
		Intended: quantiles(total, series.DurationFromIntended), Lag: quantiles(total, series.Lag),
		CPU: &result.CPU{Used: round(r.CPU.Seconds(), 3)}, Script: r.Script.Digest,
		Rate:   result.Rate{Offered: perSecond(r.Facts.Offered, r.Facts.Planned), Achieved: perSecond(r.Achieved, r.Facts.Took)},
		Gates:  gates(r.Facts.Outcomes),
		Phases: phases(r.Script, total), Endpoints: busiest(r.Script.Namespace, total),
	}
	if out.Requests > 0 {
		// An answer with a 5xx code whose body broke off counts in both.
		out.ErrorRate = round(min(1, float64(serverErrors+unanswered)/float64(out.Requests)), 4)
	}
	if score, ok := total.Apdex(); ok {
		score = round(score, 3)
		out.Apdex = &score
	}
	if t := r.Facts.Throttled; !math.IsNaN(t) {
		t = round(t, 3)
		out.CPU.Throttled = &t
	}
	if h := total.Histogram(series.Duration); h != nil {
		encoded, err := h.Encode()
		if err != nil {
			return result.Result{}, err
		}
		out.Histogram = encoded
	}
	return out, nil
}

func round(v float64, digits int) float64 {
	scale := math.Pow10(digits)
	return math.Round(v*scale) / scale
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}

func perSecond(n int64, seconds float64) float64 {
	if seconds <= 0 {
		return 0
	}
	return round(float64(n)/seconds, 2)
}

func suffixes(s *stats.Set, prefix string) map[string]int64 {
	out := map[string]int64{}
	for name, n := range s.Counters() {
		if rest, ok := strings.CutPrefix(name, prefix); ok && n > 0 {
			out[rest] = n
		}
	}
	return out
}

func quantiles(s *stats.Set, name string) *result.Quantiles {
	h := s.Histogram(name)
	if h == nil {
		return nil
	}
	q := h.Summary()
	return &result.Quantiles{
		P50: round(q.P50, 2), P90: round(q.P90, 2), P95: round(q.P95, 2), P99: round(q.P99, 2),
		P999: round(q.P999, 2), Max: round(q.Max, 2),
	}
}

func gates(outcomes []gate.Outcome) []result.Gate {
	var out []result.Gate
	for _, o := range outcomes {
		g := result.Gate{Text: clip(o.Text, maxGateText), OK: o.OK, Optional: !o.Strict}
		if len(o.Values) > 0 && o.Why == "" {
			v := round(o.Values[0].V, 3)
			g.Value = &v
		}
		out = append(out, g)
	}
	return out
}

func phases(s *script.Script, total *stats.Set) []result.Phase {
	var out []result.Phase
	for i, w := range s.Plan.Windows() {
		out = append(out, result.Phase{
			Name: clip(w.Name, maxName), From: round(w.Start.Seconds(), 3), To: round(w.End().Seconds(), 3),
			Arrivals: total.Counter(series.PhaseArrivals(i)), Requests: total.Counter(series.PhaseRequests(i)),
			Latency: quantiles(total, series.PhaseDuration(i)),
		})
	}
	return out
}

// busiest lists the endpoints with the most answers.
func busiest(namespace string, total *stats.Set) []result.Endpoint {
	var out []result.Endpoint
	for name := range total.Summaries() {
		label, ok := strings.CutPrefix(name, namespace+".response_time.")
		if !ok {
			continue
		}
		e := series.NewEndpoint(namespace, label)
		out = append(out, endpoint(e, total, name))
	}
	sort.Slice(out, func(i, j int) bool {
		return out[i].Requests > out[j].Requests || out[i].Requests == out[j].Requests && out[i].Name < out[j].Name
	})
	return out[:min(len(out), maxEndpoints)]
}

func endpoint(e series.Endpoint, total *stats.Set, name string) result.Endpoint {
	out := result.Endpoint{Name: clip(e.Name, maxName), FirstByte: quantiles(total, name)}
	for code, n := range suffixes(total, e.Codes) {
		out.Requests += n
		if strings.HasPrefix(code, "5") {
			out.Bad += n
		}
	}
	for _, n := range suffixes(total, e.Errors) {
		out.Requests += n
		out.Bad += n
	}
	return out
}
