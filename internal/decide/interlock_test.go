package decide

import (
	"testing"
	"time"

	api "sluice.dev/sluice/api/v1alpha1"
)

func TestInterlock(t *testing.T) {
	s := func(wanted, available int32) *sizes { return &sizes{wanted, available} }
	cases := []struct {
		name                       string
		canary, stable             *sizes // now
		toCanary, toStable         int32
		heldAtCanary, heldAtStable int32
	}{
		{"one may be missing", s(0, 0), s(5, 5), 1, 4, 1, 4},
		{"two may not", s(1, 0), s(5, 5), 1, 3, 1, 4},
		{"pods that do not serve may always go", s(2, 2), s(3, 1), 2, 2, 2, 2},
		{"what serves stays while there is too little", s(2, 2), s(3, 1), 1, 3, 2, 3},
		{"both sides at once are counted together", s(3, 3), s(2, 2), 2, 1, 2, 2},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			now := fleet{canary: c.canary, stable: c.stable}
			next := fleet{canary: s(c.toCanary, 0), stable: s(c.toStable, 0)}
			got := interlock(now, next, 4)
			if got.canary.wanted != c.heldAtCanary || got.stable.wanted != c.heldAtStable {
				t.Errorf("%d/%d, want %d/%d", got.canary.wanted, got.stable.wanted, c.heldAtCanary, c.heldAtStable)
			}
		})
	}
}

// TestAnInvalidSpecDoesNotKeepTheStablePodsFromComingBack: the canary stays as it is, and the stable side gets what
// lacks.
func TestAnInvalidSpecDoesNotKeepTheStablePodsFromComingBack(t *testing.T) {
	s := newScene()
	s.replicas(8)
	s.Observed.Invalid = []string{"spec.strategy.canary.steps[0].setWeight: is 200"}
	sizes := stated[ReplicaSetWants](Rollout(s.RolloutInput))
	if len(sizes) != 1 || sizes[0].Name != s.stable().Name || sizes[0].To != 7 {
		t.Errorf("sizes %+v, want 7 stable pods beside the one of the canary", sizes)
	}
}

// TestOldPodsStayAsFarAsNewOnesAreMissing: their time is over, but one pod of four serves of the version that has
// taken their place, and one of four may be missing.
func TestOldPodsStayAsFarAsNewOnesAreMissing(t *testing.T) {
	s := newScene()
	s.routed(0, 0)
	s.promoted()
	s.Observed.Services["old"] = Service{Name: "old", Hash: s.fresh().Hash, ManagedBy: "web"}
	s.Observed.ReplicaSets[1].ScaleDownAt = noon.Add(-time.Second)
	s.pods(4, 4)
	s.fresh().Ready, s.fresh().Available = 1, 1
	sizes := stated[ReplicaSetWants](Rollout(s.RolloutInput))
	if len(sizes) != 1 || sizes[0].Name != s.Observed.ReplicaSets[1].Name || sizes[0].To != 2 {
		t.Errorf("sizes %+v, want 2 of the old pods beside the one that serves", sizes)
	}
}

// TestAServiceThatIsNamedNoMoreKeepsItsPods: it took all requests once, and nobody has given it back.
func TestAServiceThatIsNamedNoMoreKeepsItsPods(t *testing.T) {
	s := newScene()
	s.promoted()
	s.pods(4, 4)
	former := []Service{{Name: "live", Hash: s.Observed.ReplicaSets[1].Hash, ManagedBy: "web"}}
	for _, c := range []struct {
		former []Service
		want   int32
	}{{former, 3}, {nil, 0}} {
		s.Observed.Former = c.former
		sizes := stated[ReplicaSetWants](Rollout(s.RolloutInput))
		if len(sizes) != 1 || sizes[0].Name != s.Observed.ReplicaSets[1].Name || sizes[0].To != c.want {
			t.Errorf("sizes %+v, want %d of the old pods where %d Services lead to them", sizes, c.want, len(c.former))
		}
		if seen := sizes[0].Sees.Services["live"]; c.former != nil && seen != c.former[0].Hash {
			t.Errorf("the size stands on Service live naming %q, want %q", seen, c.former[0].Hash)
		}
	}
}

// TestNobodyIsLedToACanaryWithoutPods: a managed route goes as soon as nobody serves where it leads.
func TestNobodyIsLedToACanaryWithoutPods(t *testing.T) {
	s := newScene()
	s.routed(25, 25)
	header := &api.SetHeaderRoute{Name: "testers", Match: []api.HeaderRoutingMatch{{HeaderName: "tester", HeaderValue: &api.StringMatch{Exact: "yes"}}}}
	s.canary().Steps[1] = api.CanaryStep{SetHeaderRoute: header}
	s.canary().TrafficRouting.ManagedRoutes = []api.ManagedRoutes{{Name: "testers"}}
	s.rehash()
	s.step(1)
	for _, there := range []int32{1, 0} {
		s.fresh().Available = there
		told := stated[TrafficSplits](Rollout(s.RolloutInput))
		if len(told) != 1 || len(told[0].Want.Routes) != int(there) {
			t.Errorf("with %d pods the router is told %+v, want %d routes", there, told, there)
		}
	}
}
