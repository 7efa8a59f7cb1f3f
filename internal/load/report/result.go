package report

import (
	"math"
	"strings"
	"time"

	"sluice.dev/sluice/internal/load/merge"
	"sluice.dev/sluice/internal/load/result"
	"sluice.dev/sluice/internal/load/schedule"
	"sluice.dev/sluice/internal/load/script"
	"sluice.dev/sluice/internal/load/series"
	"sluice.dev/sluice/internal/load/stats"
	"sluice.dev/sluice/internal/load/verdict"
)

// Bounds on what a result names.
const (
	maxName      = 64
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
	// Share is this generator's part of the test; nil when it works alone.
	Share *schedule.Share
	// Stopped is a word for what ended the test early, empty when nothing did.
	Stopped string
	// Stable is what the same load met at the stable version; nil when nothing was compared.
	Stable *Run
}

// Result judges a run and makes its result.
func Result(r Run) (result.Result, error) {
	total := r.Facts.Total
	out, err := result.Measured(total)
	if err != nil {
		return out, err
	}
	if r.Stable != nil {
		if out.Stable, err = side(*r.Stable, r.Share != nil); err != nil {
			return out, err
		}
		r.Facts.Compared = out.Stable.Answered()
		if why := verdict.Limited(r.Stable.Facts); why != "" && r.Facts.Limited == "" {
			r.Facts.Limited = "beside the stable version, " + why
		}
	}
	v, why := verdict.Judge(r.Facts)
	v, why = verdict.Answered(v, why, r.Facts, out)
	out.Notes = out.Oddities()
	out.Verdict, out.Why, out.Stopped = v, result.Clip(why, maxWhy), r.Stopped
	out.StartedAt, out.Duration = result.Round(float64(r.StartedAt.UnixMilli())/1000, 3), result.Round(r.Duration.Seconds(), 3)
	out.CPU, out.Script = &result.CPU{Used: result.Round(r.CPU.Seconds(), 3)}, r.Script.Digest
	out.Rate = result.Rate{Offered: merge.PerSecond(r.Facts.Offered, min(r.Facts.Planned, r.Facts.Took)), Achieved: merge.PerSecond(r.Achieved, r.Facts.Took)}
	out.Gates = verdict.Gates(r.Facts.Outcomes)
	out.Phases, out.Endpoints = phases(r.Script, total, r.Duration), busiest(r.Script.Namespace, total)
	if t := r.Facts.Throttled; !math.IsNaN(t) {
		t = result.Round(t, 3)
		out.CPU.Throttled = &t
	}
	if r.Share != nil {
		shareOf(&out, r)
	}
	return out, nil
}

// shareOf fills in what the result of the whole test needs of a share's.
func shareOf(out *result.Result, r Run) {
	for i, o := range r.Facts.Outcomes {
		out.Gates[i].Text = o.Text // in full: it is compiled again
	}
	for i := range out.Endpoints {
		out.Endpoints[i].FirstByte = nil // quantiles cannot be added
	}
	out.Share = &[2]int64{r.Share.Index, r.Share.Of}
	out.Part = merge.Part(merge.Source{
		Total: r.Facts.Total, Checks: r.Script.Checks, Facts: r.Facts, Achieved: r.Achieved, Phases: len(out.Phases),
	})
}

// side is the stable version's half of a comparison.
func side(r Run, shared bool) (*result.Side, error) {
	out, err := result.MeasuredSide(r.Facts.Total)
	if err != nil {
		return nil, err
	}
	out.Phases = phases(r.Script, r.Facts.Total, r.Duration)
	out.Why = result.Clip(verdict.Unmeasured(r.Facts), maxWhy)
	if shared {
		out.Part = merge.Part(merge.Source{
			Total: r.Facts.Total, Checks: r.Script.Checks, Facts: r.Facts, Achieved: r.Achieved, Phases: len(out.Phases),
		})
	}
	return &out, nil
}

// phases are a script's. A test that was stopped ends the phase it was in; one that never began has no length.
func phases(s *script.Script, total *stats.Set, lasted time.Duration) []result.Phase {
	var out []result.Phase
	for i, w := range s.Plan.Windows() {
		to := max(w.Start, min(w.End(), lasted))
		p := result.Phase{Name: result.Clip(w.Name, maxName), From: result.Round(w.Start.Seconds(), 3), To: result.Round(to.Seconds(), 3)}
		out = append(out, result.MeasurePhase(p, total, i))
	}
	return out
}

// busiest lists the endpoints with the most requests.
func busiest(namespace string, total *stats.Set) []result.Endpoint {
	var out []result.Endpoint
	for name := range endpoints(namespace, total) {
		out = append(out, endpoint(series.NewEndpoint(namespace, name), total))
	}
	result.SortEndpoints(out)
	return out[:min(len(out), maxEndpoints)]
}

// endpoints are those that answered and those that only ever failed to.
func endpoints(namespace string, total *stats.Set) map[string]bool {
	names := map[string]bool{}
	for name := range total.Counters() {
		rest, ok := strings.CutPrefix(name, namespace+".")
		if !ok {
			continue
		}
		for _, infix := range []string{".codes.", ".errors."} {
			if i := strings.LastIndex(rest, infix); i >= 0 {
				names[rest[:i]] = true
				break
			}
		}
	}
	return names
}

func endpoint(e series.Endpoint, total *stats.Set) result.Endpoint {
	out := result.Endpoint{Name: result.Clip(e.Name, maxName), FirstByte: result.QuantilesOf(total, e.ResponseTime)}
	for code, n := range result.Suffixes(total, e.Codes) {
		out.Requests += n
		if strings.HasPrefix(code, "5") {
			out.Bad += n
		}
	}
	for _, n := range result.Suffixes(total, e.Errors) {
		out.Requests += n
		out.Bad += n
	}
	return out
}
