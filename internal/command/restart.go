package command

import (
	"fmt"
	"time"

	api "sluice.dev/sluice/api/v1alpha1"
)

// Restart replaces every pod that is older than at, a few at a time. A time to come is waited for.
func Restart(ro *api.Rollout, at, now time.Time) (Change, error) {
	stamp := at.UTC().Format(time.RFC3339) // the API keeps whole seconds
	change := Change{
		Patches: []Patch{patch("", object{"spec": object{"restartAt": stamp}})},
		Effect:  fmt.Sprintf("rollout %s replaces its pods, no more at a time than may be unavailable", ro.Name),
	}
	if left := at.Sub(now); left >= time.Second {
		change.Effect = fmt.Sprintf("rollout %s replaces its pods at %s, in %s", ro.Name, at.Format(time.TimeOnly), left.Round(time.Second))
	}
	return change, nil
}

// Terminate ends an analysis run, which is then judged by what it has measured.
func Terminate(run *api.AnalysisRun) (Change, error) {
	switch {
	case run.Status.Phase.Completed():
		return refuse("", "analysis run %s has ended already (%s): there is nothing to terminate", run.Name, run.Status.Phase)
	case run.Spec.Terminate:
		return Change{Effect: fmt.Sprintf("analysis run %s is being terminated already", run.Name)}, nil
	}
	return Change{
		Patches: []Patch{patch("", object{"spec": object{"terminate": true}})},
		Effect:  fmt.Sprintf("analysis run %s ends; it is judged by what it has measured", run.Name),
	}, nil
}
