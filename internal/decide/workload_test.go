package decide

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	api "sluice.dev/sluice/api/v1alpha1"
)

// takingOver is the scene promoted, with a Deployment that has so many pods of its own left of before.
func (s *scene) takingOver(mode api.ScaleDownMode, left, before int32) {
	s.promoted()
	s.Rollout.Spec.WorkloadRef = &api.ObjectRef{APIVersion: "apps/v1", Kind: "Deployment", Name: "shop", ScaleDown: mode}
	s.Rollout.Finalizers = []string{api.FinalizerRestoreWorkload}
	w := &Workload{Kind: "Deployment", Name: "shop", Scales: true, Wanted: left, Available: left, Observed: true}
	if left < before {
		w.Before, w.Set = before, left
	}
	s.Observed.Workload = w
}

// exchanges lists what a plan makes of the Deployment, with what that relies on.
func exchanges(p Plan[api.RolloutStatus]) (all []string) {
	for _, a := range stated[WorkloadWants](p) {
		text := fmt.Sprintf("%d to %d", a.From, a.To)
		for _, c := range a.Relies {
			text += fmt.Sprintf(", on %d", c.Available)
		}
		all = append(all, text)
	}
	return all
}

func TestADeploymentGivesUpItsPodsWhenOthersServe(t *testing.T) {
	tests := []struct {
		name   string
		change func(*scene)
		want   []string
	}{
		{"all of the Rollout's serve", func(*scene) {}, []string{"4 to 0, on 4"}},
		{"one does not", func(s *scene) { s.fresh().Available = 3 }, nil},
		{"the Rollout could be deleted without giving them back", func(s *scene) { s.Rollout.Finalizers = nil }, nil},
		{"the Service does not lead to them yet", func(s *scene) {
			s.canary().StableService = "web"
			s.Observed.Services = map[string]Service{"web": {Name: "web", Hash: s.stable().Hash, ManagedBy: "somebody"}}
		}, nil},
		{"no pods are wanted", func(s *scene) { s.replicas(0) }, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newScene()
			s.takingOver(api.ScaleDownOnSuccess, 4, 4)
			test.change(s)
			if diff := cmp.Diff(test.want, exchanges(Rollout(s.RolloutInput))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestAFirstRevisionTakesOverPodByPod: so many that together there are never fewer than there should be, of R pods that
// the Rollout wants, B that the Deployment had and S that serve of the Rollout.
func TestAFirstRevisionTakesOverPodByPod(t *testing.T) {
	for _, c := range []struct{ r, b, left, s, want int32 }{
		{5, 5, 5, 0, 5}, {5, 5, 5, 1, 4}, {5, 5, 4, 3, 2}, {5, 5, 2, 5, 0}, {5, 5, 2, 1, 4},
		{5, 3, 3, 2, 3}, {5, 3, 3, 4, 1}, {5, 3, 1, 5, 0},
		{5, 8, 8, 2, 6}, {5, 8, 6, 4, 4}, {5, 8, 4, 5, 0},
	} {
		t.Run(fmt.Sprintf("R %d, B %d, S %d, %d left", c.r, c.b, c.s, c.left), func(t *testing.T) {
			s := newScene()
			s.takingOver(api.ScaleDownProgressively, c.left, c.b)
			s.replicas(c.r)
			s.Observed.ReplicaSets = s.Observed.ReplicaSets[:1]
			rs := s.fresh()
			rs.Revision, rs.Wanted, rs.Replicas, rs.Ready, rs.Available = 1, c.r, c.r, c.s, c.s
			got := c.left
			for _, a := range stated[WorkloadWants](Rollout(s.RolloutInput)) {
				got = a.To
			}
			if got != c.want {
				t.Errorf("%d pods are left to the Deployment, want %d", got, c.want)
			}
		})
	}
}

// TestADeletionWaitsForNobody: to hold a Rollout comes before its pods move, to let it go is not kept up by anything.
func TestADeletionWaitsForNobody(t *testing.T) {
	if held, free := (RolloutHeld{Held: true}).Chain(), (RolloutHeld{}).Chain(); held != Safety || free != Housekeeping {
		t.Errorf("held in chain %d, let go in chain %d", held, free)
	}
}
