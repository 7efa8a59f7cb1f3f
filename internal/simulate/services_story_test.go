package simulate

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/intstr"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
)

// served is a world whose canary has no router, but Services that name its sides.
func served(replicas int32, steps ...api.CanaryStep) func(testing.TB) *World {
	return func(t testing.TB) *World {
		w := weighted(replicas, steps...)(t)
		canaryOf(w, func(c *api.CanaryStrategy) { c.TrafficRouting = nil })
		w.router = nil
		return w
	}
}

// emptied notes when a Service that names a revision leads to nobody.
func emptied(w *World) *[]string {
	var bad []string
	look := func() {
		for _, name := range w.Services() {
			if s, _ := w.Service(name); s.Hash != "" && w.Serving(name) == 0 {
				bad = append(bad, name)
			}
		}
	}
	w.Resized = func(Resize) { look() }
	w.Repointed = func(Repoint) { look() }
	return &bad
}

// TestServiceStories tells how the Services of a canary without a router follow its sides.
func TestServiceStories(t *testing.T) {
	tell(t, []story{
		{name: "Services follow the sides of a canary without a router", in: served(5, setWeight(40), waitFor(10)), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			bad := emptied(w)
			ship(w, tr, "2")
			pass(t, w, tr, 5*time.Second)
			names(t, w, "canary", w.Rollout().Status.CurrentPodHash)
			names(t, w, "stable", w.Rollout().Status.StableRS)
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			names(t, w, "stable", w.Rollout().Status.CurrentPodHash)
			serves(t, w, 0, 5)
			if len(*bad) > 0 {
				t.Errorf("Services led to nobody: %v", *bad)
			}
		}},
		{name: "the Services of a single pod are never empty", in: served(1, setWeight(50), waitFor(10)), tell: func(t *testing.T, w *World, tr *Transcript) {
			none := intstr.FromInt32(0)
			canaryOf(w, func(c *api.CanaryStrategy) { c.MaxSurge = &none })
			deploy(t, w, tr)
			bad := emptied(w)
			ship(w, tr, "2")
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			serves(t, w, 0, 1)
			if len(*bad) > 0 {
				t.Errorf("Services led to nobody: %v", *bad)
			}
		}},
		{name: "an abort without a router leads the canary's Service back before its pods go", in: served(5, setWeight(40), wait()), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 10*time.Second)
			bad := emptied(w)
			does(t, w, tr, "abort", abort())
			pass(t, w, tr, time.Minute)
			is(t, w, api.RolloutPhaseDegraded, "RolloutAborted")
			names(t, w, "canary", w.Rollout().Status.StableRS)
			serves(t, w, 0, 5)
			if len(*bad) > 0 {
				t.Errorf("Services led to nobody: %v", *bad)
			}
		}},
		{name: "A15 an autoscaler in mid-steps promotes nobody where Services name the sides", in: served(10, setWeight(20), wait()), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 30*time.Second)
			bad := emptied(w)
			does(t, w, tr, "the autoscaler sets 20", scale(20))
			pass(t, w, tr, time.Minute)
			at(t, w, 1)
			serves(t, w, 4, 16)
			if len(*bad) > 0 {
				t.Errorf("Services led to nobody: %v", *bad)
			}
		}},
		{name: "a threshold lets the steps go on with some of the pods, and no fewer than may be missing serve", in: served(8, setWeight(50), waitFor(10)), tell: func(t *testing.T, w *World, tr *Transcript) {
			canaryOf(w, func(c *api.CanaryStrategy) {
				c.ReplicaProgressThreshold = &api.ReplicaProgressThreshold{Type: api.ProgressThresholdPercent, Value: 50}
			})
			deploy(t, w, tr)
			fewest, booted := fewest(w), 0
			w.Boot = func(string) time.Duration {
				if booted++; booted%2 == 0 {
					return -1 // every second pod never serves
				}
				return time.Second
			}
			ship(w, tr, "2")
			pass(t, w, tr, 3*time.Minute)
			if s := w.Rollout().Status; s.StableRS != s.CurrentPodHash || *fewest < 6 {
				t.Errorf("promoted: %v, %d pods served at one moment, want at least 6:\n%s", s.StableRS == s.CurrentPodHash, *fewest, tr)
			}
		}},
		{name: "the active Service of a strategy that is left keeps its pods until it is given back", in: blueGreen(5), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			tr.Say("the strategy becomes a canary without Services, and the server refuses to give Service live back")
			w.Clinging = true
			w.Apply(func(ro *api.Rollout) {
				ro.Spec.Strategy = api.RolloutStrategy{Canary: &api.CanaryStrategy{Steps: []api.CanaryStep{setWeight(40), waitFor(10)}}}
			})
			bad, fewest := emptied(w), w.Serving("live")
			resized := w.Resized
			w.Resized = func(r Resize) {
				resized(r)
				fewest = min(fewest, w.Serving("live"))
			}
			ship(w, tr, "2")
			pass(t, w, tr, 3*time.Minute)
			names(t, w, "live", w.born[0])
			if fewest < 4 || len(*bad) > 0 {
				t.Errorf("%d pods answered for Service live at one moment, want 4; Services that led to nobody: %v", fewest, *bad)
			}
			tr.Say("the server lets it be given back")
			w.Clinging = false
			pass(t, w, tr, 3*time.Minute)
			names(t, w, "live", "")
			is(t, w, api.RolloutPhaseHealthy, "")
			serves(t, w, 0, 5)
		}},
		{name: "a Service that the strategy names no more is given back", in: served(5, setWeight(40), waitFor(10)), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 5*time.Second)
			tr.Say("the strategy names no Services any more")
			canaryOf(w, func(c *api.CanaryStrategy) { c.CanaryService, c.StableService = "", "" })
			pass(t, w, tr, time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			for _, name := range w.Services() {
				if s, _ := w.Service(name); s.Hash != "" || s.ManagedBy != "" {
					t.Errorf("Service %s names %q and is managed by %q, want neither", name, s.Hash, s.ManagedBy)
				}
			}
		}},
		{name: "a Service that somebody else steers is left alone", in: served(5, setWeight(40), waitFor(10)), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			tr.Say("another Rollout takes Service canary")
			w.EditService("canary", func(s *decide.Service) { s.ManagedBy = "other" })
			before := behindService(w, "canary")
			ship(w, tr, "2")
			pass(t, w, tr, 3*time.Minute)
			names(t, w, "canary", before)
		}},
	})
}
