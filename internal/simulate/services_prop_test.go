package simulate

import (
	"testing"

	"pgregory.net/rapid"

	api "sluice.dev/sluice/api/v1alpha1"
)

// TestLawsOfServices plays the histories of a canary without a router whose sides have Services: nothing we do
// leaves a Service that names a revision without a pod that had one.
func TestLawsOfServices(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h := newHistory(t, rt)
		h.w.CreateService("canary")
		h.w.CreateService("stable")
		h.w.Apply(func(ro *api.Rollout) {
			ro.Spec.Strategy.Canary.CanaryService, ro.Spec.Strategy.Canary.StableService = "canary", "stable"
		})
		h.w.Resized = func(r Resize) {
			h.resized(r)
			if r.From == 0 || r.To > 0 || r.Replicas == 0 || r.Unseen {
				return
			}
			for _, name := range h.w.Services() {
				s, _ := h.w.Service(name)
				h.law("rollouts-demo-"+s.Hash != r.Name, "law 3: %s from %d to %d empties Service %s", r.Name, r.From, r.To, name)
			}
		}
		h.w.Repointed = func(r Repoint) {
			h.law(r.After > 0 || r.Before == 0 || r.Replicas == 0, "law 1: Service %s leads from %d pods to none", r.Service, r.Before)
		}
		h.turn(5)
		rt.Repeat(rapid.StateMachineActions(h))
		h.Calm(rt)
		h.law(h.broken != "" || h.led(), "at rest the Services lead elsewhere: %v", h.w.services)
		h.Check(rt)
	})
}

// led says that at rest both Services name revisions that serve: the stable one, and for the canary's also the
// new one while an update goes on.
func (h *history) led() bool {
	s := h.w.Rollout().Status
	if _, n := h.w.Totals(); n == 0 {
		return true
	}
	stable, canary := behindService(h.w, "stable"), behindService(h.w, "canary")
	updating := !s.Abort && s.StableRS != s.CurrentPodHash
	return stable == s.StableRS && (canary == s.StableRS || (updating && canary == s.CurrentPodHash))
}
