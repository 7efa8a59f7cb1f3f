package simulate

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
)

// serviced is a world whose first revision A serves and in which Service web exists; a Rollout that names it
// looks at it.
func serviced(t *testing.T) (*World, *rolloutWorld, decide.ServiceSelects) {
	t.Helper()
	w := seed(t)
	deploy(t, w, NewTranscript(w))
	w.CreateService("web")
	w.Apply(func(ro *api.Rollout) {
		ro.Spec.Strategy = api.RolloutStrategy{BlueGreen: &api.BlueGreenStrategy{ActiveService: "web", PreviewService: "none"}}
	})
	hash := w.Rollout().Status.StableRS
	p := &rolloutWorld{w: w}
	in, err := p.Observe(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]decide.Service{"web": {Name: "web"}}, in.Observed.Services); diff != "" {
		t.Fatalf("what is seen of the Services (-want +got):\n%s", diff)
	}
	return w, p, decide.ServiceSelects{Service: "web", To: hash, Relies: []decide.Capacity{{ReplicaSet: "rollouts-demo-" + hash, Available: 5}}}
}

func TestAServiceIsRepointedAndGivenBack(t *testing.T) {
	w, p, selects := serviced(t)
	var told []Repoint
	w.Repointed = func(r Repoint) { told = append(told, r) }
	if err := p.Act(context.Background(), selects); err != nil {
		t.Fatal(err)
	}
	want := decide.Service{Name: "web", Hash: selects.To, ManagedBy: "rollouts-demo"}
	if got, _ := w.Service("web"); got != want {
		t.Errorf("the Service is %+v, want %+v", got, want)
	}
	again := &rolloutWorld{w: w}
	if _, err := again.Observe(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := again.Act(context.Background(), decide.ServiceSelects{Service: "web", From: selects.To}); err != nil {
		t.Fatal(err)
	}
	if got, _ := w.Service("web"); got != (decide.Service{Name: "web"}) {
		t.Errorf("a Service that was given back is %+v", got)
	}
	if diff := cmp.Diff([]Repoint{
		{Service: "web", To: selects.To, Replicas: 5, Before: 5, After: 5},
		{Service: "web", From: selects.To, Replicas: 5, Before: 5, After: 5},
	}, told); diff != "" {
		t.Errorf("what was told (-want +got):\n%s", diff)
	}
}

func TestAServiceIsNotRepointedOnWhatIsNotTrueAnyMore(t *testing.T) {
	cases := map[string]func(*World, string){
		"somebody has edited it since":  func(w *World, _ string) { w.EditService("web", func(s *decide.Service) { s.ManagedBy = "other" }) },
		"somebody has deleted it since": func(w *World, _ string) { w.DeleteService("web") },
		"somebody has made another one of its name since": func(w *World, _ string) {
			w.DeleteService("web")
			w.CreateService("web")
		},
		"what it relies on serves no more": func(w *World, hash string) {
			w.Break(hash, 1)
			w.node()
		},
	}
	for name, happens := range cases {
		t.Run(name, func(t *testing.T) {
			w, p, selects := serviced(t)
			happens(w, selects.To)
			w.Repointed = func(r Repoint) { t.Errorf("re-pointed: %+v", r) }
			if err := p.Act(context.Background(), selects); !errors.Is(err, ErrConflict) {
				t.Errorf("the answer is %v, want a conflict", err)
			}
		})
	}
}

func TestAServiceThatSelectsEverythingIsServedByAllPods(t *testing.T) {
	w, _, selects := serviced(t)
	if n := w.Serving("web"); n != 5 {
		t.Errorf("%d pods answer for the Service, want all 5", n)
	}
	w.EditService("web", func(s *decide.Service) { s.Hash = "gone" })
	if n := w.Serving("web"); n != 0 {
		t.Errorf("%d pods answer for a revision that does not exist", n)
	}
	w.EditService("web", func(s *decide.Service) { s.Hash = selects.To })
	if n := w.Serving("web"); n != 5 {
		t.Errorf("%d pods answer for the Service, want the 5 of its revision", n)
	}
}
