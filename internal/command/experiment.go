package command

import (
	"fmt"

	api "sluice.dev/sluice/api/v1alpha1"
)

// RetryExperiment starts an Experiment that has ended over: everything it has come to is forgotten.
func RetryExperiment(ex *api.Experiment) (Change, error) {
	switch {
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
	return Change{
		Patches: []Patch{patch("", object{"spec": object{"terminate": true}})},
		Effect:  fmt.Sprintf("experiment %s ends; it is judged by what it has measured", ex.Name),
	}, nil
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
