package decide

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/judge"
)

// window is when a load test lasted, or one of its phases. Its ends are whole seconds inside it, as statuses keep no more.
type window struct {
	from time.Time // zero: it has not begun
	to   time.Time // zero: it lasts
	// ended says that the load test has come to an end that says something about its target. Only then can a metric that is
	// measured during it be Successful.
	ended bool
	// never is why there will be none, "" when there may be.
	never string
}

// duringOf names the load test that a metric is measured during, and the phase of it, "" for all of it.
func duringOf(m api.Metric) (load, phase string) {
	load, phase, _ = strings.Cut(m.During, "/")
	return load, phase
}

// windowOf reads the window of a metric off what is noted with the newest measurement of its load test.
func windowOf(status api.AnalysisRunStatus, m api.Metric) window {
	name, phase := duringOf(m)
	load := resultOf(status, name)
	last := lastMeasurement(&load)
	if last == nil {
		if load.Phase.Completed() {
			return window{never: fmt.Sprintf("load test %q never ran", name)}
		}
		return window{}
	}
	from, to := noted(last, api.EvidenceLoadStartedAt), noted(last, api.EvidenceLoadEndedAt)
	if last.FinishedAt == nil {
		if phase != "" {
			return window{} // phases are known when they are reported
		}
		return inside(from, to, false)
	}
	said := last.Phase == api.AnalysisPhaseSuccessful || last.Phase == api.AnalysisPhaseFailed
	switch {
	case !said && load.Phase.Completed():
		return window{never: fmt.Sprintf("load test %q came to no result (%s)", name, last.Phase)}
	case !said:
		return window{} // it is tried again
	case from.IsZero() || to.IsZero():
		return window{never: fmt.Sprintf("it is not known when load test %q ran", name)}
	case phase != "":
		return phaseWindow(last, name, phase)
	}
	return inside(from, to, true)
}

func noted(m *api.Measurement, key string) time.Time {
	at, err := time.Parse(time.RFC3339Nano, m.Metadata[key])
	if err != nil {
		return time.Time{}
	}
	return at
}

// inside is a window in whole seconds. One of less than a second is the second in which it ends.
func inside(from, to time.Time, ended bool) window {
	if from.IsZero() {
		return window{}
	}
	w := window{from: from.Add(time.Second - 1).Truncate(time.Second), ended: ended}
	if !to.IsZero() {
		w.to = to.Truncate(time.Second)
		if w.to.Before(w.from) {
			w.from = w.to
		}
	}
	return w
}

func phaseWindow(last *api.Measurement, load, phase string) window {
	var phases map[string][2]float64
	err := json.Unmarshal([]byte(last.Metadata[api.EvidenceLoadPhases]), &phases)
	span, told := phases[phase]
	if err != nil || !told {
		return window{never: fmt.Sprintf("the report of load test %q tells of no phase %q", load, phase)}
	}
	return inside(unix(span[0]), unix(span[1]), true)
}

// unix is a time in seconds since 1970, as reports have it.
func unix(seconds float64) time.Time { return time.UnixMilli(int64(seconds * 1000)).UTC() }

// looksBack says whether a metric's provider can be asked about the past.
func looksBack(m api.Metric) bool { return m.Provider.Prometheus != nil }

// moment is the next measurement of a metric with a window: when it is taken, and the time it is about.
type moment struct{ at, about time.Time }

// next is the next measurement in the window: while it lasts the first one after the initial delay, the others an interval
// after the end of the last; when it is over, those that are missing, and one as of its end. A provider that cannot be
// asked about the past is not asked any more then.
func (w window) next(m api.Metric, r *api.MetricResult) (moment, bool) {
	if w.never != "" || w.from.IsZero() {
		return moment{}, false
	}
	last := lastMeasurement(r)
	again := last != nil && last.Phase == api.AnalysisPhaseError
	if !again && w.finished(m, last) {
		return moment{}, false
	}
	about, known := w.planned(m, last, again)
	if !known {
		return moment{}, false
	}
	live := w.to.IsZero() || !looksBack(m)
	if !live {
		about = earlier(about, w.to)
	}
	at, waits := repeated(m, r, again)
	if !waits {
		at = about
	}
	if live {
		at = later(at, w.from)
		return moment{at, at}, w.to.IsZero() || !at.After(w.to)
	}
	return moment{at, about}, true
}

// finished says that nothing is measured after the last measurement: there is one alone, or the window's end has been measured.
func (w window) finished(m api.Metric, last *api.Measurement) bool {
	if last == nil {
		return false
	}
	interval, _ := m.Interval.Duration()
	return interval <= 0 || !w.to.IsZero() && looksBack(m) && !aboutOf(last).Before(w.to)
}

// repeated is when a measurement is taken once more that brought an error, or no data; waits is false for others.
func repeated(m api.Metric, r *api.MetricResult, again bool) (at time.Time, waits bool) {
	if asked, err := time.Parse(time.RFC3339, r.Metadata[noDataLast]); err == nil {
		interval, _ := m.Interval.Duration()
		return asked.Add(orInterval(interval, withoutInterval)), true
	}
	if again {
		return lastMeasurement(r).FinishedAt.Add(afterError), true
	}
	return time.Time{}, false
}

// planned is the time the next measurement is about, which may lie behind the window's end.
func (w window) planned(m api.Metric, last *api.Measurement, again bool) (about time.Time, known bool) {
	interval, _ := m.Interval.Duration()
	delay, _ := m.InitialDelay.Duration()
	step := orInterval(interval, withoutInterval)
	over := !w.to.IsZero()
	switch {
	case last == nil && interval <= 0 && delay <= 0 && looksBack(m):
		return w.to, over // once, when it is all there to look at
	case last == nil:
		return w.from.Add(delay), true
	case again && over:
		return later(aboutOf(last), w.from), true
	case again:
		return last.FinishedAt.Time, true
	case over:
		return later(aboutOf(last).Add(step), w.from), true
	}
	return later(last.FinishedAt.Add(step), w.from), true
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// aboutOf is the time that a measurement was about.
func aboutOf(m *api.Measurement) time.Time {
	if at := noted(m, api.EvidenceScheduledAt); !at.IsZero() {
		return at
	}
	if m.StartedAt != nil {
		return m.StartedAt.Time
	}
	return time.Time{}
}

// about is the time that a due measurement is about: its own, unless a window holds it.
func about(status api.AnalysisRunStatus, m api.Metric, due SampleKey) time.Time {
	if m.During == "" {
		return due.At
	}
	r := resultOf(status, m.Name)
	if next, ok := windowOf(status, m).next(m, &r); ok {
		return next.about
	}
	return due.At
}

// missed says that the window of a metric is over whose provider cannot be asked about the past.
func missed(status api.AnalysisRunStatus, m api.Metric) bool {
	return m.During != "" && !looksBack(m) && !windowOf(status, m).to.IsZero()
}

// late says that a sample was taken when the window was over, of something that cannot be asked about the past.
func late(status api.AnalysisRunStatus, m api.Metric, s judge.Sample) bool {
	if m.During == "" || looksBack(m) {
		return false
	}
	w := windowOf(status, m)
	return !w.to.IsZero() && s.StartedAt.After(w.to)
}

// scoped is what a metric comes to that is measured during a load test. What it measured breaks its limits at once; it is
// Successful only when the load test has ended, and said something, and its window has been measured to its end.
func (a *assay) scoped(m api.Metric, r *api.MetricResult, stop judge.Stop) (api.AnalysisPhase, string) {
	phase, message := judge.MetricPhase(m, *r, stop)
	w := windowOf(a.status, m)
	more := a.goesOn(m, r, w)
	load, _ := duringOf(m)
	switch {
	case phase.Completed() && phase != api.AnalysisPhaseSuccessful:
		return phase, message
	case !w.ended && stop != judge.GoesOn:
		return undecided(m, fmt.Sprintf("stopped before load test %q, during which it is measured, came to a result", load))
	case w.never != "":
		return undecided(m, w.never)
	case !w.ended && phase.Completed():
		return api.AnalysisPhaseRunning, ""
	case !w.ended || more || phase.Completed():
		return phase, message
	case r.Count == 0:
		return undecided(m, fmt.Sprintf("nothing was measured while load test %q ran", load))
	}
	return judge.Measured(m, *r)
}

// goesOn says that there is more to measure in a window.
func (a *assay) goesOn(m api.Metric, r *api.MetricResult, w window) bool {
	_, more := w.next(m, r)
	return more && !missed(a.status, m)
}

// undecided is the phase of a metric that has nothing to go by, in the words of all metrics.
func undecided(m api.Metric, why string) (api.AnalysisPhase, string) {
	return api.AnalysisPhaseInconclusive, fmt.Sprintf("Metric %q assessed %s due to %s", m.Name, api.AnalysisPhaseInconclusive, why)
}

// noteLoad keeps with the measurement of a load test when its load began and ended, as far as that is known, and when
// the phases did that other metrics name. What is noted stays, because it may be what the load was started by; but of a
// load that began by itself it is only when its container did, and the result knows better.
func (a *assay) noteLoad(m api.Metric, metadata map[string]string, job Job) {
	if !m.LoadTests() || job.LoadFrom.IsZero() && metadata[api.EvidenceLoadStartedAt] == "" {
		return
	}
	if metadata[api.EvidenceLoadStartedAt] == "" || reportsItself(m, job) {
		metadata[api.EvidenceLoadStartedAt] = job.LoadFrom.UTC().Format(time.RFC3339Nano)
	}
	if job.LoadTo.IsZero() && !job.Done {
		return
	}
	to := orElse(job.LoadTo, a.in.Now).UTC()
	metadata[api.EvidenceLoadEndedAt] = to.Format(time.RFC3339Nano)
	from, err := time.Parse(time.RFC3339Nano, metadata[api.EvidenceLoadStartedAt])
	if err != nil {
		return
	}
	if phases := a.phases(m, job.Sample.Report, inside(from, to, true)); len(phases) > 0 {
		if text, err := json.Marshal(phases); err == nil {
			metadata[api.EvidenceLoadPhases] = string(text)
		}
	}
}

// reportsItself says that a load has ended that nobody told when to begin, and that it says itself when it did.
func reportsItself(m api.Metric, job Job) bool {
	shared := m.Provider.LoadTest != nil && m.Provider.LoadTest.Pods() > 1
	return !shared && !job.LoadFrom.IsZero() && !job.LoadTo.IsZero() && !job.LoadTo.Before(job.LoadFrom)
}

// phases are those of a report that metrics name, as far as they lie within the test.
func (a *assay) phases(load api.Metric, report map[string]any, all window) map[string][2]float64 {
	began := float64(all.from.Unix())
	if told, ok := report["startedAt"].(float64); ok && told > 0 {
		began = told
	}
	reported, _ := report["phases"].(map[string]any)
	found := map[string][2]float64{}
	for _, m := range resolved(a.in.Run) {
		name, phase := duringOf(m)
		told, _ := reported[phase].(map[string]any)
		from, isFrom := told["from"].(float64)
		to, isTo := told["to"].(float64)
		if name != load.Name || phase == "" || !isFrom || !isTo || len(found) >= maxPhases {
			continue
		}
		from, to = max(began+from, float64(all.from.Unix())), min(began+to, float64(all.to.Unix()))
		if from <= to {
			found[phase] = [2]float64{from, to}
		}
	}
	return found
}

// loadsFirst puts metrics that are measured during others behind them.
func loadsFirst(metrics []api.Metric) []api.Metric {
	if !slices.ContainsFunc(metrics, func(m api.Metric) bool { return m.During != "" }) {
		return metrics
	}
	ordered := slices.Clone(metrics)
	slices.SortStableFunc(ordered, func(a, b api.Metric) int { return cmp.Compare(min(len(a.During), 1), min(len(b.During), 1)) })
	return ordered
}

// maxPhases bounds what is noted of a load test.
const maxPhases = 16
