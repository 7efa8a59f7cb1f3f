package view

import (
	"fmt"
	"strings"

	api "sluice.dev/sluice/api/v1alpha1"
)

// StepText is a step in a few words: `setWeight: 20`, `pause: 5m`, `analysis: success-rate`.
func StepText(step *api.CanaryStep) string {
	switch {
	case step.SetWeight != nil:
		return fmt.Sprintf("setWeight: %d", *step.SetWeight)
	case step.Pause != nil && step.Pause.IsIndefinite():
		return "pause"
	case step.Pause != nil:
		return "pause: " + unit(step.Pause.Duration.String())
	case step.Analysis != nil:
		var names []string
		for _, ref := range step.Analysis.Templates {
			names = append(names, ref.TemplateName)
		}
		return strings.TrimSuffix("analysis: "+strings.Join(names, ", "), ": ")
	case step.Experiment != nil:
		return "experiment"
	case step.SetCanaryScale != nil:
		return "setCanaryScale"
	case step.SetHeaderRoute != nil:
		return "setHeaderRoute: " + step.SetHeaderRoute.Name
	case step.SetMirrorRoute != nil:
		return "setMirrorRoute: " + step.SetMirrorRoute.Name
	case step.Plugin != nil:
		return "plugin: " + step.Plugin.Name
	}
	return "nothing"
}
