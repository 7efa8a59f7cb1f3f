package decide

import "fmt"

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
	if f.canary.Analysis == nil || ref == nil || ref.Status.Completed() {
		return false
	}
	run := f.run(ref.Name)
	if run == nil || run.Status.Phase.Completed() {
		return false
	}
	if f.canary.Analysis.WaitForVerdict && owesVerdict(run) {
		d.waiting = Reason{Code: "Verdict", Message: "Waiting for the verdict of AnalysisRun " + run.Name + " (waitForVerdict)."}
		return true
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
