package simulate

import (
	"testing"
	"time"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/judge"
)

func TestDurationTellsHowLongAnUpdateTookAndHowItEnded(t *testing.T) {
	tests := []struct {
		name string
		play func(*testing.T, *World, *Transcript)
		want api.CompletionStatus
		took time.Duration
		wait int64
	}{
		{"a first deploy is promoted when its pods serve", func(*testing.T, *World, *Transcript) {}, api.CompletionPromoted, time.Second, 0},
		{"a good update is promoted", func(t *testing.T, w *World, tr *Transcript) {
			ship(w, tr, "2")
			pass(t, w, tr, 3*time.Minute)
		}, api.CompletionPromoted, 48 * time.Second, 0},
		{"a bad update is aborted", func(t *testing.T, w *World, tr *Transcript) {
			w.Answer = func(Question) judge.Sample { return number(1) }
			ship(w, tr, "2")
			pass(t, w, tr, 3*time.Minute)
		}, api.CompletionAborted, 2 * time.Second, 0},
		{"a full promotion is fast, and a manual pause before it is counted", func(t *testing.T, w *World, tr *Transcript) {
			ship(w, tr, "2")
			w.Apply(func(ro *api.Rollout) { ro.Spec.Paused = true })
			pass(t, w, tr, 30*time.Second)
			w.Apply(func(ro *api.Rollout) { ro.Spec.Paused = false; ro.Status.PromoteFull = true })
			pass(t, w, tr, time.Minute)
		}, api.CompletionFastPromoted, 32 * time.Second, 30},
		{"going back to stable ends the same update", func(t *testing.T, w *World, tr *Transcript) {
			ship(w, tr, "2")
			pass(t, w, tr, 20*time.Second)
			ship(w, tr, "triggering-rollout-test-1")
			pass(t, w, tr, 20*time.Second)
		}, api.CompletionRolledBack, 20 * time.Second, 0},
		{"another version that comes in between has a clock of its own", func(t *testing.T, w *World, tr *Transcript) {
			ship(w, tr, "2")
			pass(t, w, tr, 20*time.Second)
			ship(w, tr, "3")
			pass(t, w, tr, 3*time.Minute)
		}, api.CompletionPromoted, 48 * time.Second, 0},
		{"a change of the size changes nothing", func(t *testing.T, w *World, tr *Transcript) {
			ship(w, tr, "2")
			pass(t, w, tr, 3*time.Minute)
			does(t, w, tr, "scale", scale(9))
			pass(t, w, tr, time.Minute)
		}, api.CompletionPromoted, 48 * time.Second, 0},
		{"a retry starts the clock anew", func(t *testing.T, w *World, tr *Transcript) {
			ship(w, tr, "2")
			pass(t, w, tr, 20*time.Second)
			does(t, w, tr, "abort", abort())
			pass(t, w, tr, time.Minute)
			does(t, w, tr, "retry", retry())
			pass(t, w, tr, 3*time.Minute)
		}, api.CompletionPromoted, 48 * time.Second, 0},
		{"a pause step without a duration waits for people", func(t *testing.T, w *World, tr *Transcript) {
			w.Apply(func(ro *api.Rollout) { ro.Spec.Strategy.Canary.Steps[1].Pause.Duration = nil })
			ship(w, tr, "2")
			pass(t, w, tr, 31*time.Second)
			does(t, w, tr, "promote", promote(w.Rollout())...)
			pass(t, w, tr, 3*time.Minute)
		}, api.CompletionPromoted, 77 * time.Second, 30},
		{"an inconclusive analysis waits for people", func(t *testing.T, w *World, tr *Transcript) {
			judged(w, "result[0] <= 0.004", "result[0] > 0.008")
			w.Work = func(Question) (judge.Sample, time.Duration) { return exit(0), time.Second }
			w.Answer = says(number(0.006))
			ship(w, tr, "2")
			pass(t, w, tr, 32*time.Second)
			does(t, w, tr, "promote", promote(w.Rollout())...)
			pass(t, w, tr, time.Minute)
		}, api.CompletionPromoted, 38 * time.Second, 30},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := seed(t)
			tr := NewTranscript(w)
			deploy(t, w, tr)
			test.play(t, w, tr)
			got := w.Rollout().Status.Duration
			if got == nil || got.FinishedAt == nil {
				t.Fatalf("the clock still runs: %+v\n%s", got, tr)
			}
			if got.CompletionStatus != test.want || got.FinishedAt.Sub(got.RolloutStartedAt.Time) != test.took || got.TotalManualPauseDurationSeconds != test.wait {
				t.Errorf("%s after %s with %d s of waiting for people, want %s after %s with %d s", got.CompletionStatus,
					got.FinishedAt.Sub(got.RolloutStartedAt.Time), got.TotalManualPauseDurationSeconds, test.want, test.took, test.wait)
			}
		})
	}
}
