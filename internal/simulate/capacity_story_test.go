package simulate

import (
	"testing"
	"time"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
	"sluice.dev/sluice/internal/judge"
)

// fewest follows how few pods served after any change of a size from now on.
func fewest(w *World) *int32 {
	_, n := w.Totals()
	w.Resized = func(r Resize) { n = min(n, r.ServingAfter) }
	return &n
}

// neverUp lets pods of new revisions boot for ever.
func neverUp(w *World) {
	old := w.Rollout().Status.StableRS
	w.Boot = func(hash string) time.Duration {
		if hash == old {
			return time.Second
		}
		return -1
	}
}

// TestCapacityStories tells the failure stories of the series A and B: pods that serve are not taken away,
// and what has gone wrong can be taken back.
func TestCapacityStories(t *testing.T) {
	tell(t, []story{
		{name: "A14 sync lowers replicas and changes the template together", tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			does(t, w, tr, "the autoscaler has set 3", scale(3))
			pass(t, w, tr, 10*time.Second)
			served := fewest(w)
			does(t, w, tr, "git says version 2 and 2 replicas", setVersion(w.Rollout(), "2"), scale(2))
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			serves(t, w, 0, 2)
			if *served < 2 {
				t.Errorf("%d pods served at one moment, want 2 at least", *served)
			}
		}},
		{name: "A15 an autoscaler in mid-steps keeps the ratio and promotes nobody", tell: func(t *testing.T, w *World, tr *Transcript) {
			w.Apply(func(ro *api.Rollout) { n := int32(10); ro.Spec.Replicas = &n })
			atPause(t, w, tr)
			served := fewest(w)
			serves(t, w, 2, 8)
			does(t, w, tr, "the autoscaler sets 20", scale(20))
			pass(t, w, tr, time.Minute)
			at(t, w, 1)
			is(t, w, api.RolloutPhasePaused, "CanaryPauseStep")
			serves(t, w, 4, 16)
			does(t, w, tr, "the autoscaler sets 5", scale(5))
			pass(t, w, tr, time.Minute)
			at(t, w, 1)
			serves(t, w, 1, 4)
			if *served < 4 {
				t.Errorf("%d pods served at one moment, want 4 at least", *served)
			}
		}},
		{name: "A16 an abort with nothing to abort", tell: func(t *testing.T, w *World, tr *Transcript) {
			w.Apply(func(ro *api.Rollout) { n := int32(7); ro.Spec.Replicas = &n })
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			served := fewest(w)
			does(t, w, tr, "abort", abort())
			pass(t, w, tr, time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			serves(t, w, 0, 7)
			if *served != 7 || w.Rollout().Status.Abort {
				t.Errorf("%d pods served, abort %v, want 7 and no flag", *served, w.Rollout().Status.Abort)
			}
		}},
		{name: "B7 abort of a rollout that is paused by hand while its analysis succeeds", tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 10*time.Second)
			does(t, w, tr, "pause", pause())
			pass(t, w, tr, time.Minute)
			is(t, w, api.RolloutPhasePaused, "manually paused")
			for name, r := range w.Runs() {
				if r.Status.Phase != api.AnalysisPhaseSuccessful {
					t.Errorf("run %s is %s, want Successful by now", name, r.Status.Phase)
				}
			}
			does(t, w, tr, "abort", abort())
			pass(t, w, tr, 10*time.Second)
			is(t, w, api.RolloutPhaseDegraded, "RolloutAborted")
			serves(t, w, 0, 5)
			does(t, w, tr, "resume changes nothing about that", resume()...)
			pass(t, w, tr, time.Minute)
			is(t, w, api.RolloutPhaseDegraded, "RolloutAborted")
			serves(t, w, 0, 5)
		}},
		{name: "B8 retry does not see the old failed run", tell: func(t *testing.T, w *World, tr *Transcript) {
			none := int32(0)
			w.Apply(func(ro *api.Rollout) {
				ro.Spec.Analysis = &api.AnalysisRunStrategy{UnsuccessfulRunHistoryLimit: &none, SuccessfulRunHistoryLimit: &none}
			})
			deploy(t, w, tr)
			w.Answer = func(Question) judge.Sample { return number(0.5) }
			ship(w, tr, "2")
			pass(t, w, tr, time.Minute)
			is(t, w, api.RolloutPhaseDegraded, "0.5")
			w.Answer = func(Question) judge.Sample { return number(0.001) }
			does(t, w, tr, "retry; no run is kept as history, so the name of the failed one is free", retry())
			pass(t, w, tr, 10*time.Second)
			name := "rollouts-demo-" + w.Rollout().Status.CurrentPodHash + "-2-2"
			if run := w.Runs()[name]; run == nil || run.Annotations["sluice.dev/attempt"] != "1" {
				t.Errorf("run %s is %+v, want one of the second attempt", name, run)
			}
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
		}},
		{name: "B9 retry scales the canary", tell: func(t *testing.T, w *World, tr *Transcript) {
			atAnalysis(t, w, tr)
			does(t, w, tr, "abort", abort())
			pass(t, w, tr, 10*time.Second)
			serves(t, w, 0, 5)
			does(t, w, tr, "retry", retry())
			pass(t, w, tr, 10*time.Second)
			at(t, w, 2)
			serves(t, w, 1, 4)
		}},
		{name: "B14 a stable version that was never healthy is replaced", tell: func(t *testing.T, w *World, tr *Transcript) {
			w.Apply(func(ro *api.Rollout) { n := int32(10); ro.Spec.Replicas = &n })
			w.Boot = func(string) time.Duration { return -1 }
			deploy(t, w, tr)
			serves(t, w, 0, 0)
			w.Boot = func(string) time.Duration { return time.Second }
			ship(w, tr, "2")
			pass(t, w, tr, 5*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			serves(t, w, 0, 10)
		}},
		{name: "B15 abort needs nothing from a canary that crashes", tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			neverUp(w)
			ship(w, tr, "2")
			pass(t, w, tr, time.Minute)
			serves(t, w, 0, 4)
			does(t, w, tr, "abort", abort())
			pass(t, w, tr, 2*time.Second)
			is(t, w, api.RolloutPhaseDegraded, "RolloutAborted")
			serves(t, w, 0, 5)
		}},
		{name: "B20 a second broken release runs out of time by itself", tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			neverUp(w)
			ship(w, tr, "2")
			pass(t, w, tr, 11*time.Minute)
			is(t, w, api.RolloutPhaseDegraded, "ProgressDeadlineExceeded")
			ship(w, tr, "3")
			pass(t, w, tr, 9*time.Minute)
			is(t, w, api.RolloutPhaseProgressing, "")
			pass(t, w, tr, 2*time.Minute)
			is(t, w, api.RolloutPhaseDegraded, "ProgressDeadlineExceeded")
			serves(t, w, 0, 4)
		}},
		{name: "B22 a node that is lost after the promotion aborts nothing", tell: func(t *testing.T, w *World, tr *Transcript) {
			w.Apply(func(ro *api.Rollout) { ro.Spec.ProgressDeadlineAbort = true })
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 2*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			tr.Say("a node dies with 2 pods, and there is no room for new ones")
			boot := w.Boot
			w.Boot = func(string) time.Duration { return -1 }
			w.LosePods(w.Rollout().Status.StableRS, 2)
			pass(t, w, tr, time.Hour)
			if s := w.Rollout().Status; s.Abort || s.Phase == api.RolloutPhaseDegraded {
				t.Errorf("%s %s", s.Phase, s.Message)
			}
			serves(t, w, 0, 3)
			tr.Say("the other nodes die too, and new ones come")
			w.Boot = boot
			w.LosePods(w.Rollout().Status.StableRS, 5)
			pass(t, w, tr, time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			serves(t, w, 0, 5)
		}},
		{name: "B23 an aborted update does not go on by itself", tell: func(t *testing.T, w *World, tr *Transcript) {
			atAnalysis(t, w, tr)
			does(t, w, tr, "abort", abort())
			pass(t, w, tr, 10*time.Second)
			for _, act := range []struct {
				what string
				do   func()
			}{
				{"scale to 8", func() { _ = send(w, scale(8)) }},
				{"a label of the Rollout", func() { _ = send(w, onSpec(`{"metadata":{"labels":{"team":"shop"}}}`)) }},
				{"another maxSurge", func() { _ = send(w, onSpec(`{"spec":{"strategy":{"canary":{"maxSurge":1}}}}`)) }},
				{"pause and resume", func() { _ = send(w, pause()); w.Settle(); _ = send(w, unpause()) }},
				{"resume of Argo CD", func() { _ = send(w, clearPause()) }},
				{"a stable pod dies", func() { w.LosePods(w.Rollout().Status.StableRS, 1) }},
				{"a day goes by", func() { w.Now = w.Now.Add(24 * time.Hour) }},
			} {
				tr.Say("%s", act.what)
				act.do()
				pass(t, w, tr, time.Minute)
				is(t, w, api.RolloutPhaseDegraded, "RolloutAborted")
			}
			serves(t, w, 0, 8)
			if n := decisions(w, decide.DecidedRetry); n != 0 {
				t.Errorf("%d retries", n)
			}
		}},
	})
}
