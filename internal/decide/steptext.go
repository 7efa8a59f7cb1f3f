package decide

import api "sluice.dev/sluice/api/v1alpha1"

// StepText is a step in a few words, as events and decisions write it.
func StepText(step api.CanaryStep) string { return stepText(step) }

// MayMiss is how many of the wanted pods may be missing while an update moves, by maxUnavailable.
func MayMiss(ro *api.Rollout) int32 {
	_, missing := look(RolloutInput{Rollout: ro}).limits()
	return missing
}
