package command

import (
	"fmt"

	api "sluice.dev/sluice/api/v1alpha1"
)

// SkipStep goes on with the next step, whatever the present one waits for.
func SkipStep(ro *api.Rollout) (Change, error) {
	return skip(ro, func(index, steps int) int { return min(index+1, steps) })
}

// SkipSteps skips all steps that are left. Unlike a full promotion it still waits for an analysis
// beside the steps.
func SkipSteps(ro *api.Rollout) (Change, error) {
	return skip(ro, func(_, steps int) int { return steps })
}

func skip(ro *api.Rollout, to func(index, steps int) int) (Change, error) {
	if err := forward(ro); err != nil {
		return Change{}, err
	}
	index, steps := position(ro)
	switch {
	case promoted(ro):
		return refuse("", "rollout %s is fully promoted: there is no step to skip", ro.Name)
	case steps == 0:
		return refuse(inFull(ro), "rollout %s has no steps to skip", ro.Name)
	case index >= steps:
		return refuse("", "rollout %s has done all its %d steps and waits: %s", ro.Name, steps, ro.Status.Message)
	}
	next := to(index, steps)
	// controllerPause goes with the pauses: left alone it says that somebody resumed, which would end
	// a pause in the step skipped to.
	status := object{"pauseConditions": nil, "controllerPause": false, "currentStepIndex": next}
	effect := fmt.Sprintf("rollout %s goes on with step %d of %d", ro.Name, next+1, steps)
	if next == steps {
		effect = fmt.Sprintf("rollout %s skips its remaining steps and is promoted once its pods are ready", ro.Name)
	}
	change := Change{
		Patches: []Patch{patch("status", versioned(ro, status))},
		Effect:  effect,
	}
	change.skips(ro)
	return change, nil
}
