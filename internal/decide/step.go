package decide

import (
	"fmt"
	"time"

	api "sluice.dev/sluice/api/v1alpha1"
)

// stepAt is the step of this index, false when all steps are done.
func (f facts) stepAt(index int32) (api.CanaryStep, bool) {
	if index < 0 || index >= int32(len(f.canary.Steps)) {
		return api.CanaryStep{}, false
	}
	return f.canary.Steps[index], true
}

// weight is the share the canary should have now: 0 after an abort, all of it once the steps are
// done, otherwise what the nearest setWeight at or before the current step says.
func (d *draft) weight(f facts) int32 {
	switch {
	case f.blueGreen != nil:
		return d.activeShare(f)
	case d.aborted():
		return 0
	case d.promoted(f), d.status.StableRS == "", d.status.PromoteFull, d.fastRollback(f) != "":
		return f.whole()
	case !f.forward:
		return d.standing(f)
	}
	return f.weightAt(d.step(f))
}

// weightAt is the share that a step asks for: what the nearest setWeight at or before it says.
func (f facts) weightAt(index int32) int32 {
	if _, ok := f.stepAt(index); !ok {
		return f.whole()
	}
	for i := index; i >= 0; i-- {
		if w := f.canary.Steps[i].SetWeight; w != nil {
			return min(max(*w, 0), f.whole())
		}
	}
	return 0
}

// takeStep completes the current step when its condition holds; at most one step a turn.
func (d *draft) takeStep(f facts) {
	if f.blueGreen != nil {
		d.takeSwitch(f)
		return
	}
	step, ok := f.stepAt(d.step(f))
	if ok && d.updating(f) && !f.ro.Spec.Paused && !d.hastens(f) && !d.awaitPeople(f) {
		d.take(f, step)
	}
}

// take does what the step asks for, or says what it waits for.
func (d *draft) take(f facts, step api.CanaryStep) {
	switch {
	case step.SetWeight != nil:
		d.takeWeight(f)
	case step.Pause != nil:
		d.takePause(f, *step.Pause)
	case step.Experiment != nil:
		d.takeExperiment(f)
	case step.Analysis != nil:
		d.takeAnalysis(f, *step.Analysis)
	case step.SetCanaryScale != nil:
		d.takeScale(f)
	case step.SetHeaderRoute != nil, step.SetMirrorRoute != nil:
		d.takeRoute(f)
	}
}

// strangePause is a reason to pause that this strategy does not have, "" when there is none: whoever
// set it waits for somebody.
func (d *draft) strangePause(f facts) api.PauseReason {
	ours := api.PauseReasonCanaryPauseStep
	if f.blueGreen != nil {
		ours = api.PauseReasonBlueGreenPause
	}
	for _, c := range d.status.PauseConditions {
		switch c.Reason {
		case ours, api.PauseReasonInconclusiveAnalysis, api.PauseReasonInconclusiveExperiment:
		default:
			return c.Reason
		}
	}
	return ""
}

// takeWeight is done when both sides have the pods the weight asks for, they serve, and the router sends
// the canary its share.
func (d *draft) takeWeight(f facts) {
	if d.takeSize(f); d.waiting.Code != "" {
		return
	}
	if missing := d.awaitWeight(f, d.weight(f)); missing != "" {
		d.waiting = Reason{Code: "Weight", Message: missing}
		return
	}
	target := d.target(f)
	d.completeStep(f, fmt.Sprintf("%d canary and %d stable pods serve", target.canary, target.stable))
}

// takeSize says what is missing until both sides have the pods they should have.
func (d *draft) takeSize(f facts) {
	fresh, stable := f.fresh(), f.find(d.status.StableRS)
	target := d.target(f)
	// What requests still reach goes when nobody comes that way any more.
	if fresh != nil {
		target.canary = max(target.canary, f.keptOf(fresh))
	}
	if stable != nil {
		target.stable = max(target.stable, f.keptOf(stable))
	}
	switch {
	case fresh == nil || fresh.Wanted != target.canary || fresh.Available < f.enough(target.canary):
		d.waiting = Reason{Code: "CanaryPods", Message: fmt.Sprintf("Waiting for %d canary pods to be available.", f.enough(target.canary))}
	case stable != nil && !f.canary.DynamicStableScale && !stable.has(target.stable):
		d.waiting = Reason{Code: "StablePods", Message: fmt.Sprintf("Waiting for the stable ReplicaSet to have %d pods.", target.stable)}
	case !f.routed() && f.olderAvailable(d.status.StableRS) > 0:
		d.waiting = Reason{Code: "OlderPods", Message: "Waiting for pods of older revisions to go."}
	}
}

// has says that the ReplicaSet wants and has this many pods.
func (rs *ReplicaSet) has(pods int32) bool { return rs.Wanted == pods && rs.Replicas == pods }

// takeScale is done when the canary has the size that was set.
func (d *draft) takeScale(f facts) {
	if d.takeSize(f); d.waiting.Code == "" {
		d.completeStep(f, fmt.Sprintf("%d canary pods serve", f.enough(d.target(f).canary)))
	}
}

// takeRoute is done when the router has the route, or the canary has no pods it could lead to.
func (d *draft) takeRoute(f facts) {
	if missing := d.awaitRoute(f); missing != "" {
		d.waiting = Reason{Code: "Route", Message: missing}
		return
	}
	d.completeStep(f, "the router has the routes it should have")
}

func (f facts) olderAvailable(stable string) (n int32) {
	for _, rs := range f.others(stable) {
		n += rs.Available
	}
	return n
}

// takePause starts the pause and ends it when its time is over; without a duration only a person
// ends it.
func (d *draft) takePause(f facts, step api.RolloutPause) {
	start := d.pausedSince(api.PauseReasonCanaryPauseStep)
	if start == nil {
		d.pause(f, api.PauseReasonCanaryPauseStep)
		d.record(f, DecidedPause, "Paused by step "+f.ordinal(d.step(f))+pauseLength(step)+".")
		start = d.pausedSince(api.PauseReasonCanaryPauseStep)
	}
	seconds, err := step.DurationSeconds()
	if step.IsIndefinite() || err != nil {
		d.waiting = Reason{Code: "PauseStep", Message: "Waiting for somebody to promote: the pause has no duration."}
		return
	}
	end := start.Add(time.Duration(seconds) * time.Second)
	if f.now.Before(end) {
		d.wait(end)
		d.waiting = Reason{Code: "PauseStep", Message: "Waiting for the pause of " + (time.Duration(seconds) * time.Second).String() + " to end."}
		return
	}
	d.completeStep(f, "its time is over")
}

func pauseLength(step api.RolloutPause) string {
	if seconds, err := step.DurationSeconds(); err == nil && !step.IsIndefinite() {
		return " for " + (time.Duration(seconds) * time.Second).String()
	}
	return " until somebody promotes"
}

func (d *draft) pausedSince(reason api.PauseReason) *time.Time {
	for _, c := range d.status.PauseConditions {
		if c.Reason == reason {
			return &c.StartTime.Time
		}
	}
	return nil
}

// inconclusive says that the update waits for a person because of an analysis or an experiment.
func (d *draft) inconclusive() bool {
	return d.pausedSince(api.PauseReasonInconclusiveAnalysis) != nil || d.pausedSince(api.PauseReasonInconclusiveExperiment) != nil
}

// unsure says which of the two it waits because of.
func (d *draft) unsure() Reason {
	what, reason := "An analysis", api.PauseReasonInconclusiveAnalysis
	if d.pausedSince(reason) == nil {
		what, reason = "An experiment", api.PauseReasonInconclusiveExperiment
	}
	return Reason{Code: string(reason), Message: what + " was inconclusive: waiting for somebody to promote, abort or resume."}
}

// takeAnalysis is done when the step's run is Successful; an analysis without templates is none.
func (d *draft) takeAnalysis(f facts, step api.RolloutAnalysis) {
	ref := d.status.Canary.CurrentStepAnalysisRunStatus
	switch {
	case len(step.Templates) == 0:
		d.completeStep(f, "it names no templates")
	case ref != nil && d.isStepRun(f, ref.Name) && ref.Status == api.AnalysisPhaseSuccessful:
		d.completeStep(f, "AnalysisRun "+ref.Name+" was successful", successes(f.run(ref.Name))...)
	default:
		d.waiting = Reason{Code: "Analysis", Message: "Waiting for the verdict of the analysis in step " + f.ordinal(d.step(f)) + "."}
	}
}

// completeStep moves to the next step.
func (d *draft) completeStep(f facts, because string, proof ...api.Evidence) {
	index := d.step(f)
	step, _ := f.stepAt(index)
	d.tell(api.EventRolloutStepCompleted, "Rollout step %s completed (%s)", f.ordinal(index), stepText(step))
	d.record(f, DecidedStep, fmt.Sprintf("Step %s (%s) is complete: %s.", f.ordinal(index), stepText(step), because), proof...)
	d.unpause()
	d.status.Canary.CurrentStepAnalysisRunStatus, d.status.Canary.CurrentExperiment = nil, ""
	d.goTo(f, index+1)
	d.progress(f, api.ReasonReplicaSetUpdated, "ReplicaSet %q is progressing.", f.ro.Name+"-"+f.hash)
}

// ordinal counts for people: "2/8" is the second of eight steps.
func (f facts) ordinal(index int32) string {
	return fmt.Sprintf("%d/%d", index+1, len(f.canary.Steps))
}

func stepText(step api.CanaryStep) string {
	switch {
	case step.SetWeight != nil:
		return fmt.Sprintf("setWeight: %d", *step.SetWeight)
	case step.Pause != nil && step.Pause.Duration != nil:
		return "pause: " + step.Pause.Duration.String()
	case step.Pause != nil:
		return "pause"
	case step.Experiment != nil:
		return "experiment"
	case step.Analysis != nil:
		return "analysis"
	case step.SetCanaryScale != nil:
		return "setCanaryScale: " + scaleText(*step.SetCanaryScale)
	case step.SetHeaderRoute != nil:
		return "setHeaderRoute: " + step.SetHeaderRoute.Name
	case step.SetMirrorRoute != nil:
		return "setMirrorRoute: " + step.SetMirrorRoute.Name
	}
	return "step"
}

func scaleText(s api.SetCanaryScale) string {
	switch {
	case s.Replicas != nil:
		return fmt.Sprintf("%d replicas", *s.Replicas)
	case s.Weight != nil:
		return fmt.Sprintf("%d%%", *s.Weight)
	}
	return "as the traffic weight"
}
