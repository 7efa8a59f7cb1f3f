package decide

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	api "sluice.dev/sluice/api/v1alpha1"
)

// Reasons of an Experiment's conditions.
const (
	reasonExperimentRunning   = "ExperimentRunning"
	reasonExperimentCompleted = "ExperimentCompleted"
)

func (t *trial) condition(kind api.ExperimentConditionType) *api.ExperimentCondition {
	for i := range t.status.Conditions {
		if t.status.Conditions[i].Type == kind {
			return &t.status.Conditions[i]
		}
	}
	return nil
}

func (t *trial) set(kind api.ExperimentConditionType, status corev1.ConditionStatus, reason, message string) {
	old := t.condition(kind)
	if old != nil && old.Status == status && old.Reason == reason {
		old.Message = message
		return
	}
	next := api.ExperimentCondition{
		Type: kind, Status: status, Reason: reason, Message: message, LastUpdateTime: t.stamp(), LastTransitionTime: t.stamp(),
	}
	if old == nil {
		t.status.Conditions = append(t.status.Conditions, next)
		return
	}
	if old.Status == status {
		next.LastTransitionTime = old.LastTransitionTime
	}
	*old = next
}

func (t *trial) drop(kind api.ExperimentConditionType) {
	if t.condition(kind) != nil {
		t.status.Conditions = slices.DeleteFunc(slices.Clone(t.status.Conditions), func(c api.ExperimentCondition) bool { return c.Type == kind })
	}
}

// describe states the conditions from what is true now.
func (t *trial) describe() {
	if len(t.in.Invalid) > 0 && !t.ended() {
		t.set(api.ExperimentInvalidSpec, corev1.ConditionTrue, api.ReasonInvalidSpec,
			fmt.Sprintf("The Experiment %q is invalid: %s", t.in.Experiment.Name, strings.Join(t.in.Invalid, "; ")))
	} else {
		t.drop(api.ExperimentInvalidSpec)
	}
	switch t.status.Phase {
	case "":
		return
	case api.AnalysisPhasePending:
		t.set(api.ExperimentProgressing, corev1.ConditionTrue, api.ReasonReplicaSetUpdated, "Pods of the Experiment are coming up.")
	case api.AnalysisPhaseRunning:
		t.set(api.ExperimentProgressing, corev1.ConditionTrue, api.ReasonNewReplicaSetAvailable, "All pods of the Experiment have become available.")
		t.set(api.ExperimentRunning, corev1.ConditionTrue, reasonExperimentRunning, "Experiment is running")
	case api.AnalysisPhaseSuccessful, api.AnalysisPhaseFailed, api.AnalysisPhaseError, api.AnalysisPhaseInconclusive:
		if t.condition(api.ExperimentCompleted) == nil {
			t.describeEnd()
		}
	}
	t.describeFailure()
}

// describeEnd notes when the Experiment ended: its pods leave a while after that.
func (t *trial) describeEnd() {
	t.set(api.ExperimentCompleted, corev1.ConditionTrue, reasonExperimentCompleted, "Experiment completed")
	if t.condition(api.ExperimentRunning) != nil {
		t.set(api.ExperimentRunning, corev1.ConditionFalse, reasonExperimentRunning, "Experiment is not running")
	}
	if failed := t.failedTemplate(); failed != nil {
		t.set(api.ExperimentProgressing, corev1.ConditionFalse, api.ReasonProgressDeadlineExceeded, failed.Message)
	}
}

// describeFailure repeats what the ReplicaSet controller could not do, for example because of a quota.
func (t *trial) describeFailure() {
	for i := range t.in.ReplicaSets {
		if rs := &t.in.ReplicaSets[i]; rs.Failure != "" && !t.ended() {
			t.set(api.ExperimentReplicaFailure, corev1.ConditionTrue, "FailedCreate", rs.Name+": "+rs.Failure)
			return
		}
	}
	t.drop(api.ExperimentReplicaFailure)
}
