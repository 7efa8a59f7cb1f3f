package simulate

import (
	"strings"
	"testing"
	"time"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
	"sluice.dev/sluice/internal/judge"
)

// atAnalysis plays to the analysis step of an update to version 2; its Job never ends.
func atAnalysis(t *testing.T, w *World, tr *Transcript) {
	t.Helper()
	deploy(t, w, tr)
	w.Work = func(Question) (judge.Sample, time.Duration) { return exit(0), -1 }
	ship(w, tr, "2")
	pass(t, w, tr, 10*time.Second)
	at(t, w, 2)
}

// atPause plays to the first pause of an update to version 2, which has no duration.
func atPause(t *testing.T, w *World, tr *Transcript) {
	t.Helper()
	w.Apply(func(ro *api.Rollout) { ro.Spec.Strategy.Canary.Steps[1].Pause.Duration = nil })
	deploy(t, w, tr)
	ship(w, tr, "2")
	pass(t, w, tr, 10*time.Second)
	at(t, w, 1)
	is(t, w, api.RolloutPhasePaused, "CanaryPauseStep")
}

// atDoubt plays to an analysis that is inconclusive.
func atDoubt(t *testing.T, w *World, tr *Transcript) {
	t.Helper()
	metricOf(w, "success-rate", func(m *api.Metric) { m.FailureCondition = "result[0] > 0.008" })
	deploy(t, w, tr)
	w.Answer = func(Question) judge.Sample { return number(0.006) }
	ship(w, tr, "2")
	pass(t, w, tr, time.Minute)
	at(t, w, 2)
	is(t, w, api.RolloutPhasePaused, "InconclusiveAnalysisRun")
}

// at checks the index of the step.
func at(t *testing.T, w *World, index int32) {
	t.Helper()
	if got := w.Rollout().Status.CurrentStepIndex; got == nil || *got != index {
		t.Fatalf("step index %v, want %d: %s", got, index, w.Reason().Message)
	}
}

// condition checks status, reason and message of a condition.
func condition(t *testing.T, w *World, kind api.RolloutConditionType, status, reason, message string) {
	t.Helper()
	for _, c := range w.Rollout().Status.Conditions {
		if c.Type != kind {
			continue
		}
		if string(c.Status) != status || c.Reason != reason || c.Message != message {
			t.Errorf("condition %s is %s %s %q, want %s %s %q", kind, c.Status, c.Reason, c.Message, status, reason, message)
		}
		return
	}
	t.Errorf("no condition %s, want %s %s %q", kind, status, reason, message)
}

// decided checks that a decision was kept.
func decided(t *testing.T, w *World, reason, message string) {
	t.Helper()
	for _, made := range w.Rollout().Status.Decisions {
		if made.Reason == reason && strings.HasPrefix(made.Message, message) {
			return
		}
	}
	t.Errorf("decisions %+v, want %s: %s", w.Rollout().Status.Decisions, reason, message)
}

// endedRuns counts the runs of the rollout that have come to an end, and all of them.
func endedRuns(w *World) (ended, all int) {
	for _, r := range w.Runs() {
		all++
		if r.Status.Phase.Completed() {
			ended++
		}
	}
	return ended, all
}

// TestCommands tells every line of the contract's table of control operations, sent exactly as the
// reference's kubectl plugin, Argo CD or kubectl patch send it.
func TestCommands(t *testing.T) {
	tell(t, []story{
		{name: "command abort", tell: func(t *testing.T, w *World, tr *Transcript) {
			atAnalysis(t, w, tr)
			does(t, w, tr, `kubectl patch /status {"status":{"abort":true}}`, abort())
			began := w.Now
			pass(t, w, tr, 10*time.Second)
			is(t, w, api.RolloutPhaseDegraded, "RolloutAborted: Rollout aborted update to revision 2")
			condition(t, w, api.RolloutProgressing, "False", "RolloutAborted", "Rollout aborted update to revision 2")
			s := w.Rollout().Status
			if !s.Abort || s.AbortedAt == nil || !s.AbortedAt.Time.Equal(began) {
				t.Errorf("abort %v at %v, want true at %s", s.Abort, s.AbortedAt, began)
			}
			if len(s.PauseConditions) != 0 || s.ControllerPause {
				t.Errorf("still paused: %v", s.PauseConditions)
			}
			at(t, w, 0)
			serves(t, w, 0, 5)
			if done, all := endedRuns(w); done != all || all != 1 {
				t.Errorf("%d of %d runs ended, want the one there is", done, all)
			}
		}},
		{name: "command abort at a pause clears the pause", tell: func(t *testing.T, w *World, tr *Transcript) {
			atPause(t, w, tr)
			does(t, w, tr, "abort", abort())
			pass(t, w, tr, 10*time.Second)
			is(t, w, api.RolloutPhaseDegraded, "RolloutAborted")
			if s := w.Rollout().Status; len(s.PauseConditions) != 0 || s.ControllerPause {
				t.Errorf("still paused: %v", s.PauseConditions)
			}
			condition(t, w, api.RolloutPaused, "False", "RolloutPaused", "Rollout is resumed")
			serves(t, w, 0, 5)
		}},
		{name: "command abort of a promoted rollout is removed", tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			does(t, w, tr, "abort", abort())
			pass(t, w, tr, 10*time.Second)
			is(t, w, api.RolloutPhaseHealthy, "")
			if w.Rollout().Status.Abort {
				t.Error("the flag is still there")
			}
			serves(t, w, 0, 5)
		}},
		{name: "command retry", tell: func(t *testing.T, w *World, tr *Transcript) {
			atAnalysis(t, w, tr)
			does(t, w, tr, "abort", abort())
			pass(t, w, tr, 10*time.Second)
			w.Work = func(Question) (judge.Sample, time.Duration) { return exit(0), 30 * time.Second }
			does(t, w, tr, `kubectl patch /status {"status":{"abort":false}}`, retry())
			w.Turn()
			condition(t, w, api.RolloutProgressing, "Unknown", "RolloutRetry", "Retrying Rollout after abort")
			at(t, w, 0)
			if s := w.Rollout().Status; s.AbortedAt != nil || !s.Duration.RolloutStartedAt.Time.Equal(w.Now) {
				t.Errorf("aborted at %v, clock since %v, want not and now", s.AbortedAt, s.Duration.RolloutStartedAt)
			}
			pass(t, w, tr, 2*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			name := "rollouts-demo-" + w.Rollout().Status.CurrentPodHash + "-2-2"
			if old, now := w.Runs()[name], w.Runs()[name+".1"]; old == nil || now == nil {
				t.Errorf("runs %v, want the aborted one and .1", w.Runs())
			}
		}},
		{name: "command retry of Argo CD takes the flag away", tell: func(t *testing.T, w *World, tr *Transcript) {
			atAnalysis(t, w, tr)
			does(t, w, tr, "abort", abort())
			pass(t, w, tr, 10*time.Second)
			w.Work = func(Question) (judge.Sample, time.Duration) { return exit(0), 30 * time.Second }
			does(t, w, tr, `Argo CD: retry, {"status":{"abort":null}}`, retryByArgoCD())
			pass(t, w, tr, 2*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
		}},
		{name: "command promote ends a pause", tell: func(t *testing.T, w *World, tr *Transcript) {
			atPause(t, w, tr)
			does(t, w, tr, `promote: {"status":{"pauseConditions":null}}`, promote(w.Rollout())...)
			w.Turn()
			at(t, w, 2)
			if s := w.Rollout().Status; s.ControllerPause || len(s.PauseConditions) != 0 {
				t.Errorf("controllerPause %v, conditions %v, want none", s.ControllerPause, s.PauseConditions)
			}
			pass(t, w, tr, 2*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
		}},
		{name: "command promote of what is not paused skips the running step", tell: func(t *testing.T, w *World, tr *Transcript) {
			atAnalysis(t, w, tr)
			does(t, w, tr, `promote: {"status":{"pauseConditions":null,"currentStepIndex":3}}`, promote(w.Rollout())...)
			pass(t, w, tr, 2*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			if done, all := endedRuns(w); done != all || all != 1 {
				t.Errorf("%d of %d runs ended, want the skipped one", done, all)
			}
			decided(t, w, decide.DecidedStepSkipped, "Step 3/9 (analysis) was skipped by hand: AnalysisRun ")
		}},
		{name: "command promote passes over an inconclusive step", tell: func(t *testing.T, w *World, tr *Transcript) {
			atDoubt(t, w, tr)
			does(t, w, tr, `promote: {"status":{"pauseConditions":null,"controllerPause":false,"currentStepIndex":3}}`, promote(w.Rollout())...)
			pass(t, w, tr, 10*time.Second)
			is(t, w, api.RolloutPhaseHealthy, "")
			if n := len(w.Runs()); n != 1 {
				t.Errorf("%d runs, want the inconclusive one alone", n)
			}
		}},
		{name: "command promote with spec.paused", tell: func(t *testing.T, w *World, tr *Transcript) {
			atPause(t, w, tr)
			does(t, w, tr, "pause", pause())
			pass(t, w, tr, time.Second)
			does(t, w, tr, `promote: {"spec":{"paused":false}} and {"status":{"pauseConditions":null}}`, promote(w.Rollout())...)
			pass(t, w, tr, 2*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
		}},
		{name: "command promote --full", tell: func(t *testing.T, w *World, tr *Transcript) {
			atAnalysis(t, w, tr)
			w.Boot = func(string) time.Duration { return 7 * time.Second }
			does(t, w, tr, `promote --full: {"status":{"promoteFull":true}}`, promoteFullWhileRead(w.Rollout())...)
			pass(t, w, tr, 6*time.Second)
			if s := w.Rollout().Status; s.StableRS == s.CurrentPodHash {
				t.Error("promoted before its pods were available")
			}
			pass(t, w, tr, 20*time.Second)
			is(t, w, api.RolloutPhaseHealthy, "")
			serves(t, w, 0, 5)
			if w.Rollout().Status.PromoteFull {
				t.Error("the flag is still there")
			}
			if done, all := endedRuns(w); done != all || all != 1 {
				t.Errorf("%d of %d runs ended, want the cancelled one", done, all)
			}
		}},
		{name: "command promote --full at a pause of a rollout that is paused by hand", tell: func(t *testing.T, w *World, tr *Transcript) {
			atPause(t, w, tr)
			does(t, w, tr, "pause", pause())
			pass(t, w, tr, time.Second)
			does(t, w, tr, "promote --full", promoteFullWhileRead(w.Rollout())...)
			pass(t, w, tr, 20*time.Second)
			is(t, w, api.RolloutPhaseHealthy, "")
		}},
		{name: "command promote --full of a promoted rollout does nothing", tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			does(t, w, tr, `kubectl patch /status {"status":{"promoteFull":true}}`, promoteFull())
			pass(t, w, tr, 5*time.Second)
			if w.Rollout().Status.PromoteFull {
				t.Error("the flag would skip the next update")
			}
			is(t, w, api.RolloutPhaseHealthy, "")
		}},
		{name: "command promote --full of an aborted rollout does nothing, also after a retry", tell: func(t *testing.T, w *World, tr *Transcript) {
			atAnalysis(t, w, tr)
			does(t, w, tr, "abort", abort())
			pass(t, w, tr, 10*time.Second)
			does(t, w, tr, "promote --full", promoteFull())
			pass(t, w, tr, 10*time.Second)
			is(t, w, api.RolloutPhaseDegraded, "RolloutAborted")
			serves(t, w, 0, 5)
			does(t, w, tr, "retry", retry())
			pass(t, w, tr, 10*time.Second)
			at(t, w, 2)
			serves(t, w, 1, 4)
		}},
		{name: "command promote --skip-all-steps", tell: func(t *testing.T, w *World, tr *Transcript) {
			atPause(t, w, tr)
			does(t, w, tr, `promote --skip-all-steps: {"status":{"pauseConditions":null,"currentStepIndex":9}}`, skipAll(w.Rollout()))
			pass(t, w, tr, 20*time.Second)
			is(t, w, api.RolloutPhaseHealthy, "")
			if n := len(w.Runs()); n != 0 {
				t.Errorf("%d runs, want none", n)
			}
		}},
		{name: "command skip-current-step at a pause skips that pause alone", tell: func(t *testing.T, w *World, tr *Transcript) {
			w.Apply(func(ro *api.Rollout) {
				steps := ro.Spec.Strategy.Canary.Steps
				ro.Spec.Strategy.Canary.Steps = append([]api.CanaryStep{steps[0], {Pause: &api.RolloutPause{}}, {Pause: &api.RolloutPause{}}}, steps[2:]...)
			})
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 10*time.Second)
			at(t, w, 1)
			does(t, w, tr, `Argo CD: skip-current-step, {"status":{"pauseConditions":null,"currentStepIndex":2}}`, skip(w.Rollout()))
			pass(t, w, tr, 10*time.Second)
			at(t, w, 2)
			is(t, w, api.RolloutPhasePaused, "CanaryPauseStep")
		}},
		{name: "command resume of Argo CD", tell: func(t *testing.T, w *World, tr *Transcript) {
			atPause(t, w, tr)
			does(t, w, tr, `Argo CD: resume, {"spec":{"paused":false}} and {"status":{"pauseConditions":null}}`, resume()...)
			pass(t, w, tr, 2*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
		}},
		{name: "command resume measures an inconclusive analysis again", tell: func(t *testing.T, w *World, tr *Transcript) {
			atDoubt(t, w, tr)
			w.Answer = func(Question) judge.Sample { return number(0.001) }
			does(t, w, tr, "Argo CD: resume", resume()...)
			pass(t, w, tr, 2*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			if n := len(w.Runs()); n != 2 {
				t.Errorf("%d runs, want the inconclusive one and another", n)
			}
		}},
		{name: "command pause", tell: func(t *testing.T, w *World, tr *Transcript) {
			atAnalysis(t, w, tr)
			does(t, w, tr, `pause: {"spec":{"paused":true}}`, pause())
			pass(t, w, tr, time.Minute)
			is(t, w, api.RolloutPhasePaused, "manually paused")
			condition(t, w, api.RolloutPaused, "True", "RolloutPaused", "Rollout is paused")
			condition(t, w, api.RolloutProgressing, "Unknown", "RolloutPaused", "Rollout is paused")
			at(t, w, 2)
			serves(t, w, 1, 4)
			does(t, w, tr, "a change of spec.replicas waits, as for every canary that is paused", scale(8))
			pass(t, w, tr, time.Minute)
			serves(t, w, 1, 4)
			does(t, w, tr, "resume", unpause())
			pass(t, w, tr, 10*time.Second)
			serves(t, w, 2, 7)
		}},
		{name: "command resume waits for spec.paused to go", tell: func(t *testing.T, w *World, tr *Transcript) {
			atPause(t, w, tr)
			does(t, w, tr, "pause", pause())
			does(t, w, tr, "kubectl patch /status: the pause of the step is over", clearPause())
			pass(t, w, tr, time.Minute)
			at(t, w, 1)
			is(t, w, api.RolloutPhasePaused, "manually paused")
			does(t, w, tr, "the pause by hand is over too", unpause())
			pass(t, w, tr, 2*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
		}},
		{name: "command set image", tell: func(t *testing.T, w *World, tr *Transcript) {
			atAnalysis(t, w, tr)
			does(t, w, tr, `set image: {"spec":{"template":{"spec":{"containers":[…]}}}}`, setVersion(w.Rollout(), "3"))
			pass(t, w, tr, 10*time.Second)
			at(t, w, 2)
			serves(t, w, 1, 4)
			if got := w.Rollout().Annotations[api.AnnotationRevision]; got != "3" {
				t.Errorf("revision %s, want 3", got)
			}
		}},
		{name: "command undo", tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 2*time.Minute)
			does(t, w, tr, "undo: a JSON patch of /spec/template", undo(t, w, w.born[0]))
			pass(t, w, tr, 10*time.Second)
			at(t, w, 2)
			pass(t, w, tr, 2*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			if s := w.sets["rollouts-demo-"+w.born[0]]; s.Revision != 3 || s.History != "1" {
				t.Errorf("the old ReplicaSet has revision %d and history %q, want 3 and 1", s.Revision, s.History)
			}
		}},
		{name: "command scale", tell: func(t *testing.T, w *World, tr *Transcript) {
			atAnalysis(t, w, tr)
			does(t, w, tr, `scale: {"spec":{"replicas":10}}`, scale(10))
			pass(t, w, tr, 10*time.Second)
			at(t, w, 2)
			serves(t, w, 2, 8)
			does(t, w, tr, "scale to 3", scale(3))
			pass(t, w, tr, 10*time.Second)
			serves(t, w, 1, 3)
			for _, s := range w.sets {
				if s.DesiredReplicas != 3 {
					t.Errorf("%s has desired-replicas %d, want 3", s.Name, s.DesiredReplicas)
				}
			}
		}},
		{name: "command abort that meets a newer template is for the old one", tell: func(t *testing.T, w *World, tr *Transcript) {
			atAnalysis(t, w, tr)
			does(t, w, tr, "set image 3, and abort before the controller has seen it", setVersion(w.Rollout(), "3"), abort())
			pass(t, w, tr, 10*time.Second)
			if s := w.Rollout().Status; s.Abort || s.CurrentPodHash == w.born[1] {
				t.Errorf("abort %v, current %s, want version 3 on its way", s.Abort, s.CurrentPodHash)
			}
			at(t, w, 2)
			serves(t, w, 1, 4)
			if n := decisions(w, decide.DecidedAbort); n != 0 {
				t.Errorf("%d decisions to abort", n)
			}
		}},
	})
}

// decisions counts the decisions with this reason.
func decisions(w *World, reason string) (n int) {
	for _, d := range w.Rollout().Status.Decisions {
		if d.Reason == reason {
			n++
		}
	}
	return n
}
