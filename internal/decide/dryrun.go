package decide

import (
	"fmt"
	"slices"
	"strings"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/compose"
	"sluice.dev/sluice/internal/evidence"
	"sluice.dev/sluice/internal/judge"
)

// ruled is the spec of a run with its arguments filled in, as rules see the names of its metrics.
// Validation has refused rules that cannot be read or name nothing; here they are without effect.
func ruled(run *api.AnalysisRun) api.AnalysisRunSpec {
	spec := run.Spec
	spec.Metrics = resolved(run)
	return spec
}

// dryRuns names the metrics of a run that are measured and have no say.
func dryRuns(run *api.AnalysisRun) map[string]bool {
	if len(run.Spec.DryRun) == 0 {
		return nil
	}
	return compose.DryRun(ruled(run))
}

// kept is how many measurements of its metrics a run asks to keep.
func kept(run *api.AnalysisRun) map[string]int {
	if len(run.Spec.MeasurementRetention) == 0 {
		return nil
	}
	return compose.Retention(ruled(run))
}

// owesVerdict says that a metric that counts, and ends by itself, is still measured. One without end is
// worth no wait, nor is a dry run.
func owesVerdict(run *api.AnalysisRun) bool {
	dry, open := dryRuns(run), false
	for _, m := range resolved(run) {
		if dry[m.Name] {
			continue
		}
		limits, err := judge.Effective(m)
		if !m.Provider.ByJob() && (err != nil || limits.Count == 0) {
			continue
		}
		r := resultOf(run.Status, m.Name)
		open = open || !r.Phase.Completed()
	}
	return open
}

// tally is what the metrics of a run have come to so far.
type tally struct {
	counted, dry api.RunSummary
	open         int // of both
	openDry      int
	results      int32 // measurements that came to a result, of both
	worst        api.AnalysisPhase
	message      string
}

func (t *tally) add(r *api.MetricResult) {
	summary := &t.counted
	if r.DryRun {
		summary = &t.dry
	}
	summary.Count++
	count(summary, r.Phase)
	t.results += r.Count
	switch {
	case !r.Phase.Completed():
		t.open++
		if r.DryRun {
			t.openDry++
		}
	case r.DryRun:
	case judge.Worse(r.Phase, t.worst) != t.worst:
		t.worst, t.message = r.Phase, r.Message
	}
}

// waiting says what is still measured.
func (t *tally) waiting() Reason {
	all := t.counted.Count + t.dry.Count
	text := fmt.Sprintf("%d of %d metrics are still measured.", t.open, all)
	if t.openDry == t.open {
		text = fmt.Sprintf("%d of %d metrics are still measured, as a dry run.", t.open, all)
	}
	return Reason{Code: "Measuring", Message: text}
}

// verdict is what all metrics together come to. Dry runs have no say; where there is nothing else,
// the run is Successful, unless it was stopped before anything at all was measured.
func (t *tally) verdict(terminated bool) (phase api.AnalysisPhase, message string) {
	phase, message = t.worst, t.message
	switch {
	case t.counted.Count > 0:
	case terminated && t.results == 0:
		phase, message = api.AnalysisPhaseInconclusive, judge.StoppedEarly
	default:
		phase, message = api.AnalysisPhaseSuccessful, "All metrics are dry runs: none of them counts."
	}
	switch {
	case !terminated:
	case message == "":
		message = "Run Terminated"
	default:
		message = "Run Terminated: " + message
	}
	return phase, message
}

// maxTrials is how many metrics one record of dry runs names.
const maxTrials = 3

// hearTrials records what the dry runs of a current run would have done to the update, in one decision
// for each run. Metrics that were only stopped, because something else ended the run, would have done
// nothing.
func (d *draft) hearTrials(f facts, run *api.AnalysisRun) {
	var back, held []string
	var proof []api.Evidence
	for _, r := range run.Status.MetricResults {
		if !r.DryRun || judge.OnlyStopped(r) {
			continue
		}
		switch r.Phase {
		case api.AnalysisPhaseFailed, api.AnalysisPhaseError:
			back = append(back, r.Name)
		case api.AnalysisPhaseInconclusive:
			held = append(held, r.Name)
		case api.AnalysisPhasePending, api.AnalysisPhaseRunning, api.AnalysisPhaseSuccessful:
			continue
		}
		proof = append(proof, quoteMetric(run.Name, r))
	}
	if len(proof) == 0 {
		return
	}
	about := fmt.Sprintf("Dry run in AnalysisRun %s: ", run.Name)
	message := about + wouldHave(back, held) + ". Nothing was done: dry runs have no say."
	if d.recordedTrial(f, message) {
		return
	}
	d.status.Decisions = slices.DeleteFunc(d.status.Decisions, func(old api.Decision) bool { // it said less
		return trialOf(f.hash)(old) && strings.HasPrefix(old.Message, about)
	})
	d.record(f, DecidedDryRun, message, proof...)
}

func wouldHave(back, held []string) string {
	var parts []string
	if len(back) > 0 {
		parts = append(parts, listed(back)+" would have rolled this update back")
	}
	if len(held) > 0 {
		parts = append(parts, listed(held)+" would have paused this update")
	}
	return strings.Join(parts, ", and ")
}

// listed names metrics, as many as people read.
func listed(names []string) string {
	text := "metric "
	if len(names) > 1 {
		text = "metrics "
	}
	for i, name := range names {
		switch {
		case i == maxTrials:
			return fmt.Sprintf("%s and %d more", text, len(names)-i)
		case i > 0:
			text += ", "
		}
		text += fmt.Sprintf("%q", evidence.Trim(name, 63))
	}
	return text
}

// trialOf says that a decision is about a dry run of this revision. It should not be forgotten for
// the many steps that follow: people look at it when the release is over.
func trialOf(revision string) func(api.Decision) bool {
	return func(old api.Decision) bool { return old.Reason == DecidedDryRun && old.Revision == revision }
}

// recordedTrial says that the decisions hold this record. They may hold it cut short.
func (d *draft) recordedTrial(f facts, message string) bool {
	for _, old := range d.status.Decisions {
		if trialOf(f.hash)(old) && strings.HasPrefix(message, strings.TrimSuffix(old.Message, "…")) {
			return true
		}
	}
	return false
}
