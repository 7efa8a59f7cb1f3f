package decide

import api "sluice.dev/sluice/api/v1alpha1"

// StepText is a step in a few words, as events and decisions write it.
func StepText(step api.CanaryStep) string { return stepText(step) }
