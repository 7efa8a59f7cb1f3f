package simulate

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/judge"
)

// released brings up to the given version by full promotions, a minute each.
func released(t *testing.T, w *World, tr *Transcript, versions ...string) {
	t.Helper()
	deploy(t, w, tr)
	for _, version := range versions {
		ship(w, tr, version)
		w.Settle()
		does(t, w, tr, "promote --full", promoteFull())
		pass(t, w, tr, time.Minute)
	}
	is(t, w, api.RolloutPhaseHealthy, "")
}

// window is the seed with a rollbackWindow of so many revisions.
func window(revisions int32) func(testing.TB) *World {
	return func(t testing.TB) *World {
		w := seed(t)
		w.Apply(func(ro *api.Rollout) { ro.Spec.RollbackWindow = &api.RollbackWindowSpec{Revisions: revisions} })
		return w
	}
}

// cameToItsEnd checks how the record of the last update ended, and how many runs there ever were.
func cameToItsEnd(t *testing.T, w *World, how api.CompletionStatus, runs int) {
	t.Helper()
	if d := w.Rollout().Status.Duration; d == nil || d.FinishedAt == nil || d.CompletionStatus != how {
		t.Errorf("the update ended as %+v, want %s", d, how)
	}
	if n := len(w.Runs()); n != runs {
		t.Errorf("%d runs, want %d", n, runs)
	}
}

func TestRollbackStories(t *testing.T) {
	tell(t, []story{
		{name: "C20 a fast rollback measures nothing", in: window(1), tell: func(t *testing.T, w *World, tr *Transcript) {
			background(w, true)
			released(t, w, tr, "2")
			w.Answer = func(Question) judge.Sample { return number(1) } // whatever is measured now is bad
			ship(w, tr, "triggering-rollout-test-1")
			pass(t, w, tr, time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			serves(t, w, 0, 5)
			cameToItsEnd(t, w, api.CompletionFastRolledBack, 1) // that of version 2
		}},
		{name: "a rollback beyond the window takes all steps", in: window(1), tell: func(t *testing.T, w *World, tr *Transcript) {
			released(t, w, tr, "2", "3")
			ship(w, tr, "triggering-rollout-test-1")
			pass(t, w, tr, 20*time.Second)
			serves(t, w, 1, 4)
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			cameToItsEnd(t, w, api.CompletionPromoted, 1)
		}},
		{name: "a fast rollback in mid-update replaces the update and goes on with its record", in: window(1), tell: func(t *testing.T, w *World, tr *Transcript) {
			released(t, w, tr, "2")
			ship(w, tr, "3")
			pass(t, w, tr, 20*time.Second)
			began := w.Rollout().Status.Duration.RolloutStartedAt
			ship(w, tr, "triggering-rollout-test-1")
			pass(t, w, tr, time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			serves(t, w, 0, 5)
			cameToItsEnd(t, w, api.CompletionFastRolledBack, 1)
			if now := w.Rollout().Status.Duration.RolloutStartedAt; !now.Equal(began) {
				t.Errorf("the record begins at %s, the update it ends began at %s", now, began)
			}
		}},
		{name: "a fast rollback of pods that never serve keeps what serves and can be aborted", in: window(1), tell: func(t *testing.T, w *World, tr *Transcript) {
			released(t, w, tr, "2")
			back := w.born[0]
			w.Boot = func(hash string) time.Duration {
				if hash == back {
					return -1
				}
				return time.Second
			}
			ship(w, tr, "triggering-rollout-test-1")
			pass(t, w, tr, time.Minute)
			if _, up := w.Totals(); up < 4 {
				t.Errorf("%d of 5 pods serve", up)
			}
			does(t, w, tr, "abort", abort())
			pass(t, w, tr, time.Minute)
			is(t, w, api.RolloutPhaseDegraded, "RolloutAborted")
			serves(t, w, 0, 5)
			does(t, w, tr, "retry", retry())
			w.Boot = func(string) time.Duration { return time.Second }
			pass(t, w, tr, 5*time.Second)
			released := w.Rollout().Status
			if released.AbortedAt != nil || *released.CurrentStepIndex != 9 {
				t.Errorf("after the retry: %+v", released)
			}
		}},
		{name: "a window that is opened in mid-rollback skips what is left", tell: func(t *testing.T, w *World, tr *Transcript) {
			released(t, w, tr, "2")
			ship(w, tr, "triggering-rollout-test-1")
			pass(t, w, tr, 10*time.Second)
			serves(t, w, 1, 4)
			tr.Say("kubectl patch: rollbackWindow 3")
			w.Apply(func(ro *api.Rollout) { ro.Spec.RollbackWindow = &api.RollbackWindowSpec{Revisions: 3} })
			pass(t, w, tr, time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			cameToItsEnd(t, w, api.CompletionPromoted, 1)
		}},
	})
}

// Window lets rollbacks skip steps, or not.
func (h *history) Window(t *rapid.T) {
	n := rapid.Int32Range(0, 3).Draw(t, "revisions")
	h.w.Apply(func(ro *api.Rollout) { ro.Spec.RollbackWindow = &api.RollbackWindowSpec{Revisions: n} })
	h.turn(1)
}
