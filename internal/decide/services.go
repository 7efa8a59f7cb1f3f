package decide

import (
	"slices"

	api "sluice.dev/sluice/api/v1alpha1"
)

// NamedServices lists the Services a Rollout names, each once, sorted: Observed.Services is filled with those
// of them that exist.
func NamedServices(ro *api.Rollout) []string {
	var names []string
	if b := ro.Spec.Strategy.BlueGreen; b != nil {
		names = append(names, b.ActiveService, b.PreviewService)
	}
	if c := ro.Spec.Strategy.Canary; c != nil {
		names = append(names, c.StableService, c.CanaryService)
		if p := c.PingPong; p != nil {
			names = append(names, p.PingService, p.PongService)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	return slices.DeleteFunc(names, func(name string) bool { return name == "" })
}
