package decide

import (
	"fmt"
	"strings"

	api "sluice.dev/sluice/api/v1alpha1"
)

// Rollout decides what a Rollout should do next. Everything it knows is in its input; everything it
// wants is in the plan. It never edits its input.
func Rollout(in RolloutInput) Plan[api.RolloutStatus] {
	f := look(in)
	d := &draft{status: trusted(in.Rollout.Status, f)}
	if !in.Rollout.DeletionTimestamp.IsZero() {
		return leaving(f, d)
	}
	if len(f.seen.Unsupported) > 0 && len(d.status.Decisions) == 0 {
		return leave(f, d)
	}
	d.seeServices(f)
	d.takeRevision(f)
	d.hearSkip(f)
	d.missStable(f)
	d.obey(f)
	d.rollBack(f)
	d.hearRuns(f)
	d.missRuns(f)
	d.hearExperiment(f)
	d.takeStep(f)
	d.keepDeadline(f)
	d.promote(f)
	d.measure(f)
	d.conduct(f)
	places := d.scale(f)
	d.direct(f, places)
	d.restart(f, places)
	d.takeOver(f, places)
	d.dress(f)
	d.tidy(f)
	d.report(f)
	return d.plan()
}

// leave touches nothing: a Rollout with a part we cannot carry out, and about which we have never
// decided anything, stays as it was found. Once we have begun to steer it, such a part is a mistake
// like any other: nothing goes forward, but an abort and the stable pods are still looked after.
func leave(f facts, d *draft) Plan[api.RolloutStatus] {
	d.status.ObservedGeneration = fmt.Sprint(f.ro.Generation)
	d.status.WorkloadObservedGeneration = f.ro.Annotations[api.AnnotationWorkloadGeneration]
	d.invalid(f, strings.Join(f.seen.Unsupported, "; "))
	d.sumUp(f)
	d.waiting = Reason{Code: "Unsupported", Message: d.status.Message}
	return d.plan()
}

// trusted is the status with what makes no sense put right. Status is written by clients too.
func trusted(status api.RolloutStatus, f facts) api.RolloutStatus {
	s := *status.DeepCopy()
	if f.observed() && s.CurrentPodHash == f.hash && s.CurrentStepHash != "" {
		s.CurrentStepHash = f.specSteps // the same steps, maybe hashed by another version
	}
	if !f.forward && s.CurrentPodHash != "" && s.StableRS != s.CurrentPodHash {
		if s.CurrentStepIndex != nil { // the steps of a refused spec do not tell where the update stands
			index := max(*s.CurrentStepIndex, 0)
			s.CurrentStepIndex = &index
		}
		return s
	}
	if len(f.canary.Steps) == 0 {
		s.CurrentStepIndex = nil
		return s
	}
	last := int32(len(f.canary.Steps))
	index := int32(0)
	switch {
	case s.StableRS != "" && s.StableRS == s.CurrentPodHash:
		index = last // also when a skip that was sent earlier arrives after the promotion
	case s.CurrentStepIndex != nil:
		index = min(max(*s.CurrentStepIndex, 0), last)
	}
	s.CurrentStepIndex = &index
	return s
}
