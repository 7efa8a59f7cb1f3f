package decide

import (
	"fmt"

	api "sluice.dev/sluice/api/v1alpha1"
)

// promote makes the current revision the stable one when it can carry everything and nothing is
// left to wait for. Only then may the old revision lose its last pods.
func (d *draft) promote(f facts) {
	if f.blueGreen != nil {
		d.promoteSwitched(f)
		return
	}
	fresh := f.fresh()
	if !d.updating(f) || f.ro.Spec.Paused || fresh == nil || fresh.Available < f.enough(f.replicas) {
		return
	}
	reason := d.completes(f)
	if reason == "" {
		return
	}
	if missing := d.awaitWeight(f, f.whole()); missing != "" && f.replicas > 0 {
		d.waiting = Reason{Code: "Weight", Message: missing}
		return
	}
	d.turnPingPong(f)
	d.makeStable(f, reason)
}

// completes is why nothing is left to do but the promotion, "" while something is.
func (d *draft) completes(f facts) string {
	fast := d.fastRollback(f)
	switch {
	case d.status.PromoteFull:
		return "Full promotion requested"
	case fast != "":
		return fast
	case d.held() || d.step(f) < d.lastStep(f) || d.awaitBackground(f):
		return ""
	}
	return fmt.Sprintf("Completed all %d canary steps", len(f.canary.Steps))
}

// makeStable ends the update: the current revision is what serves when nothing is going on.
func (d *draft) makeStable(f facts, reason string, proof ...api.Evidence) {
	d.status.StableRS = f.hash
	d.status.PromoteFull = false
	d.unpause()
	d.forgetSwitch()
	d.goTo(f, d.lastStep(f))
	d.record(f, DecidedPromotion, reason+": this revision is stable now.", proof...)
	d.completion = reason
}

// awaitBackground holds the promotion for reads that are under way, at most as long as they may
// take; with waitForVerdict for every metric that ends by itself.
func (d *draft) awaitBackground(f facts) bool {
	ref := d.status.Canary.CurrentBackgroundAnalysisRunStatus
	if f.canary.Analysis == nil || (ref != nil && ref.Status.Completed()) {
		return false
	}
	if f.canary.Analysis.WaitForVerdict && d.awaitVerdict(f, ref) {
		return true
	}
	if ref == nil {
		return false
	}
	run := f.run(ref.Name)
	return run != nil && !run.Status.Phase.Completed() && d.awaitRead(f, run)
}

// awaitVerdict holds the promotion until every metric that counts has its verdict. What was never
// measured has not passed: a run that does not exist is waited for as well.
func (d *draft) awaitVerdict(f facts, ref *api.RolloutAnalysisRunStatus) bool {
	if ref == nil {
		return d.backgroundDue(f) && d.awaitRun("the background analysis to begin")
	}
	run := f.run(ref.Name)
	if run == nil {
		return d.awaitRun("AnalysisRun " + ref.Name + " to exist")
	}
	return !run.Status.Phase.Completed() && owesVerdict(run) && d.awaitRun("the verdict of AnalysisRun "+run.Name)
}

// awaitRead holds the promotion for reads that are under way, at most as long as they may take.
func (d *draft) awaitRead(f facts, run *api.AnalysisRun) bool {
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

// turnPingPong makes the Service that led to the canary the stable one: nothing has to be re-pointed then.
func (d *draft) turnPingPong(f facts) {
	switch {
	case f.canary.PingPong == nil:
	case d.status.Canary.StablePingPong == api.PPPing:
		d.status.Canary.StablePingPong = api.PPPong
	default:
		d.status.Canary.StablePingPong = api.PPPing
	}
}
