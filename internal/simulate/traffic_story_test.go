package simulate

import (
	"testing"
	"time"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
)

// TestTrafficStories tells how a canary behind a router goes, and the failure stories of series A: traffic
// is never sent where nobody can serve it.
func TestTrafficStories(t *testing.T) {
	tell(t, []story{
		{name: "weights follow the pods and everything is promoted", in: weighted(10, setWeight(20), waitFor(10), setWeight(60), waitFor(10)), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			lost := spoils(w)
			ship(w, tr, "2")
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			serves(t, w, 0, 10)
			sends(t, w, 0)
			names(t, w, "stable", w.Rollout().Status.CurrentPodHash)
			unspoiled(t, lost, 0)
		}},
		{name: "a router that is slow and does things by halves is waited for", in: routedBy(Routing{Lag: lag(20 * time.Second), Parts: true}, 10, setWeight(20), setWeight(60)), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			lost := spoils(w)
			ship(w, tr, "2")
			pass(t, w, tr, 5*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			sends(t, w, 0)
			unspoiled(t, lost, 0)
		}},
		{name: "a router that names the revisions itself", in: routedBy(Routing{Subsets: true, Lag: lag(5 * time.Second)}, 10, setWeight(20), waitFor(10), setWeight(60)), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			lost := spoils(w)
			ship(w, tr, "2")
			pass(t, w, tr, 5*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			sends(t, w, 0)
			unspoiled(t, lost, 0)
		}},
		{name: "a router that never does what it is told stops the steps and not the abort", in: weighted(10, setWeight(20), wait(), setWeight(50)), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, time.Minute)
			w.routing.Lag = never
			tr.Say("the router stops working; promote")
			w.Apply(func(ro *api.Rollout) { ro.Status.PauseConditions = nil })
			pass(t, w, tr, time.Minute)
			sends(t, w, 20)
			at(t, w, 2)
			does(t, w, tr, "abort", abort())
			pass(t, w, tr, 5*time.Minute)
			is(t, w, api.RolloutPhaseDegraded, "RolloutAborted")
			names(t, w, "canary", w.Rollout().Status.StableRS)
			serves(t, w, 0, 10)
		}},
		{name: "A1 an interrupted canary is re-weighted before it is re-pointed", in: routedBy(Routing{Subsets: true, Lag: lag(7 * time.Second)}, 10, setWeight(5), wait()), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, time.Minute)
			sends(t, w, 5)
			lost := spoils(w)
			w.Boot = func(string) time.Duration { return 30 * time.Second }
			ship(w, tr, "3")
			pass(t, w, tr, 2*time.Minute)
			sends(t, w, 5)
			unspoiled(t, lost, 0)
		}},
		{name: "A2 a rollback inside the window takes traffic as its pods come", in: weighted(10), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 3*time.Minute)
			lost := spoils(w)
			slow := 0
			w.Boot = func(string) time.Duration { slow += 5; return time.Duration(slow) * time.Second }
			w.Apply(func(ro *api.Rollout) { ro.Spec.RollbackWindow = &api.RollbackWindowSpec{Revisions: 5} })
			tr.Say("the template of the first version again")
			again(w)
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			unspoiled(t, lost, 0)
		}},
		{name: "A3 a postponed re-pointing postpones the weight", in: weighted(10, setWeight(5), wait(), setWeight(70)), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 3*time.Minute)
			promotedFull(t, w, tr)
			ship(w, tr, "3")
			pass(t, w, tr, time.Minute)
			sends(t, w, 5)
			lost := spoils(w)
			w.Boot = func(string) time.Duration { return 40 * time.Second }
			w.Apply(func(ro *api.Rollout) { ro.Spec.RollbackWindow = &api.RollbackWindowSpec{Revisions: 5} })
			tr.Say("the template of the first version again, inside the rollback window")
			again(w)
			pass(t, w, tr, 5*time.Minute)
			unspoiled(t, lost, 0)
		}},
		{name: "A4 stable keeps its pods until nobody is sent there", in: routedBy(Routing{Lag: lag(5 * time.Second)}, 110, setWeight(50), waitFor(5)), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			ship(w, tr, "2")
			until(t, w, tr, func() bool { _, s, _ := w.Traffic(); return s.Canary.Weight == 100 })
			lost := spoils(w)
			tr.Say("a canary pod dies")
			w.Break(w.Rollout().Status.CurrentPodHash, 1)
			pass(t, w, tr, 2*time.Minute)
			unspoiled(t, lost, 1)
			tr.Say("it is well again")
			w.Mend()
			pass(t, w, tr, 2*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
		}},
		{name: "A5 a second release during a canary that scales stable down", in: weighted(4, setWeight(75), wait()), tell: func(t *testing.T, w *World, tr *Transcript) {
			canaryOf(w, dynamic)
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, time.Minute)
			sends(t, w, 75)
			serves(t, w, 3, 1)
			lost := spoils(w)
			w.Boot = func(string) time.Duration { return 30 * time.Second }
			ship(w, tr, "3")
			pass(t, w, tr, 3*time.Minute)
			sends(t, w, 75)
			unspoiled(t, lost, 0)
		}},
		{name: "A6 the stable template again during a canary that scales stable down", in: weighted(4, setWeight(75), wait()), tell: func(t *testing.T, w *World, tr *Transcript) {
			canaryOf(w, dynamic)
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, time.Minute)
			lost := spoils(w)
			slow := 0
			w.Boot = func(string) time.Duration { slow += 10; return time.Duration(slow) * time.Second }
			tr.Say("the stable template again")
			again(w)
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			sends(t, w, 0)
			serves(t, w, 0, 4)
			unspoiled(t, lost, 1) // maxUnavailable
		}},
		{name: "A7 a first adoption waits for the pods", in: weighted(5, setWeight(20)), tell: func(t *testing.T, w *World, tr *Transcript) {
			w.Boot = func(string) time.Duration { return 30 * time.Second }
			pass(t, w, tr, 20*time.Second)
			names(t, w, "stable", "")
			pass(t, w, tr, 20*time.Second)
			names(t, w, "stable", w.Rollout().Status.StableRS)
			is(t, w, api.RolloutPhaseHealthy, "")
		}},
		{name: "A9 an intermediate revision keeps its pods while it has weight", in: weighted(8, setWeight(25), wait()), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, time.Minute)
			second := w.Rollout().Status.CurrentPodHash
			w.routing.Lag = lag(time.Minute)
			lost := spoils(w)
			ship(w, tr, "3")
			pass(t, w, tr, 50*time.Second)
			if _, n := w.Pods(second); n != 2 {
				t.Errorf("%d pods of the second version, want 2 while it is sent 25", n)
			}
			pass(t, w, tr, 5*time.Minute)
			if _, n := w.Pods(second); n != 0 {
				t.Errorf("%d pods of the second version, want none", n)
			}
			unspoiled(t, lost, 0)
		}},
		{name: "A11 a router that needs a backend with pods keeps one stable pod", in: weighted(4, setWeight(100), wait()), tell: func(t *testing.T, w *World, tr *Transcript) {
			canaryOf(w, func(c *api.CanaryStrategy) {
				dynamic(c)
				c.TrafficRouting = &api.RolloutTrafficRouting{Nginx: &api.NginxTrafficRouting{StableIngress: "shop"}}
			})
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, time.Minute)
			sends(t, w, 100)
			serves(t, w, 4, 1)
		}},
		{name: "A12 stable shrinks only when the router sends less", in: routedBy(Routing{Lag: lag(20 * time.Second)}, 4, setWeight(25), wait(), setWeight(50), wait()), tell: func(t *testing.T, w *World, tr *Transcript) {
			canaryOf(w, dynamic)
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, time.Minute)
			lost := spoils(w)
			does(t, w, tr, "promote", resume()...)
			pass(t, w, tr, time.Minute)
			sends(t, w, 50)
			serves(t, w, 2, 2)
			unspoiled(t, lost, 0)
		}},
		{name: "A22 the stable Service has the new pods before it gets the weight back", in: routedBy(Routing{Lag: lag(10 * time.Second), Parts: true}, 6, setWeight(50), waitFor(5)), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 10*time.Second)
			until(t, w, tr, func() bool { s := w.Rollout().Status; return s.StableRS == s.CurrentPodHash })
			lost := spoils(w)
			fresh := w.Rollout().Status.CurrentPodHash
			w.Redirected = func(string) {
				if asked, _, _ := w.Traffic(); asked.Stable.Weight > 0 && behindService(w, "stable") != fresh {
					t.Errorf("Service stable gets %d and names the old revision", asked.Stable.Weight)
				}
			}
			pass(t, w, tr, 2*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			unspoiled(t, lost, 0)
		}},
		{name: "a stable side that somebody has led to the new revision is led back", in: routedBy(Routing{Subsets: true}, 5, setWeight(50), wait(), setWeight(31)), tell: func(t *testing.T, w *World, tr *Transcript) {
			canaryOf(w, dynamic)
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, time.Minute)
			tr.Say("somebody leads the stable subset to the new revision")
			w.Steer(func(s *decide.Split) { s.Stable.Hash = s.Canary.Hash })
			pass(t, w, tr, time.Minute)
			if _, serves, _ := w.Traffic(); serves.Stable.Hash != w.Rollout().Status.StableRS {
				t.Errorf("the stable subset leads to %s, want the stable revision", serves.Stable.Hash)
			}
			does(t, w, tr, "promote", resume()...)
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
		}},
		{name: "D10 weights that somebody else has changed are put right", in: weighted(10, setWeight(20), wait()), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, time.Minute)
			tr.Say("another controller sends 60 to the canary")
			w.Steer(func(s *decide.Split) { s.Canary.Weight, s.Stable.Weight = 60, 40 })
			pass(t, w, tr, time.Minute)
			sends(t, w, 20)
		}},
	})
}

// until lets time pass until something is true.
func until(t *testing.T, w *World, tr *Transcript, done func() bool) {
	t.Helper()
	for range 600 {
		if done() {
			return
		}
		pass(t, w, tr, 200*time.Millisecond)
	}
	t.Fatalf("it never came about:\n%s", tr)
}

func promotedFull(t *testing.T, w *World, tr *Transcript) {
	t.Helper()
	patch(w, tr, "promote --full", func(s *api.RolloutStatus) { s.PromoteFull, s.PauseConditions = true, nil })
	pass(t, w, tr, 2*time.Minute)
	is(t, w, api.RolloutPhaseHealthy, "")
}

// again applies the template of the first version.
func again(w *World) {
	first := w.sets["rollouts-demo-"+w.born[0]].Template.DeepCopy()
	delete(first.Labels, api.LabelPodTemplateHash)
	w.Apply(func(ro *api.Rollout) { ro.Spec.Template = *first })
}
