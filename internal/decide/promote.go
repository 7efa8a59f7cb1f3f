package decide

import (
	"fmt"

	api "sluice.dev/sluice/api/v1alpha1"
)

// promote makes the current revision the stable one when it can carry everything and nothing is
// left to wait for. Only then may the old revision lose its last pods.
func (d *draft) promote(f facts) {
	fresh := f.fresh()
	if !d.updating(f) || f.ro.Spec.Paused || fresh == nil || fresh.Available < f.replicas {
		return
	}
	reason := ""
	switch {
	case d.status.PromoteFull:
		reason = "Full promotion requested"
	case d.held() || d.step(f) < d.lastStep(f):
		return
	default:
		reason = fmt.Sprintf("Completed all %d canary steps", len(f.canary.Steps))
		if d.awaitBackground(f) {
			return
		}
	}
	d.status.StableRS = f.hash
	d.status.PromoteFull = false
	d.unpause()
	d.goTo(f, d.lastStep(f))
	d.record(f, DecidedPromotion, reason+": this revision is stable now.")
	d.completion = reason
}

// awaitBackground holds the promotion for reads that are under way, at most as long as they may
// take; with waitForVerdict for every metric that ends by itself.
func (d *draft) awaitBackground(f facts) bool {
	ref := d.status.Canary.CurrentBackgroundAnalysisRunStatus
	if f.canary.Analysis == nil || len(f.canary.Analysis.Templates) == 0 {
		return false
	}
	verdict := f.canary.Analysis.WaitForVerdict
	if ref == nil || ref.Status.Completed() {
		return verdict && ref == nil && d.backgroundDue(f) && d.awaitRun("the background analysis to begin")
	}
	run := f.run(ref.Name)
	switch {
	case run == nil:
		return verdict && d.awaitRun("AnalysisRun "+ref.Name+" to exist")
	case run.Status.Phase.Completed():
		return false
	case verdict && owesVerdict(run):
		return d.awaitRun("the verdict of AnalysisRun " + run.Name)
	}
	dry := dryRuns(run)
	for _, due := range Reads(run) {
		if dry[due.Metric] {
			continue // whatever it says, it changes nothing
		}
		if end := due.At.Add(due.Within); !f.now.Before(due.At) && f.now.Before(end) {
			d.wait(end)
			d.waiting = Reason{Code: "Read", Message: fmt.Sprintf("Waiting for the measurement of metric %q that is under way.", due.Metric)}
			return true
		}
	}
	return false
}

// awaitRun holds the promotion because of waitForVerdict: what was never measured has not passed.
func (d *draft) awaitRun(what string) bool {
	d.waiting = Reason{Code: "Verdict", Message: "Waiting for " + what + " (waitForVerdict)."}
	return true
}

// backgroundDue says that a background run should be there by now. It never is when startingStep lies
// beyond the last step.
func (d *draft) backgroundDue(f facts) bool {
	for _, s := range d.slots(f) {
		if s.kind == api.RolloutTypeBackground {
			return s.wanted
		}
	}
	return false
}
