package decide

import (
	"fmt"
	"slices"
	"time"

	api "sluice.dev/sluice/api/v1alpha1"
)

// A blue-green update runs the new revision beside the stable one and then switches the active Service:
//
//	preview Service → new revision; its pods → pre-promotion analysis → pause → all of its pods →
//	active Service → new revision → post-promotion analysis → it is stable; the old pods go later
//
// Three things of the status say how far it is, and Argo Rollouts keeps the same three: the analysis runs,
// scaleUpPreviewCheckPoint, which means that nothing stands before the switch any more, and the revision that
// the active Service was seen to name. Until the new revision is stable the old one keeps all its pods, so
// that an abort has somewhere to go back to: for that the new pods need not be well.

// active is the active Service; false while there is none that this Rollout may point.
func (f facts) active() (Service, bool) { return f.ours(f.blueGreen.ActiveService) }

// leadsTo says that the active Service names this revision, as far as is known: of one that is gone, what
// was seen last.
func (d *draft) leadsTo(hash string) bool {
	return hash != "" && d.status.BlueGreen.ActiveSelector == hash
}

// seeServices takes over which revisions the Services name.
func (d *draft) seeServices(f facts) {
	if f.blueGreen == nil {
		return
	}
	if active, ok := f.active(); ok {
		d.status.BlueGreen.ActiveSelector = active.Hash
	}
	preview, ok := f.ours(f.blueGreen.PreviewService)
	if ok || f.blueGreen.PreviewService == "" {
		d.status.BlueGreen.PreviewSelector = preview.Hash
	}
}

// undeployed says that the first deployment of a blue-green Rollout has not come to its end: no revision has
// ever been given the active Service. Another template then simply takes the place of the first one. That the
// Service has named one is remembered by the condition Healthy, which is there from then on, true or not.
func (d *draft) undeployed(f facts) bool {
	if f.blueGreen == nil || d.status.BlueGreen.ActiveSelector != "" || d.condition(api.RolloutHealthy) != nil {
		return false
	}
	_, there := f.active()
	return there && !slices.ContainsFunc(d.status.Decisions, func(made api.Decision) bool { return made.Reason == DecidedSwitched })
}

// cleared says that nothing stands before the switch but pods that have to come.
func (d *draft) cleared(f facts) bool {
	return d.status.BlueGreen.ScaleUpPreviewCheckPoint || d.status.PromoteFull || d.fastRollback(f) != "" || d.nobodyServed(f)
}

// nobodyServed says that the update began while no pods were wanted, and none are: there is nothing to measure.
func (d *draft) nobodyServed(f facts) bool {
	return f.replicas == 0 && slices.ContainsFunc(d.status.Decisions, func(made api.Decision) bool {
		return made.Reason == DecidedSkip && made.Revision == f.hash
	})
}

// takeSwitch waits for what comes before the switch, one thing after the other.
func (d *draft) takeSwitch(f facts) {
	if !d.updating(f) || f.ro.Spec.Paused || d.awaitPeople(f) {
		return
	}
	switch {
	case d.cleared(f):
		d.awaitSwitch(f)
	case d.handedOver(f):
		d.clear(f, "the active Service has named this revision since before this controller looked after it")
	case measures(f.blueGreen.PrePromotionAnalysis):
		d.takeVerdict(f)
	case !d.previewReady(f) && !d.held():
		d.awaitPreview(f)
	default:
		d.takeSwitchPause(f, "the preview is complete")
	}
}

// takeVerdict waits for what the analysis before the switch comes to.
func (d *draft) takeVerdict(f facts) {
	switch ref := d.status.BlueGreen.PrePromotionAnalysisRunStatus; {
	case ref == nil:
		d.awaitPreview(f)
	case ref.Status != api.AnalysisPhaseSuccessful:
		d.waits("Analysis", "Waiting for the verdict of the analysis before the switch.")
	default:
		d.takeSwitchPause(f, "AnalysisRun "+ref.Name+" was successful", successes(f.run(ref.Name))...)
	}
}

// measures says that an analysis has something to measure; one without templates is none.
func measures(a *api.RolloutAnalysis) bool { return a != nil && len(a.Templates) > 0 }

// awaitPeople says that somebody has to act, or that there is nothing to do it with.
func (d *draft) awaitPeople(f facts) bool {
	switch strange := d.strangePause(f); {
	case f.replicas == 0 && !d.cleared(f):
		d.waits("NoPodsWanted", "Waiting for spec.replicas to be more than 0: without pods nothing can be measured.")
	case d.inconclusive():
		d.waiting = d.unsure()
	case strange != "":
		d.waits(string(strange), "Paused for the reason %s, which is none of this controller's: waiting for somebody to resume.", strange)
	default:
		return false
	}
	return true
}

// handedOver says that another controller has switched already, with everything that comes before.
func (d *draft) handedOver(f facts) bool {
	ref := d.status.BlueGreen.PrePromotionAnalysisRunStatus
	known := slices.ContainsFunc(d.status.Decisions, func(made api.Decision) bool { return made.Revision == f.hash })
	passed := passed(ref)
	return d.leadsTo(f.hash) && !known && (passed || !measures(f.blueGreen.PrePromotionAnalysis))
}

// takeSwitchPause pauses before the switch where that is asked for, and ends the pause when its time is over.
func (d *draft) takeSwitchPause(f facts, because string, proof ...api.Evidence) {
	length, forever := switchPause(f.blueGreen)
	if length == 0 && !forever {
		d.clear(f, because, proof...)
		return
	}
	start := d.pausedSince(api.PauseReasonBlueGreenPause)
	if start == nil {
		d.pause(f, api.PauseReasonBlueGreenPause)
		text := " until somebody promotes"
		if !forever {
			text = " for " + length.String()
		}
		d.record(f, DecidedPause, "Paused before the switch"+text+": "+because+".", proof...)
		start = d.pausedSince(api.PauseReasonBlueGreenPause)
	}
	end := start.Add(length)
	switch {
	case forever:
		d.waits("BlueGreenPause", "Waiting for somebody to promote: autoPromotionEnabled is false.")
	case f.now.Before(end):
		d.wait(end)
		d.waits("BlueGreenPause", "Waiting for the pause of %s before the switch to end.", length)
	default:
		d.clear(f, "the pause of "+length.String()+" is over")
	}
}

// switchPause is how long to pause before the switch; for ever means until somebody promotes.
func switchPause(b *api.BlueGreenStrategy) (length time.Duration, forever bool) {
	if b.AutoPromotionEnabled != nil && !*b.AutoPromotionEnabled {
		return 0, true
	}
	return time.Duration(max(b.AutoPromotionSeconds, 0)) * time.Second, false
}

// clear opens the way to the switch.
func (d *draft) clear(f facts, because string, proof ...api.Evidence) {
	d.unpause()
	d.status.BlueGreen.ScaleUpPreviewCheckPoint = true
	d.record(f, DecidedCleared, "The switch may follow: "+because+".", proof...)
	d.progress(f, api.ReasonReplicaSetUpdated, "ReplicaSet %q is progressing.", f.ro.Name+"-"+f.hash)
	d.awaitSwitch(f)
}

// resumeSwitch follows somebody who ended a pause: an inconclusive analysis is measured again, and the one
// before the switch is over.
func (d *draft) resumeSwitch(f facts) {
	ref := d.status.BlueGreen.PrePromotionAnalysisRunStatus
	passed := passed(ref)
	switch {
	case d.measureAgain(f) != "":
		d.record(f, DecidedResume, "Resumed by hand: the inconclusive analysis is measured again.")
	case f.forward && !d.cleared(f) && (passed || !measures(f.blueGreen.PrePromotionAnalysis)) && f.replicas > 0:
		d.clear(f, "promoted by hand")
	default:
		d.record(f, DecidedResume, "Resumed by hand.")
	}
}

// awaitSwitch says what is missing until the active Service names the new revision.
func (d *draft) awaitSwitch(f facts) {
	switch {
	case d.leadsTo(f.hash), f.complete(f.fresh()):
	case d.exposed(f):
		d.awaitPreview(f)
	default:
		d.waits("SwitchPods", "Waiting for all %d pods of the new revision to be available before Service %s leads to it.", f.replicas, f.blueGreen.ActiveService)
	}
}

// complete says that a revision has all pods, and they serve.
func (f facts) complete(rs *ReplicaSet) bool {
	return rs != nil && min(rs.Wanted, rs.Available) >= f.replicas
}

// promoteSwitched makes the revision that the active Service names the stable one, when it carries everything
// and has passed what comes after the switch. Only then may the old revision lose its pods.
func (d *draft) promoteSwitched(f facts) {
	if !d.updating(f) || f.ro.Spec.Paused || !d.leadsTo(f.hash) || !f.complete(f.fresh()) {
		return
	}
	ref := d.status.BlueGreen.PostPromotionAnalysisRunStatus
	measured := measures(f.blueGreen.PostPromotionAnalysis)
	why := d.unmeasuredPromotion(f)
	switch {
	case why != "":
		d.makeStable(f, why)
	case d.held() || !d.cleared(f):
	case !measured:
		d.makeStable(f, "Completed blue-green update")
	case passed(ref):
		d.makeStable(f, "Completed blue-green update", successes(f.run(ref.Name))...)
	default:
		d.waits("Analysis", "Waiting for the verdict of the analysis after the switch.")
	}
}

// passed says that a run is known to be Successful.
func passed(ref *api.RolloutAnalysisRunStatus) bool {
	return ref != nil && ref.Status == api.AnalysisPhaseSuccessful
}

// unmeasuredPromotion is why no analysis after the switch is asked for, "" where it is.
func (d *draft) unmeasuredPromotion(f facts) string {
	switch {
	case d.status.PromoteFull:
		return "Full promotion requested"
	case d.nobodyServed(f):
		return "No pods are wanted"
	}
	return d.fastRollback(f)
}

// switchSlots are the runs before and after the switch. A run that has begun goes on whatever the pods do: it
// is asked for its verdict, and the switch waits for the pods by itself.
func (d *draft) switchSlots(f facts, base string, active bool) (all []slot) {
	if f.blueGreen == nil {
		return nil
	}
	runs := &d.status.BlueGreen
	if a := f.blueGreen.PrePromotionAnalysis; measures(a) {
		due := runs.PrePromotionAnalysisRunStatus != nil || (!runs.ScaleUpPreviewCheckPoint && d.previewReady(f) && f.replicas > 0)
		all = append(all, slot{
			ref: &runs.PrePromotionAnalysisRunStatus, kind: api.RolloutTypePrePromotion, base: base + "-pre", step: -1,
			analysis: *a, wanted: active && due,
		})
	}
	if a := f.blueGreen.PostPromotionAnalysis; measures(a) {
		due := runs.PostPromotionAnalysisRunStatus != nil || (d.leadsTo(f.hash) && d.cleared(f) && f.replicas > 0)
		all = append(all, slot{
			ref: &runs.PostPromotionAnalysisRunStatus, kind: api.RolloutTypePostPromotion, base: base + "-post", step: -1,
			analysis: *a, wanted: active && due,
		})
	}
	return all
}

// destination is the revision that the active Service should name.
func (d *draft) destination(f facts) string {
	stable := d.status.StableRS
	switch {
	case f.find(stable) == nil:
		return f.hash // nothing else can serve
	case d.aborted(), d.promoted(f):
		return stable
	case d.exposed(f) && !f.complete(f.fresh()):
		return stable // it has to be known first who serves, before new pods may come
	case d.cleared(f) && (f.forward || d.leadsTo(f.hash)):
		return f.hash
	}
	return stable
}

// lead points the active Service where requests should go, as soon as that revision can take them.
func (d *draft) lead(f facts, places []place) {
	active, ok := f.active()
	to := f.find(d.destination(f))
	if f.ro.Spec.Paused && !d.aborted() {
		to = d.unmoved(f, active)
	}
	if !ok || to == nil || d.status.StableRS == "" {
		return
	}
	serving := servingIn(places, to)
	if active.Hash != to.Hash && !d.mayLead(f, active, to, places) {
		if d.aborted() {
			d.waits("SwitchBack", "Waiting for pods of the stable revision to be available: until then Service %s leads to another one.", active.Name)
		}
		return
	}
	if active.Hash != to.Hash {
		d.recordSwitch(f, to, fmt.Sprintf("Service %s is switched to revision %d, of which %d of %d pods serve%s.",
			active.Name, d.numberOf(f, to), serving, f.replicas, d.whyBack(f, to)))
	}
	d.repoint(f, active, to.Hash, []Capacity{{ReplicaSet: to.Name, Available: min(serving, f.replicas)}})
}

// unmoved is where the active Service should lead while somebody has paused the Rollout: where it leads. One
// that names none of the revisions leads to what nobody has let in, or to nobody: that is no place to stay.
func (d *draft) unmoved(f facts, active Service) *ReplicaSet {
	if f.find(active.Hash) != nil {
		return nil
	}
	return f.find(d.status.StableRS)
}

// mayLead says whether the active Service may name this revision. Forward that is when all its pods serve, and
// so it is with a Service behind which there may be pods of others. On the way back as many may be missing as in a
// restart, or as are missing where the Service leads now. Where it names no revision nobody knows how many
// that are.
//
// Worked examples of the way back, R = 10, maxUnavailable 2, written as available pods named now/stable:
//
//	10/8 → switched; 10/7 → waits; 5/5 → switched, nothing is lost; 0/1 → switched; 0/0 → waits
//	no revision/8 → switched; no revision/7 → waits
func (d *draft) mayLead(f facts, active Service, to *ReplicaSet, places []place) bool {
	serving := servingIn(places, to)
	if serving >= f.replicas {
		return true
	}
	from := f.find(active.Hash)
	foreign := from == nil && active.ManagedBy == ""
	if active.Hash == "" {
		foreign = d.crowded(f)
	}
	back := to.Hash == d.status.StableRS
	if !back || serving == 0 || (foreign && !d.aborted()) {
		return false
	}
	if serving >= f.fewest() {
		return true
	}
	return active.Hash != "" && !foreign && (from == nil || serving >= servingIn(places, from))
}

// crowded says that pods of others may answer for a Service that names no revision: those of the workload the
// Rollout takes over from, or of whatever served before its first version did.
func (d *draft) crowded(f facts) bool {
	w := f.seen.Workload
	return d.condition(api.RolloutHealthy) == nil || (w != nil && w.Available > 0)
}

// fewest is how many pods have to serve for a revision to count as serving, at least one.
func (f facts) fewest() int32 {
	_, unavailable := f.limits()
	return max(f.replicas-max(unavailable, 1), min(f.replicas, 1))
}

// whyBack is added to what is told of a switch that goes back.
func (d *draft) whyBack(f facts, to *ReplicaSet) string {
	switch {
	case to.Hash != d.status.StableRS || d.status.BlueGreen.ActiveSelector == "":
		return ""
	case d.aborted():
		return ": the update was aborted"
	case !d.promoted(f):
		return ": the update it led to did not come to its end"
	}
	return ""
}

// recordSwitch keeps once that the active Service is made to name a revision, with the weight it has then.
func (d *draft) recordSwitch(f facts, to *ReplicaSet, message string) {
	made := d.recordOnce(f, DecidedSwitched, message)
	if made == nil {
		return
	}
	*made.Weight = 0
	if to.Hash == f.hash {
		*made.Weight = maxWeight
	}
}

// activeShare is what of the requests the current revision is to get, in percent.
func (d *draft) activeShare(f facts) int32 {
	if d.aborted() && f.find(d.status.StableRS) != nil {
		return 0
	}
	if d.promoted(f) || d.leadsTo(f.hash) {
		return maxWeight
	}
	return 0
}

// forgetSwitch closes the way to the switch again: another revision or attempt has to open it by itself.
func (d *draft) forgetSwitch() { d.status.BlueGreen.ScaleUpPreviewCheckPoint = false }
