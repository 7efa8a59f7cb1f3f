package decide

import (
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "sluice.dev/sluice/api/v1alpha1"
)

// report writes what was seen into the status: counts, conditions, phase.
func (d *draft) report(f facts) {
	before := f.ro.Status
	if d.completion != "" {
		d.tell(api.EventRolloutCompleted, "Rollout completed update to revision %d (%s): %s", d.revision, f.hash, d.completion)
	}
	d.count(f)
	d.keepClock(f, f.ro.Status.PromoteFull)
	if f.unsure == "" {
		d.status.ObservedGeneration = fmt.Sprint(f.ro.Generation)
	}
	d.followWorkload(f)
	if len(f.seen.Dropped) > 0 && d.status.ObservedGeneration != before.ObservedGeneration {
		d.warn(api.EventRolloutReconciliationError, "The manifest that was applied has fields this API does not have, which do nothing: %s.",
			strings.Join(f.seen.Dropped, ", "))
	}
	d.describe(f, before)
	d.sumUp(f)
	if f.unsure != "" {
		d.waiting = Reason{Code: "TemplateUnknown", Message: f.unsure}
		if d.status.Message == f.unsure && before.Message != f.unsure {
			d.warn(api.EventRolloutReconciliationError, "%s", f.unsure)
		}
	}
	if d.waiting.Code == "" {
		d.waiting = Reason{Code: string(d.status.Phase), Message: d.status.Message}
	}
}

// count sums the pods that were observed, never those that were asked for.
func (d *draft) count(f facts) {
	s := &d.status
	s.Replicas, s.ReadyReplicas, s.AvailableReplicas, s.UpdatedReplicas = 0, 0, 0, 0
	for i := range f.seen.ReplicaSets {
		rs := &f.seen.ReplicaSets[i]
		s.Replicas += rs.Replicas
		s.ReadyReplicas += rs.Ready
		s.AvailableReplicas += rs.Available
		if rs.Hash == f.hash {
			s.UpdatedReplicas += rs.Replicas
		}
	}
	s.HPAReplicas = s.Replicas
	if f.ro.Spec.Selector != nil {
		s.Selector = metav1.FormatLabelSelector(f.ro.Spec.Selector)
	}
	if f.blueGreen != nil {
		d.countActive(f)
	}
}

// countActive narrows what an autoscaler goes by to the revision that serves: the other one has as many pods
// and nothing to do.
func (d *draft) countActive(f facts) {
	active := f.find(d.status.BlueGreen.ActiveSelector)
	if active == nil {
		return
	}
	s := &d.status
	s.HPAReplicas, s.ReadyReplicas, s.AvailableReplicas = active.Replicas, active.Ready, active.Available
	var selector metav1.LabelSelector
	if f.ro.Spec.Selector != nil {
		f.ro.Spec.Selector.DeepCopyInto(&selector)
	}
	if selector.MatchLabels == nil {
		selector.MatchLabels = map[string]string{}
	}
	selector.MatchLabels[api.LabelPodTemplateHash] = active.Hash
	s.Selector = metav1.FormatLabelSelector(&selector)
}

// sumUp is the phase and its message; the first rule that applies wins. Other tools take the phase
// as a health state, so there are only four.
func (d *draft) sumUp(f facts) {
	d.status.Phase, d.status.Message = d.phase(f)
}

func (d *draft) phase(f facts) (api.RolloutPhase, string) {
	if trouble := d.trouble(); trouble != "" {
		return api.RolloutPhaseDegraded, trouble
	}
	s := d.status
	switch {
	case f.unsure != "":
		return api.RolloutPhaseProgressing, f.unsure
	case f.ro.Spec.Paused:
		return api.RolloutPhasePaused, "manually paused"
	case d.held():
		return api.RolloutPhasePaused, string(s.PauseConditions[0].Reason)
	case pending(f.ro.Spec.RestartAt, s.RestartedAt):
		return api.RolloutPhaseProgressing, "rollout is restarting"
	case s.UpdatedReplicas < f.replicas:
		return api.RolloutPhaseProgressing, "more replicas need to be updated"
	case s.AvailableReplicas < s.UpdatedReplicas:
		return api.RolloutPhaseProgressing, "updated replicas are still becoming available"
	case f.blueGreen != nil:
		return d.switchPhase(f)
	}
	return d.canaryPhase(f)
}

// canaryPhase is the phase of a canary whose pods are all there.
func (d *draft) canaryPhase(f facts) (api.RolloutPhase, string) {
	s := d.status
	switch {
	case !f.routed() && s.Replicas > s.UpdatedReplicas:
		return api.RolloutPhaseProgressing, "old replicas are pending termination"
	case !d.promoted(f) || s.StableRS == "":
		return api.RolloutPhaseProgressing, "waiting for all steps to complete"
	case f.routed() && f.canaryShare() > 0:
		return api.RolloutPhaseProgressing, "waiting for the traffic router to send everything to the stable revision"
	}
	return api.RolloutPhaseHealthy, ""
}

// switchPhase is the phase of a blue-green Rollout whose pods are all there.
func (d *draft) switchPhase(f facts) (api.RolloutPhase, string) {
	post := d.status.BlueGreen.PostPromotionAnalysisRunStatus
	switch {
	case !d.leadsTo(f.hash):
		return api.RolloutPhaseProgressing, "active service cutover pending"
	case !d.promoted(f) && measures(f.blueGreen.PostPromotionAnalysis) && (post == nil || !post.Status.Completed()):
		return api.RolloutPhaseProgressing, "waiting for analysis to complete"
	case !d.promoted(f):
		return api.RolloutPhaseProgressing, "waiting for post-promotion verification to complete"
	}
	return api.RolloutPhaseHealthy, ""
}

// trouble is the condition that makes a Rollout Degraded, "" when there is none.
func (d *draft) trouble() string {
	for _, c := range d.status.Conditions {
		switch {
		case c.Type == api.RolloutInvalidSpec:
			return fmt.Sprintf("%s: %s", api.RolloutInvalidSpec, c.Message)
		case c.Reason == api.ReasonRolloutAborted, c.Reason == api.ReasonProgressDeadlineExceeded:
			return fmt.Sprintf("%s: %s", c.Reason, c.Message)
		}
	}
	return ""
}
