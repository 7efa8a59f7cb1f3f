package engine_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice.dev/sluice/internal/decide"
	"sluice.dev/sluice/internal/engine"
)

// world is an engine.World that keeps a diary of what was asked of it.
type world struct {
	diary   []string
	status  string
	unseen  error            // Observe fails with it
	refusal error            // Save fails with it
	failing map[string]error // by name: Act fails with it
}

func (w *world) Observe(context.Context) (string, error) { return w.status, w.unseen }
func (w *world) Same(status string) bool                 { return status == w.status }

func (w *world) Save(_ context.Context, status string) error {
	w.diary = append(w.diary, "save "+status)
	if w.refusal == nil {
		w.status = status
	}
	return w.refusal
}

func (w *world) Tell(events []decide.Event) {
	for _, e := range events {
		w.diary = append(w.diary, "tell "+e.Reason)
	}
}

func (w *world) Act(_ context.Context, action decide.Action) error {
	name := nameOf(action)
	w.diary = append(w.diary, "act "+name)
	return w.failing[name]
}

func nameOf(action decide.Action) string {
	switch a := action.(type) {
	case decide.ReplicaSetExists:
		return "exists " + a.Name
	case decide.ReplicaSetWants:
		return "wants " + a.Name
	case decide.ReplicaSetGone:
		return "gone " + a.Name
	case decide.RunExists:
		return "run " + a.Name
	case decide.RunStopped:
		return "stop " + a.Name
	}
	return "?"
}

func TestPass(t *testing.T) {
	noon := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	broken := errors.New("broken")
	all := []decide.Action{ // on purpose not in the order of the chains
		decide.ReplicaSetGone{Name: "old"},
		decide.RunExists{Name: "r1"},
		decide.ReplicaSetExists{Name: "new"},
		decide.RunStopped{Name: "r0"},
		decide.ReplicaSetWants{Name: "new"},
	}
	updated := []decide.Event{{Reason: "Updated"}}
	cases := []struct {
		name  string
		world world
		plan  decide.Plan[string]
		diary []string
		again time.Time
		fails error
	}{
		{
			name:  "nothing to save and nothing to do makes no request",
			world: world{status: "a"},
			plan:  decide.Plan[string]{Status: "a", Again: noon, Events: updated},
			again: noon,
		},
		{
			name:  "a new status is saved before people hear of it and before anything is done, safety first",
			world: world{status: "a"},
			plan:  decide.Plan[string]{Status: "b", Actions: all, Events: updated, Again: noon},
			diary: []string{"save b", "tell Updated", "act exists new", "act wants new", "act run r1", "act stop r0", "act gone old"},
			again: noon,
		},
		{
			name:  "an unchanged status is saved too when there is something to do, so that a stale view is refused",
			world: world{status: "a"},
			plan:  decide.Plan[string]{Status: "a", Actions: all[:1]},
			diary: []string{"save a", "act gone old"},
		},
		{
			name:  "a refused save ends the pass: nobody is told and nothing is done",
			world: world{status: "a", refusal: broken},
			plan:  decide.Plan[string]{Status: "b", Actions: all, Events: updated, Again: noon},
			diary: []string{"save b"},
			fails: broken,
		},
		{
			name:  "a failed action ends its own chain only",
			world: world{status: "a", failing: map[string]error{"exists new": broken}},
			plan:  decide.Plan[string]{Status: "b", Actions: all, Again: noon},
			diary: []string{"save b", "act exists new", "act run r1", "act stop r0", "act gone old"},
			again: noon,
			fails: broken,
		},
		{
			name:  "a failure to measure does not keep house-keeping from its work",
			world: world{status: "a", failing: map[string]error{"run r1": broken}},
			plan:  decide.Plan[string]{Status: "b", Actions: all},
			diary: []string{"save b", "act exists new", "act wants new", "act run r1", "act gone old"},
			fails: broken,
		},
		{
			name:  "what cannot be observed is not decided on",
			world: world{status: "a", unseen: broken},
			plan:  decide.Plan[string]{Status: "b", Actions: all},
			fails: broken,
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := c.world
			asked := 0
			again, err := engine.Pass(t.Context(), &w, func(string) decide.Plan[string] { asked++; return c.plan })
			if !errors.Is(err, c.fails) {
				t.Errorf("error is %v, want %v", err, c.fails)
			}
			if !again.Equal(c.again) {
				t.Errorf("looks again at %v, want %v", again, c.again)
			}
			if diff := cmp.Diff(c.diary, w.diary); diff != "" {
				t.Errorf("what happened (-want +got):\n%s", diff)
			}
			if c.world.unseen != nil && asked > 0 {
				t.Error("decided without an observation")
			}
		})
	}
}

func TestEveryFailureIsReported(t *testing.T) {
	first, second := errors.New("first"), errors.New("second")
	w := &world{failing: map[string]error{"wants a": first, "run r": second}}
	_, err := engine.Pass(t.Context(), w, func(string) decide.Plan[string] {
		return decide.Plan[string]{Actions: []decide.Action{decide.ReplicaSetWants{Name: "a"}, decide.RunExists{Name: "r"}}}
	})
	if !errors.Is(err, first) || !errors.Is(err, second) {
		t.Errorf("error is %v, want both %v and %v", err, first, second)
	}
}
