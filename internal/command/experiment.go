package command

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	api "sluice.dev/sluice/api/v1alpha1"
)

// RetryExperiment starts an Experiment that has ended over: everything it has come to is forgotten.
func RetryExperiment(ex *api.Experiment) (Change, error) {
	switch {
	case ex.Status.Phase == "":
		return Change{Effect: fmt.Sprintf("experiment %s has not begun: there is nothing to start over%s", ex.Name, whyNotBegun(ex))}, nil
	case !ex.Status.Phase.Completed():
		return Change{Effect: fmt.Sprintf("experiment %s has not ended: it is under way already", ex.Name)}, nil
	case ex.Spec.Terminate:
		return refuse("", "experiment %s was told to terminate (spec.terminate): set that to false, or create another one", ex.Name)
	}
	return Change{
		Patches: []Patch{patch("", object{"status": nil})},
		Effect:  fmt.Sprintf("experiment %s starts over, with new analysis runs", ex.Name),
	}, nil
}

// TerminateExperiment ends an Experiment before its time.
func TerminateExperiment(ex *api.Experiment) (Change, error) {
	switch {
	case ex.Status.Phase.Completed():
		return refuse("", "experiment %s has ended already (%s): there is nothing to terminate", ex.Name, ex.Status.Phase)
	case ex.Spec.Terminate:
		return Change{Effect: fmt.Sprintf("experiment %s is being terminated already", ex.Name)}, nil
	}
	effect := "experiment %s ends; it is judged by what it has measured"
	if ex.Status.Phase == "" {
		effect = "experiment %s ends before it began: that is Inconclusive"
	}
	return Change{
		Patches: []Patch{patch("", object{"spec": object{"terminate": true}})},
		Effect:  fmt.Sprintf(effect, ex.Name),
	}, nil
}

// whyNotBegun is what keeps an Experiment from beginning, as an addition to a sentence; "" when nothing is known.
func whyNotBegun(ex *api.Experiment) string {
	for _, c := range ex.Status.Conditions {
		if c.Type == api.ExperimentInvalidSpec && c.Status == corev1.ConditionTrue {
			return "; correct its spec first: " + c.Message
		}
	}
	return ""
}

// experimentUndecided tells that the rollout is paused because the experiment of its step was inconclusive.
func experimentUndecided(ro *api.Rollout) bool {
	for _, c := range ro.Status.PauseConditions {
		if c.Reason == api.PauseReasonInconclusiveExperiment {
			return true
		}
	}
	return false
}
