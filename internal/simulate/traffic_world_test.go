package simulate

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/intstr"

	api "sluice.dev/sluice/api/v1alpha1"
)

// weighted is a world whose canary has a router before two Services, and these steps; no analysis.
func weighted(replicas int32, steps ...api.CanaryStep) func(testing.TB) *World {
	return routedBy(Routing{}, replicas, steps...)
}

// routedBy is the same with a router that behaves in its own way.
func routedBy(how Routing, replicas int32, steps ...api.CanaryStep) func(testing.TB) *World {
	return func(t testing.TB) *World {
		w := seed(t)
		w.CreateService("canary")
		w.CreateService("stable")
		w.Apply(func(ro *api.Rollout) {
			ro.Spec.Replicas = &replicas
			ro.Spec.Strategy.Canary = &api.CanaryStrategy{
				Steps: steps, CanaryService: "canary", StableService: "stable",
				TrafficRouting: &api.RolloutTrafficRouting{SMI: &api.SMITrafficRouting{}},
			}
			if how.Subsets {
				c := ro.Spec.Strategy.Canary
				c.CanaryService, c.StableService = "", ""
				c.TrafficRouting = &api.RolloutTrafficRouting{Istio: &api.IstioTrafficRouting{
					DestinationRule: &api.IstioDestinationRule{Name: "shop", CanarySubsetName: "canary", StableSubsetName: "stable"},
				}}
			}
		})
		w.UseRouter(how)
		return w
	}
}

func setWeight(w int32) api.CanaryStep { return api.CanaryStep{SetWeight: &w} }

func wait() api.CanaryStep { return api.CanaryStep{Pause: &api.RolloutPause{}} }

func waitFor(seconds int) api.CanaryStep {
	d := intstr.FromInt32(int32(seconds))
	return api.CanaryStep{Pause: &api.RolloutPause{Duration: &d}}
}

func canaryOf(w *World, change func(*api.CanaryStrategy)) {
	w.Apply(func(ro *api.Rollout) { change(ro.Spec.Strategy.Canary) })
}

func dynamic(c *api.CanaryStrategy) { c.DynamicStableScale = true }

// sends checks what the router does with the canary.
func sends(t *testing.T, w *World, weight int32) {
	t.Helper()
	if _, serves, _ := w.Traffic(); serves.Canary.Weight != weight {
		t.Errorf("the router sends %d to the canary, want %d", serves.Canary.Weight, weight)
	}
}

// spoiled counts, from here on, what reaches nobody and what lacks pods, at every change.
type spoiled struct{ unserved, short int32 }

func spoils(w *World) *spoiled {
	s := &spoiled{}
	look := func() {
		s.unserved = max(s.unserved, w.Unserved())
		s.short = max(s.short, w.Short())
	}
	w.Redirected = func(string) { look() }
	w.Resized = func(Resize) { look() }
	w.Repointed = func(Repoint) { look() }
	return s
}

// unspoiled checks that nobody came to an empty house, and that no more pods were missing than may.
func unspoiled(t *testing.T, s *spoiled, short int32) {
	t.Helper()
	if s.unserved > 0 || s.short > short {
		t.Errorf("%d of the traffic reached nobody and %d pods were missing at one moment, want 0 and at most %d", s.unserved, s.short, short)
	}
}

// never is a lag that does not end.
func never() time.Duration { return -1 }

func lag(d time.Duration) func() time.Duration { return func() time.Duration { return d } }

// behindService is the revision a Service names.
func behindService(w *World, name string) string {
	s, _ := w.Service(name)
	return s.Hash
}

// names checks which revision a Service names.
func names(t *testing.T, w *World, service, hash string) {
	t.Helper()
	if got := behindService(w, service); got != hash {
		t.Errorf("Service %s names %q, want %q", service, got, hash)
	}
}
