package simulate

import (
	"testing"
	"time"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
)

// TestBlueGreenFailureStories tells the failure stories that are about blue-green.
func TestBlueGreenFailureStories(t *testing.T) {
	tell(t, []story{
		{name: "A17 the switch is taken back while the healthy side is still there", in: blueGreen(3, measuredAfter, keptFor(0)), tell: func(t *testing.T, w *World, tr *Transcript) {
			w.Apply(func(ro *api.Rollout) { ro.Spec.ProgressDeadlineAbort = true })
			deploy(t, w, tr)
			comesTo(w, exit(0), 10*time.Second)
			ship(w, tr, "2")
			pass(t, w, tr, 5*time.Second)
			leads(t, w, 1, 1)
			tr.Say("the new version falls over after the switch, and stays like that; its load test passes")
			w.Break(w.born[1], 3)
			pass(t, w, tr, 30*time.Second)
			wants(t, w, 0, 3)
			pass(t, w, tr, 20*time.Minute)
			is(t, w, api.RolloutPhaseDegraded, "RolloutAborted")
			leads(t, w, 0, 1)
			if n := w.Serving("live"); n != 3 {
				t.Errorf("%d pods serve, want 3", n)
			}
		}},
		{name: "A18 a promoted version that starts slowly", in: blueGreen(3), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			seen := exposes(w)
			w.Boot = func(string) time.Duration { return 2 * time.Minute }
			ship(w, tr, "2")
			pass(t, w, tr, 90*time.Second)
			leads(t, w, 0, 1)
			wants(t, w, 0, 3)
			pass(t, w, tr, 5*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			unexposed(t, seen, 3)
		}},
		{name: "A18 the old version stays while the promoted one does not serve", in: blueGreen(3), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 5*time.Second)
			is(t, w, api.RolloutPhaseHealthy, "")
			tr.Say("the promoted version falls over")
			w.Break(w.born[1], 3)
			pass(t, w, tr, 5*time.Minute)
			wants(t, w, 0, 3)
			tr.Say("and comes back")
			w.Mend()
			pass(t, w, tr, time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			wants(t, w, 0, 0)
		}},
		{name: "B20 a second broken blue-green release runs out of time by itself", in: blueGreen(3), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			w.Boot = func(string) time.Duration { return -1 }
			for _, version := range []string{"2", "3"} {
				ship(w, tr, version)
				pass(t, w, tr, 9*time.Minute)
				is(t, w, api.RolloutPhaseProgressing, "")
				pass(t, w, tr, 2*time.Minute)
				is(t, w, api.RolloutPhaseDegraded, "ProgressDeadlineExceeded")
			}
			leads(t, w, 0, 2)
		}},
		{name: "C1 a preview pod dies during its analysis", in: blueGreen(3, measuredBefore), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			comesTo(w, exit(0), time.Minute)
			ship(w, tr, "2")
			pass(t, w, tr, 20*time.Second)
			tr.Say("a preview pod is lost, and its successor takes two minutes")
			w.Boot = func(string) time.Duration { return 2 * time.Minute }
			w.LosePods(w.born[1], 1)
			pass(t, w, tr, time.Minute)
			leads(t, w, 0, 1)
			pass(t, w, tr, 2*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			leads(t, w, 1, 1)
			if n := len(w.Runs()); n != 1 {
				t.Errorf("%d runs, want the one that was begun", n)
			}
		}},
		{name: "C1 a preview pod dies during an analysis that fails", in: blueGreen(3, measuredBefore), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			comesTo(w, exit(1), time.Minute)
			ship(w, tr, "2")
			pass(t, w, tr, 20*time.Second)
			w.LosePods(w.born[1], 1)
			pass(t, w, tr, 5*time.Minute)
			is(t, w, api.RolloutPhaseDegraded, "pre-promotion")
			leads(t, w, 0, 1)
		}},
		{name: "C2 an autoscaler takes no test away", in: blueGreen(6, measuredBefore), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			comesTo(w, exit(1), time.Minute)
			ship(w, tr, "2")
			pass(t, w, tr, 20*time.Second)
			does(t, w, tr, "scale to 4", scale(4))
			pass(t, w, tr, 20*time.Second)
			pass(t, w, tr, 5*time.Minute)
			if n := jobs(w); n != 1 {
				t.Errorf("%d load tests begun, want one", n)
			}
			is(t, w, api.RolloutPhaseDegraded, "pre-promotion")
			leads(t, w, 0, 1)
		}},
		{name: "E10 a first deploy with an analysis after the switch is complete without one", in: blueGreen(3, measuredAfter), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			pass(t, w, tr, time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			leads(t, w, 0, 0)
		}},
	})
}

// TestBlueGreenServices tells what happens when the Services are not as they should be.
func TestBlueGreenServices(t *testing.T) {
	tell(t, []story{
		{name: "blue-green without the active Service nothing moves", in: blueGreen(3), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			tr.Say("Service live is deleted; version 2 is applied")
			w.DeleteService("live")
			ship(w, tr, "2")
			pass(t, w, tr, time.Minute)
			is(t, w, api.RolloutPhaseDegraded, `Service "live" does not exist`)
			wants(t, w, 0, 3)
			tr.Say("Service live is made again")
			w.CreateService("live")
			pass(t, w, tr, 2*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			leads(t, w, 1, 1)
		}},
		{name: "blue-green a Service that is made anew in mid-update leads to the stable revision again", in: blueGreen(3, byHand), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 10*time.Second)
			tr.Say("Service live is made anew")
			w.DeleteService("live")
			w.CreateService("live")
			pass(t, w, tr, time.Minute)
			is(t, w, api.RolloutPhasePaused, "BlueGreenPause")
			leads(t, w, 0, 1)
		}},
		{name: "blue-green a Service that is made anew leads to the stable revision, also while somebody has paused the Rollout", in: blueGreen(5, byHand), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 10*time.Second)
			does(t, w, tr, "pause", pause())
			tr.Say("Service live is made anew")
			w.DeleteService("live")
			w.CreateService("live")
			pass(t, w, tr, time.Minute)
			is(t, w, api.RolloutPhasePaused, "manually paused")
			leads(t, w, 0, 1)
			tr.Say("Service live is pointed to version 2 by hand")
			w.EditService("live", func(s *decide.Service) { s.Hash = w.born[1] })
			pass(t, w, tr, time.Minute)
			leads(t, w, 1, 1)
		}},
		{name: "blue-green a fix comes although a stable pod is bad for ever and the Service was made anew", in: blueGreen(5), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			tr.Say("one of five pods is bad for ever; Service live is made anew")
			w.Break(w.born[0], 1)
			w.DeleteService("live")
			w.CreateService("live")
			pass(t, w, tr, 10*time.Second)
			names(t, w, "live", w.born[0])
			ship(w, tr, "2")
			pass(t, w, tr, time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			leads(t, w, 1, 1)
		}},
		{name: "E11 blue-green without replicas a preview has no pods, whatever its size is", in: blueGreen(4, previewOf(1), byHand), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 10*time.Second)
			wants(t, w, 1, 1)
			does(t, w, tr, "scale to 0", scale(0))
			pass(t, w, tr, 10*time.Second)
			wants(t, w, 0, 0)
			wants(t, w, 1, 0)
			does(t, w, tr, "scale to 6", scale(6))
			pass(t, w, tr, time.Minute)
			wants(t, w, 0, 6)
			wants(t, w, 1, 1)
			leads(t, w, 0, 1)
			is(t, w, api.RolloutPhasePaused, "BlueGreenPause")
		}},
		{name: "E11 blue-green without replicas a rejected preview has no pods either", in: blueGreen(4, byHand, rejectedFor(0)), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 10*time.Second)
			does(t, w, tr, "abort", abort())
			pass(t, w, tr, 10*time.Second)
			wants(t, w, 1, 4)
			does(t, w, tr, "scale to 0", scale(0))
			pass(t, w, tr, 10*time.Second)
			wants(t, w, 0, 0)
			wants(t, w, 1, 0)
		}},
		{name: "blue-green a Service of another Rollout is left alone", in: blueGreen(3), tell: func(t *testing.T, w *World, tr *Transcript) {
			w.EditService("live", func(s *decide.Service) { s.Hash, s.ManagedBy = "theirs", "other" })
			deploy(t, w, tr)
			is(t, w, api.RolloutPhaseDegraded, `managed by Rollout "other"`)
			names(t, w, "live", "theirs")
			tr.Say("the other Rollout is gone, and has given its Service back")
			w.EditService("live", func(s *decide.Service) { s.Hash, s.ManagedBy = "", "" })
			pass(t, w, tr, time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			leads(t, w, 0, 0)
		}},
		{name: "blue-green a Service that selected everything is narrowed when enough of the stable revision serves", in: blueGreen(3, measuredBefore), tell: func(t *testing.T, w *World, tr *Transcript) {
			adopted := *w.Rollout().Spec.Strategy.BlueGreen.DeepCopy()
			w.Apply(func(ro *api.Rollout) { ro.Spec.Strategy = api.RolloutStrategy{Canary: &api.CanaryStrategy{}} })
			deploy(t, w, tr)
			is(t, w, api.RolloutPhaseHealthy, "")
			seen := exposes(w)
			w.Break(w.Rollout().Status.StableRS, 2)
			tr.Say("two pods are broken; the strategy becomes blue-green, together with version 2")
			w.Apply(func(ro *api.Rollout) { ro.Spec.Strategy = api.RolloutStrategy{BlueGreen: &adopted} })
			ship(w, tr, "2")
			pass(t, w, tr, time.Minute)
			names(t, w, "live", "")
			wants(t, w, 1, 0)
			w.Mend()
			pass(t, w, tr, 5*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			leads(t, w, 1, 1)
			unexposed(t, seen, 3)
		}},
		{name: "blue-green a Service that is made anew after the pause does not hold up the switch", in: blueGreen(7, previewOf(1), byHand), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 10*time.Second)
			does(t, w, tr, "promote", promote(w.Rollout())...)
			tr.Say("Service live is made anew")
			w.DeleteService("live")
			w.CreateService("live")
			pass(t, w, tr, 2*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			leads(t, w, 1, 1)
		}},
		{name: "blue-green a version without pods gets them when requests come to it", in: blueGreen(0), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			tr.Say("paused by hand")
			w.Apply(func(ro *api.Rollout) { ro.Spec.Paused = true })
			ship(w, tr, "2")
			pass(t, w, tr, 10*time.Second)
			tr.Say("Service live is pointed to version 2 by hand")
			w.EditService("live", func(s *decide.Service) { s.Hash = w.born[1] })
			ship(w, tr, "3")
			pass(t, w, tr, 10*time.Second)
			does(t, w, tr, "scale to 6", scale(6))
			pass(t, w, tr, time.Minute)
			is(t, w, api.RolloutPhasePaused, "manually paused")
			if n := w.Serving("live"); n != 6 {
				t.Errorf("%d pods serve, want 6", n)
			}
		}},
		{name: "blue-green a first version that never serves is replaced by the next", in: blueGreen(3, measuredBefore), tell: func(t *testing.T, w *World, tr *Transcript) {
			w.Boot = func(string) time.Duration { return -1 }
			deploy(t, w, tr)
			names(t, w, "live", "")
			w.Boot = func(string) time.Duration { return time.Second }
			ship(w, tr, "2")
			pass(t, w, tr, 5*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			leads(t, w, 1, 1)
			wants(t, w, 0, 0)
		}},
	})
}
