package simulate

import (
	"testing"
	"time"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
	"sluice.dev/sluice/internal/judge"
)

// TestTroubles tells what went wrong once, or could: each name says what must hold.
func TestTroubles(t *testing.T) {
	tell(t, []story{
		{name: "a template that is broken for a second does not cut the measuring short", tell: func(t *testing.T, w *World, tr *Transcript) {
			w.Work = func(Question) (judge.Sample, time.Duration) { return exit(0), time.Second }
			deploy(t, w, tr)
			w.Answer = func(q Question) judge.Sample {
				if q.N > 1 {
					return number(0.5)
				}
				return number(0.001)
			}
			ship(w, tr, "2")
			pass(t, w, tr, 5*time.Second)
			tr.Say("a typo in the template, for a second")
			w.Invalid = func(*api.Rollout) []string { return []string{`spec.metrics[1].successCondition: does not parse`} }
			pass(t, w, tr, time.Second)
			tr.Say("the typo is gone")
			w.Invalid = nil
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhaseDegraded, "success-rate")
			serves(t, w, 0, 5)
		}},
		{name: "a bad measurement stops the update although the spec has become invalid", tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			w.Answer = func(q Question) judge.Sample {
				if q.N > 1 {
					return number(0.5)
				}
				return number(0.001)
			}
			ship(w, tr, "2")
			pass(t, w, tr, 5*time.Second)
			tr.Say("the spec becomes invalid for good")
			w.Invalid = func(*api.Rollout) []string { return []string{`spec.strategy.canary.steps[3].setWeight: is 400`} }
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhaseDegraded, "")
			if !w.Rollout().Status.Abort {
				t.Error("the update was not aborted")
			}
			serves(t, w, 0, 5)
		}},
		{name: "scaling to nothing in mid-update promotes nobody", tell: func(t *testing.T, w *World, tr *Transcript) {
			w.Apply(func(ro *api.Rollout) { ro.Spec.Strategy.Canary.Steps[1].Pause.Duration = nil })
			deploy(t, w, tr)
			stable := w.Rollout().Status.StableRS
			ship(w, tr, "2")
			pass(t, w, tr, 10*time.Second)
			is(t, w, api.RolloutPhasePaused, "CanaryPauseStep")
			tr.Say("scale to 0 for the night")
			w.Apply(func(ro *api.Rollout) { n := int32(0); ro.Spec.Replicas = &n })
			pass(t, w, tr, time.Hour)
			tr.Say("scale to 5 in the morning")
			w.Apply(func(ro *api.Rollout) { n := int32(5); ro.Spec.Replicas = &n })
			pass(t, w, tr, 10*time.Second)
			is(t, w, api.RolloutPhasePaused, "CanaryPauseStep")
			serves(t, w, 1, 4)
			if got := w.Rollout().Status.StableRS; got != stable {
				t.Errorf("stable is %s now, want %s still", got, stable)
			}
		}},
		{name: "a block that is not supported does not take the way back", tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			w.Work = func(Question) (judge.Sample, time.Duration) { return exit(0), -1 }
			ship(w, tr, "2")
			pass(t, w, tr, 5*time.Second)
			tr.Say("spec.restartAt is set from a dashboard")
			w.Unsupported = func(*api.Rollout) []string { return []string{"spec.restartAt: not supported yet"} }
			pass(t, w, tr, 5*time.Second)
			is(t, w, api.RolloutPhaseDegraded, "spec.restartAt: not supported yet")
			serves(t, w, 1, 4)
			patch(w, tr, "abort", func(s *api.RolloutStatus) { s.Abort = true })
			pass(t, w, tr, 10*time.Second)
			serves(t, w, 0, 5)
		}},
		{name: "a rollout of another controller with a block that is not supported is left as it is", tell: func(t *testing.T, w *World, tr *Transcript) {
			w.Unsupported = func(*api.Rollout) []string { return []string{"spec.strategy.blueGreen: not supported yet"} }
			pass(t, w, tr, time.Minute)
			is(t, w, api.RolloutPhaseDegraded, "spec.strategy.blueGreen: not supported yet")
			if wanted, _ := w.Totals(); wanted != 0 || len(w.sets) != 0 {
				t.Errorf("%d pods and %d ReplicaSets, want none", wanted, len(w.sets))
			}
		}},
		{name: "a stable ReplicaSet that was deleted leaves everything to the new version", tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			stable := w.Rollout().Status.StableRS
			ship(w, tr, "2")
			pass(t, w, tr, 5*time.Second)
			tr.Say("kubectl delete replicaset of the stable revision")
			delete(w.sets, "rollouts-demo-"+stable)
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			serves(t, w, 0, 5)
			decided(t, w, decide.DecidedStableGone, "The stable ReplicaSet rollouts-demo-"+stable+" does not exist any more: revision 2 takes all pods, and there is nothing to go back to.")
		}},
		{name: "an abort without a stable ReplicaSet comes to an end", tell: func(t *testing.T, w *World, tr *Transcript) {
			atPause(t, w, tr)
			tr.Say("kubectl delete replicaset of the stable revision")
			delete(w.sets, "rollouts-demo-"+w.Rollout().Status.StableRS)
			pass(t, w, tr, 10*time.Second)
			is(t, w, api.RolloutPhasePaused, "CanaryPauseStep")
			serves(t, w, 5, 0)
			does(t, w, tr, "abort", abort())
			pass(t, w, tr, time.Minute)
			is(t, w, api.RolloutPhaseDegraded, "There is no stable ReplicaSet to go back to: revision 2 goes on serving.")
			decided(t, w, decide.DecidedAbort, "The update was aborted by hand. There is no stable ReplicaSet to go back to: revision 2 goes on serving.")
			serves(t, w, 5, 0)
			ship(w, tr, "3")
			pass(t, w, tr, 10*time.Second)
			decided(t, w, decide.DecidedStableGone, "The stable ReplicaSet")
			serves(t, w, 5, 0)
		}},
		{name: "a run that was deleted by hand is begun anew and told", tell: func(t *testing.T, w *World, tr *Transcript) {
			atAnalysis(t, w, tr)
			w.Work = func(Question) (judge.Sample, time.Duration) { return exit(0), 30 * time.Second }
			name := w.Rollout().Status.Canary.CurrentStepAnalysisRunStatus.Name
			tr.Say("kubectl delete analysisrun of the step")
			delete(w.runs, name)
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			decided(t, w, decide.DecidedRunLost, "AnalysisRun "+name+" has disappeared before it had a verdict: it is begun anew")
		}},
		{name: "a Job is stopped although the first attempt to delete it was lost", tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			w.Work = func(Question) (judge.Sample, time.Duration) { return exit(0), -1 }
			w.Answer = func(q Question) judge.Sample { return number(float64(q.N - 1)) }
			fate := &loseOnce{}
			w.Fate = fate
			ship(w, tr, "2")
			pass(t, w, tr, time.Minute)
			is(t, w, api.RolloutPhaseDegraded, "RolloutAborted")
			if fate.lost != 1 {
				t.Errorf("%d deletions were lost, want one", fate.lost)
			}
			if n := w.liveJobs(); n != 0 {
				t.Errorf("%d Jobs still run", n)
			}
		}},
	})
}

// loseOnce loses the first deletion of a Job, and nothing else.
type loseOnce struct{ lost int }

func (*loseOnce) Crash() bool  { return false }
func (*loseOnce) Repeat() bool { return false }
func (*loseOnce) Stale() int   { return 0 }
func (l *loseOnce) Lose(action decide.Action) bool {
	if _, ok := action.(decide.JobGone); !ok || l.lost > 0 {
		return false
	}
	l.lost++
	return true
}

// liveJobs counts the Jobs that still run, or may still start, of runs that have ended.
func (w *World) liveJobs() (n int) {
	for _, r := range w.runs {
		if !r.object.Status.Phase.Completed() {
			continue
		}
		for _, j := range r.jobs {
			if j.never || w.Now.Before(j.endsAt) || j.sample.Forced != "" {
				n++
			}
		}
	}
	return n
}
