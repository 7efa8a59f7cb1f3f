package decide

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	api "sluice.dev/sluice/api/v1alpha1"
)

const defaultProgressDeadline = 600 * time.Second

func (d *draft) condition(kind api.RolloutConditionType) *api.RolloutCondition {
	return conditionOf(&d.status, kind)
}

// conditionOf is a condition of a status, nil when it has none of this kind.
func conditionOf(s *api.RolloutStatus, kind api.RolloutConditionType) *api.RolloutCondition {
	for i := range s.Conditions {
		if s.Conditions[i].Type == kind {
			return &s.Conditions[i]
		}
	}
	return nil
}

// set states a condition and says whether its status or reason changed. A condition that changed
// moves to the end: readers scan the list in order.
func (d *draft) set(f facts, kind api.RolloutConditionType, status corev1.ConditionStatus, reason, message string) bool {
	old := d.condition(kind)
	if old != nil && old.Status == status && old.Reason == reason {
		old.Message = message
		return false
	}
	next := api.RolloutCondition{
		Type: kind, Status: status, Reason: reason, Message: message,
		LastUpdateTime: f.stamp(), LastTransitionTime: f.stamp(),
	}
	if old != nil && old.Status == status {
		next.LastTransitionTime = old.LastTransitionTime
	}
	d.drop(kind)
	d.status.Conditions = append(d.status.Conditions, next)
	return true
}

func (d *draft) drop(kind api.RolloutConditionType) {
	var kept []api.RolloutCondition
	for _, c := range d.status.Conditions {
		if c.Type != kind {
			kept = append(kept, c)
		}
	}
	d.status.Conditions = kept
}

// progress notes that the update moved: the deadline counts from here.
func (d *draft) progress(f facts, reason, format string, args ...any) {
	if d.aborted() {
		return
	}
	d.set(f, api.RolloutProgressing, corev1.ConditionTrue, reason, fmt.Sprintf(format, args...))
	d.condition(api.RolloutProgressing).LastUpdateTime = f.stamp()
}

func (d *draft) conditionAborted(f facts, cause string) {
	message := fmt.Sprintf("Rollout aborted update to revision %d", d.revision)
	if cause != "" {
		message += ": " + cause
	}
	d.set(f, api.RolloutProgressing, corev1.ConditionFalse, api.ReasonRolloutAborted, message)
	d.warn(api.EventRolloutAborted, "%s", message)
}

func (d *draft) conditionRetried(f facts) {
	d.set(f, api.RolloutProgressing, corev1.ConditionUnknown, api.ReasonRolloutRetry, "Retrying Rollout after abort")
}

func (d *draft) conditionTimedOut(f facts, message string) {
	if d.set(f, api.RolloutProgressing, corev1.ConditionFalse, api.ReasonProgressDeadlineExceeded, message) {
		d.warn(api.ReasonProgressDeadlineExceeded, "%s", message)
	}
}

// invalid reports mistakes in the spec, all of them; no message takes it back.
func (d *draft) invalid(f facts, message string) {
	if message == "" {
		d.drop(api.RolloutInvalidSpec)
		return
	}
	text := fmt.Sprintf("The Rollout %q is invalid: %s", f.ro.Name, message)
	d.set(f, api.RolloutInvalidSpec, corev1.ConditionTrue, api.ReasonInvalidSpec, text)
}

// overdue is when the update will have gone without progress for too long, by this status; zero while no
// progress is due.
func overdue(ro *api.Rollout, s *api.RolloutStatus) time.Time {
	progressing := conditionOf(s, api.RolloutProgressing)
	if progressing == nil || !progressDue(ro, s) {
		return time.Time{}
	}
	switch progressing.Reason {
	case api.ReasonNewReplicaSetAvailable, api.ReasonReplicaSetNotAvailable, api.ReasonProgressDeadlineExceeded, api.ReasonRolloutPaused:
		return time.Time{}
	}
	return progressing.LastUpdateTime.Add(deadline(ro))
}

// deadline is how long an update may go without progress.
func deadline(ro *api.Rollout) time.Duration {
	if s := ro.Spec.ProgressDeadlineSeconds; s != nil {
		return time.Duration(*s) * time.Second
	}
	return defaultProgressDeadline
}

// progressDue says that pods should be coming: nobody has stopped the update, and it waits neither
// for a person, nor for time, nor for a measurement.
func progressDue(ro *api.Rollout, s *api.RolloutStatus) bool {
	idle := ro.Spec.Replicas != nil && *ro.Spec.Replicas <= 0
	if idle || ro.Spec.Paused || s.Abort || len(s.PauseConditions) > 0 {
		return false
	}
	if s.StableRS == s.CurrentPodHash {
		// Once the update is over, a node that is lost later is not its fault.
		return s.Duration == nil || s.Duration.FinishedAt == nil
	}
	return !waitsForVerdict(ro, s)
}

// waitsForVerdict says that the update waits for a measurement, or pauses: for what its pods do not decide.
func waitsForVerdict(ro *api.Rollout, s *api.RolloutStatus) bool {
	for _, run := range []*api.RolloutAnalysisRunStatus{s.BlueGreen.PrePromotionAnalysisRunStatus, s.BlueGreen.PostPromotionAnalysisRunStatus} {
		if run != nil && !run.Status.Completed() {
			return true
		}
	}
	canary := ro.Spec.Strategy.Canary
	if canary == nil || s.CurrentStepIndex == nil || int(*s.CurrentStepIndex) >= len(canary.Steps) {
		return false
	}
	step := canary.Steps[max(*s.CurrentStepIndex, 0)]
	return step.Analysis != nil || step.Experiment != nil || step.Pause != nil
}

// describe states every condition from what is true now. The Progressing condition follows the
// update: a pause suspends it, progress refreshes it.
func (d *draft) describe(f facts, before api.RolloutStatus) {
	d.describeValidity(f)
	d.tellResumption(before)
	d.describePause(f)
	d.describeHealth(f)
	d.describeProgress(f, before)
	d.describeFailure(f)
	available := corev1.ConditionFalse
	message := "Rollout does not have minimum availability"
	carries := d.status.AvailableReplicas >= f.replicas
	if f.blueGreen != nil {
		active := f.find(d.status.BlueGreen.ActiveSelector)
		carries = active != nil && active.Wanted == f.replicas && active.Available >= f.replicas
	}
	if carries {
		available, message = corev1.ConditionTrue, "Rollout has minimum availability"
	}
	d.set(f, api.RolloutAvailable, available, api.ReasonAvailable, message)
}

func (d *draft) describeValidity(f facts) {
	mistakes := append(append([]string(nil), f.seen.Unsupported...), f.seen.Invalid...)
	if f.seen.Refused != "" {
		mistakes = append(mistakes, f.seen.Refused)
	}
	d.invalid(f, strings.Join(mistakes, "; "))
}

// tellResumption tells that a pause of the controller's own is over, by hand or by itself.
func (d *draft) tellResumption(before api.RolloutStatus) {
	waited := len(before.PauseConditions) > 0 || before.ControllerPause
	if waited && !d.held() && !d.status.ControllerPause && !d.aborted() {
		d.tell(api.EventRolloutResumed, "Rollout is resumed")
	}
}

func (d *draft) describePause(f facts) {
	paused := d.held() || f.ro.Spec.Paused
	if d.aborted() {
		paused = false
	}
	progressing := d.condition(api.RolloutProgressing)
	suspended := progressing != nil && progressing.Reason == api.ReasonRolloutPaused
	const is, not = "Rollout is paused", "Rollout is resumed"
	switch {
	case d.aborted():
	case paused && !suspended:
		d.set(f, api.RolloutProgressing, corev1.ConditionUnknown, api.ReasonRolloutPaused, is)
	case !paused && suspended:
		d.set(f, api.RolloutProgressing, corev1.ConditionUnknown, api.ReasonRolloutResumed, not)
	}
	switch {
	case paused:
		d.set(f, api.RolloutPaused, corev1.ConditionTrue, api.ReasonRolloutPaused, is)
	case d.condition(api.RolloutPaused) != nil:
		d.set(f, api.RolloutPaused, corev1.ConditionFalse, api.ReasonRolloutPaused, not)
	}
}

// healthy says that the update is complete and every pod serves.
func (d *draft) healthy(f facts) bool {
	s := d.status
	if d.held() || f.ro.Spec.Paused || d.aborted() || !d.promoted(f) || s.UpdatedReplicas != f.replicas || s.AvailableReplicas != f.replicas {
		return false
	}
	if f.blueGreen != nil {
		return d.leadsTo(f.hash) && (f.blueGreen.PreviewService == "" || s.BlueGreen.PreviewSelector == f.hash)
	}
	return d.step(f) >= d.lastStep(f) && s.Replicas == f.replicas
}

func (d *draft) describeHealth(f facts) {
	if d.healthy(f) {
		d.set(f, api.RolloutHealthy, corev1.ConditionTrue, api.ReasonRolloutHealthy, "Rollout is healthy")
	} else if d.condition(api.RolloutHealthy) != nil || d.status.BlueGreen.ActiveSelector != "" {
		d.set(f, api.RolloutHealthy, corev1.ConditionFalse, api.ReasonRolloutHealthy, "Rollout is not healthy")
	}
	d.describeCompletion(f)
}

// describeCompletion says whether an update is under way, and that one has begun.
func (d *draft) describeCompletion(f facts) {
	completed := corev1.ConditionFalse
	if d.status.CurrentPodHash != "" && d.promoted(f) {
		completed = corev1.ConditionTrue
	}
	old := d.condition(api.RolloutCompleted)
	changed := d.set(f, api.RolloutCompleted, completed, api.ReasonRolloutCompleted, "RolloutCompleted")
	if changed && completed == corev1.ConditionFalse && (old != nil || d.status.StableRS == "") && f.forward {
		d.tell(api.EventRolloutNotCompleted, "Rollout not completed, started update to revision %d (%s)", d.revision, f.hash)
	}
}

// describeProgress refreshes the deadline whenever something moved since the last pass.
func (d *draft) describeProgress(f facts, before api.RolloutStatus) {
	if d.aborted() || d.held() || f.ro.Spec.Paused {
		return
	}
	name := f.ro.Name + "-" + f.hash
	progressing := d.condition(api.RolloutProgressing)
	switch {
	case d.healthy(f):
		d.set(f, api.RolloutProgressing, corev1.ConditionTrue, api.ReasonNewReplicaSetAvailable,
			fmt.Sprintf("ReplicaSet %q has successfully progressed.", name))
	case progressing != nil && d.promoted(f) && progressing.Reason == api.ReasonReplicaSetNotAvailable:
	case progressing != nil && d.promoted(f) && progressing.Reason == api.ReasonNewReplicaSetAvailable:
		// The update was over before: pods that are missing since then went on their own.
		d.progress(f, api.ReasonReplicaSetNotAvailable, "ReplicaSet %q is no longer available in full.", name)
	case moved(before, d.status):
		d.progress(f, api.ReasonReplicaSetUpdated, "ReplicaSet %q is progressing.", name)
	}
}

// moved says whether the update has come closer since the last status.
func moved(before, after api.RolloutStatus) bool {
	olderBefore, olderAfter := before.Replicas-before.UpdatedReplicas, after.Replicas-after.UpdatedReplicas
	return after.UpdatedReplicas != before.UpdatedReplicas ||
		olderAfter < olderBefore ||
		after.ReadyReplicas > before.ReadyReplicas ||
		after.AvailableReplicas > before.AvailableReplicas ||
		after.StableRS != before.StableRS ||
		after.BlueGreen.ActiveSelector != before.BlueGreen.ActiveSelector ||
		after.BlueGreen.PreviewSelector != before.BlueGreen.PreviewSelector
}

// describeFailure repeats what the ReplicaSet controller could not do, for example because of a quota.
func (d *draft) describeFailure(f facts) {
	for _, rs := range []*ReplicaSet{f.fresh(), f.find(d.status.StableRS)} {
		if rs != nil && rs.Failure != "" {
			d.set(f, api.RolloutReplicaFailure, corev1.ConditionTrue, "FailedCreate", rs.Name+": "+rs.Failure)
			return
		}
	}
	d.drop(api.RolloutReplicaFailure)
}
