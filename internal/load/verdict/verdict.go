// Package verdict decides what a load test's numbers may be taken to say.
package verdict

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"

	"sluice.dev/sluice/internal/load/gate"
	"sluice.dev/sluice/internal/load/httpx"
	"sluice.dev/sluice/internal/load/result"
	"sluice.dev/sluice/internal/load/series"
	"sluice.dev/sluice/internal/load/stats"
)

// Limits beyond which the generator, not the target, was measured.
const (
	// lagShare is the part of the tightest latency gate that start lag may reach.
	lagShare = 0.1
	// leastLag is the start lag in milliseconds that is healthy whatever the gates are.
	leastLag = 10
	// ungatedLag is the healthy start lag when no gate looks at a latency.
	ungatedLag = 100
	// leastLate is how many users must start late: one hiccup among a few users is no bottleneck.
	leastLate = 3
	// leastOverrun is how many seconds later than planned the last user may start: one hiccup near the end is no bottleneck.
	leastOverrun = 0.25
	// leastAchieved is the share of due arrivals that must start.
	leastAchieved = 0.99
	// leastFinished is the share of virtual users that must come to their end.
	leastFinished = 0.99
	// mostThrottled is the share of seconds in which the CPU quota may run out.
	mostThrottled = 0.05
)

// Facts are what a verdict is based on.
type Facts struct {
	Total *stats.Set
	// Checks are the gates, Outcomes how they came out.
	Checks   []gate.Check
	Outcomes []gate.Outcome
	// Offered is how many arrivals were due.
	Offered int64
	// Planned and Took are how long sending should have lasted and lasted, in seconds.
	Planned, Took float64
	// Tightest is the tightest latency gate in milliseconds, +Inf without one.
	Tightest float64
	// Throttled is the share of seconds in which the CPU quota ran out; NaN when unknown.
	Throttled float64
	// Stopped says what ended the test early; empty when it ran to its end.
	Stopped string
	// Aborted says why the test was ended early for the target's sake, or that there was reason
	// to at its end; empty when there was not.
	Aborted string
	// Expects says that the script's expectations count.
	Expects bool
	// Compared says that the same load was answered by the stable version.
	Compared bool
	// Limited says why the generator was the bottleneck, when that is known from elsewhere than these numbers.
	Limited string
	// Idle says that no arrival is due: the share of a test with fewer arrivals than shares.
	Idle bool
}

// Tightest returns the tightest latency limit of the checks.
func Tightest(checks []gate.Check) float64 {
	tightest := math.Inf(1)
	for _, c := range checks {
		if limit, ok := c.Latency(); ok {
			tightest = min(tightest, limit)
		}
	}
	return tightest
}

// Judge gives the verdict with a sentence that says why. A generator that was
// the bottleneck makes a test inconclusive even when a gate was not met: the
// numbers are then not the target's. Only answers of 5xx are its own whatever
// the generator did.
func Judge(f Facts) (result.Verdict, string) {
	if f.Stopped == "" && f.Idle && f.Total.Counter(series.VUsersCreated) == 0 {
		return result.Pass, ""
	}
	if why := unmeasured(f); why != "" {
		return result.Inconclusive, why
	}
	why := Limited(f)
	switch answers := failedByAnswers(f); {
	case why != "" && answers != "":
		return result.Fail, stoppedEarly(f) + answers + " (the load generator was the bottleneck: " + why + "; but answers of 5xx are the target's own)"
	case why != "":
		return result.Inconclusive, "the load generator was the bottleneck: " + why
	case nameless(f):
		return result.Inconclusive, stoppedEarly(f) + fmt.Sprintf("for %d requests no address was found, without which all gates would be met",
			f.Total.Counter(lookups))
	case f.Aborted != "" && slices.ContainsFunc(errorNames, func(name string) bool { return strings.Contains(f.Aborted, name) }):
		return result.Fail, withErrors(f.Aborted, f)
	case f.Aborted != "":
		return result.Fail, f.Aborted
	}
	return judgeNumbers(f)
}

// unmeasured says why there is nothing to judge, or "".
func unmeasured(f Facts) string {
	switch {
	case f.Stopped != "":
		return stoppedBy(f)
	case f.Total.Counter(series.VUsersCreated) == 0:
		return "no virtual user started, so nothing was measured"
	case f.Aborted == "" && f.Total.Counter(series.Requests) == 0:
		return strings.TrimSuffix("no request was sent, so nothing was measured: "+Errors(f.Total), ": ")
	case f.Compared: // the stable version was reached, so what else keeps from connecting is the canary's own
		return unreached(f, httpx.DNS, httpx.Local)
	}
	return unreached(f, httpx.DNS, httpx.Local, httpx.ConnRefused, httpx.ConnTimeout, httpx.Unreachable)
}

// stoppedBy says how far a test had come that was stopped from outside.
func stoppedBy(f Facts) string {
	users := f.Total.Counter(series.VUsersCreated) - f.Total.Counter(series.VUsersCompleted) - f.Total.Counter(series.VUsersFailed)
	switch {
	case f.Took < f.Planned || f.Planned == 0:
		return fmt.Sprintf("stopped by %s after %.1f of %.1f s", f.Stopped, f.Took, f.Planned)
	case users > 0:
		return fmt.Sprintf("stopped by %s after the last arrival, with %d virtual users under way", f.Stopped, users)
	}
	return fmt.Sprintf("stopped by %s after the load, before the test had come to its end", f.Stopped)
}

// judgeNumbers judges what was measured by a generator that could.
func judgeNumbers(f Facts) (result.Verdict, string) {
	v, why := judgeGates(f.Outcomes)
	if v == result.Fail && slices.ContainsFunc(f.Outcomes, failedByErrors) {
		why = withErrors(why, f)
	}
	if v != result.Pass {
		return v, why
	}
	if why := silent(f); why != "" {
		return result.Inconclusive, why // no gate says that this matters
	}
	if n := f.Total.Counter(series.ExpectFailed); f.Expects && n > 0 {
		return result.Fail, fmt.Sprintf("%d expectations of the script were not met", n) + because(f.Total, string(httpx.Expect))
	}
	if why := unfinished(f); why != "" {
		return result.Inconclusive, why
	}
	return result.Pass, ""
}

// unfinished says that too many users were ended before they came to their end, or "":
// what they were about to do was not measured.
func unfinished(f Facts) string {
	started := f.Total.Counter(series.VUsersCreated)
	ended := f.Total.Counter(series.VUsersCompleted) + f.Total.Counter(series.VUsersFailed)
	if float64(ended) >= leastFinished*float64(started) {
		return ""
	}
	return fmt.Sprintf("%d of %d virtual users had not finished when the test was ended", started-ended, started)
}

// Unexpected says whether a test fails by the script's expectations alone.
func Unexpected(f Facts) bool {
	with, _ := Judge(f)
	f.Expects = false
	without, _ := Judge(f)
	return with == result.Fail && without == result.Pass
}

// Unmeasured says why a version's numbers cannot be compared with, or "".
func Unmeasured(f Facts) string {
	if why := silent(f); why != "" {
		return why
	}
	if v, why := Judge(f); v == result.Inconclusive {
		return why
	}
	return ""
}

// Early begins the reason of a test that was stopped for the target's sake.
const Early = "stopped early: "

// stoppedEarly is said before other reasons when the test did not run to its end.
func stoppedEarly(f Facts) string {
	if strings.HasPrefix(f.Aborted, Early) {
		return Early
	}
	return ""
}

// silent says that the target never answered, or "".
func silent(f Facts) string {
	if f.Total.Counter(series.Requests) == 0 || f.Total.Counter(series.Responses) > 0 {
		return ""
	}
	return "the target never answered: " + Errors(f.Total)
}

// unreached says that no request came as far as the target, for one of some reasons, or "": what
// fails before is not the target's. One that takes connections and never answers is.
func unreached(f Facts, reasons ...httpx.Class) string {
	for name, n := range f.Total.Counters() {
		class, ok := strings.CutPrefix(name, series.ErrorClass)
		if !ok || n == 0 || !series.Unanswered(class) {
			continue
		}
		if !slices.Contains(reasons, httpx.Class(class)) {
			return ""
		}
	}
	return silent(f)
}

// judgeGates fails on a gate that is not met. A gate that cannot be judged, or
// that is about the generator, leaves the question open.
func judgeGates(outcomes []gate.Outcome) (result.Verdict, string) {
	var failed, open []string
	for _, o := range outcomes {
		switch {
		case !o.Strict || o.OK:
		case o.Unjudged || len(o.Values) == 1 && o.Values[0].Name == series.Achieved:
			open = append(open, Explain(o))
		default:
			failed = append(failed, Explain(o))
		}
	}
	switch {
	case len(failed) > 0:
		return result.Fail, strings.Join(failed, "; ")
	case len(open) > 0:
		return result.Inconclusive, strings.Join(open, "; ")
	}
	return result.Pass, ""
}

// Limited says why the generator was the bottleneck, or "".
func Limited(f Facts) string {
	if f.Limited != "" {
		return f.Limited
	}
	if why := late(f); why != "" {
		return why
	}
	started := f.Offered - f.Total.Counter(series.Overflow)
	if float64(started) < leastAchieved*float64(f.Offered) {
		return fmt.Sprintf("%d of %d arrivals found too many virtual users in flight", f.Offered-started, f.Offered)
	}
	// The last user of a short test may be as late as any other.
	if f.Took > max(f.Planned/leastAchieved, f.Planned+leastOverrun, f.Planned+healthyLag(f)/1000) {
		return fmt.Sprintf("sending took %.1f s instead of %.1f s", f.Took, f.Planned)
	}
	if f.Throttled > mostThrottled {
		return fmt.Sprintf("its CPU quota ran out in %.0f %% of the seconds", f.Throttled*100)
	}
	if n := f.Total.Counter(series.ErrorClass + string(httpx.Local)); n > 0 {
		return fmt.Sprintf("%d requests found no free port or file descriptor", n)
	}
	return ""
}

// late says that users started so late that their latencies cannot be told
// from the generator's own, or "".
func late(f Facts) string {
	h := f.Total.Histogram(series.Lag)
	if h == nil || h.Count() < leastLate {
		return ""
	}
	// Below 200 users the third latest stands for the 99th percentile.
	n := float64(h.Count())
	percent := min(99, (n-leastLate+1)/n*100)
	healthy := healthyLag(f)
	if lag := h.Percentile(percent); lag > healthy {
		return fmt.Sprintf("virtual users started late, p%.0f %.1f ms where %.1f ms are allowed", percent, lag, healthy)
	}
	return ""
}

// healthyLag is the start lag, in milliseconds, that does not matter beside
// what the gates look at.
func healthyLag(f Facts) float64 {
	if math.IsInf(f.Tightest, 1) {
		return ungatedLag
	}
	return max(leastLag, f.Tightest*lagShare)
}

// Explain says how a gate came out, with the values it looked at.
func Explain(o gate.Outcome) string {
	if o.Why != "" {
		return o.Text + ": " + o.Why
	}
	values := make([]string, len(o.Values))
	for i, v := range o.Values {
		values[i] = v.Name + " = " + strconv.FormatFloat(math.Round(v.V*1000)/1000, 'f', -1, 64)
	}
	return o.Text + ": " + strings.Join(values, ", ")
}

// errorNames are in the texts of gates on errors.
var errorNames = []string{series.Errors, series.FailedRate, series.VUsersFailed}

// failedByErrors says whether a gate that is not met looks at requests without an answer or at users that fail.
func failedByErrors(o gate.Outcome) bool {
	return o.Strict && !o.OK && slices.ContainsFunc(o.Values, func(v gate.Value) bool {
		switch v.Name {
		case series.VUsersFailed, series.FailedRate, series.VUsersCompleted:
			return true
		}
		return strings.HasPrefix(v.Name, series.Errors) || strings.HasPrefix(v.Name, series.ErrorClass)
	})
}

// withErrors adds to a reason what was counted besides answers of 5xx.
func withErrors(why string, f Facts) string {
	text := Errors(f.Total)
	if text == "" || strings.Contains(why, text) {
		return why
	}
	return why + "; " + text
}

// Bounds on the causes that a reason names.
const (
	maxReasons = 2
	maxReason  = 160
)

// Errors lists the classes of errors with their counts, the most frequent first, and what caused the first of these.
func Errors(s *stats.Set) string {
	type class struct {
		name string
		n    int64
	}
	var classes []class
	for name, n := range s.Counters() {
		if rest, ok := strings.CutPrefix(name, series.ErrorClass); ok && n > 0 {
			classes = append(classes, class{rest, n})
		}
	}
	sort.Slice(classes, func(i, j int) bool {
		return classes[i].n > classes[j].n || classes[i].n == classes[j].n && classes[i].name < classes[j].name
	})
	texts := make([]string, len(classes))
	for i, c := range classes {
		texts[i] = fmt.Sprintf("%d × %s", c.n, c.name)
		if i < maxReasons {
			texts[i] += because(s, c.name)
		}
	}
	return strings.Join(texts, ", ")
}

// because is the first cause of a class in brackets, or "".
func because(s *stats.Set, class string) string {
	why := s.Causes()[class]
	if len(why) > maxReason {
		why = result.Clip(why, maxReason) + "…"
	}
	if why == "" {
		return ""
	}
	return " (" + why + ")"
}
