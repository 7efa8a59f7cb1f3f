package simulate

import (
	"testing"
	"time"

	api "sluice.dev/sluice/api/v1alpha1"
)

// TestBlueGreenStories tells how a blue-green update goes when it goes well, and who can hold it up.
func TestBlueGreenStories(t *testing.T) {
	tell(t, []story{
		{name: "blue-green the first deploy takes the Service when it is complete", in: blueGreen(3, measuredBefore, measuredAfter, byHand), tell: func(t *testing.T, w *World, tr *Transcript) {
			w.Boot = func(string) time.Duration { return 10 * time.Second }
			deploy(t, w, tr)
			names(t, w, "live", "")
			pass(t, w, tr, time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			leads(t, w, 0, 0)
			if n := len(w.Runs()); n != 0 {
				t.Errorf("%d runs, want none", n)
			}
		}},
		{name: "blue-green a good update", in: blueGreen(3, measuredBefore, measuredAfter), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			seen := exposes(w)
			ship(w, tr, "2")
			pass(t, w, tr, 5*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			leads(t, w, 1, 1)
			wants(t, w, 0, 0)
			unexposed(t, seen, 3)
		}},
		{name: "blue-green an update that is promoted by hand", in: blueGreen(3, byHand), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, time.Hour)
			is(t, w, api.RolloutPhasePaused, "BlueGreenPause")
			leads(t, w, 0, 1)
			does(t, w, tr, "promote", promote(w.Rollout())...)
			pass(t, w, tr, time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			leads(t, w, 1, 1)
		}},
		{name: "blue-green a pause that ends by itself", in: blueGreen(3, pausedFor(60), measuredBefore), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, time.Minute)
			is(t, w, api.RolloutPhasePaused, "BlueGreenPause")
			pass(t, w, tr, 2*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
		}},
		{name: "blue-green a small preview grows before the switch", in: blueGreen(4, previewOf(1), measuredBefore, byHand), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			seen := exposes(w)
			ship(w, tr, "2")
			pass(t, w, tr, time.Minute)
			is(t, w, api.RolloutPhasePaused, "BlueGreenPause")
			wants(t, w, 1, 1)
			does(t, w, tr, "promote", promote(w.Rollout())...)
			pass(t, w, tr, time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			unexposed(t, seen, 4)
		}},
		{name: "blue-green promote --full passes over everything but readiness", in: blueGreen(3, measuredBefore, measuredAfter, byHand), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			seen := exposes(w)
			comesTo(w, exit(0), -1)
			ship(w, tr, "2")
			pass(t, w, tr, 20*time.Second)
			does(t, w, tr, "promote --full", promoteFull())
			pass(t, w, tr, time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			if n := len(w.Runs()); n != 1 {
				t.Errorf("%d runs, want the one that was stopped", n)
			}
			unexposed(t, seen, 3)
		}},
		{name: "blue-green spec.paused holds both Services and the analysis but not the sizes", in: blueGreen(3, measuredBefore), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			w.Apply(func(ro *api.Rollout) { ro.Spec.Paused = true })
			ship(w, tr, "2")
			pass(t, w, tr, time.Minute)
			is(t, w, api.RolloutPhasePaused, "manually paused")
			leads(t, w, 0, 0)
			does(t, w, tr, "scale to 5", scale(5))
			pass(t, w, tr, time.Minute)
			wants(t, w, 0, 5)
			wants(t, w, 1, 5)
			if n := len(w.Runs()); n != 0 {
				t.Errorf("%d runs, want none", n)
			}
			tr.Say("the pause is over")
			w.Apply(func(ro *api.Rollout) { ro.Spec.Paused = false })
			pass(t, w, tr, 2*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
		}},
		{name: "blue-green no replicas are promoted at once", in: blueGreen(0, measuredBefore, measuredAfter, byHand), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			leads(t, w, 1, 1)
		}},
		{name: "blue-green a restart replaces the pods of what serves and of the preview", in: blueGreen(4, byHand), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, time.Minute)
			seen := exposes(w)
			restart(w, tr, 0)
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhasePaused, "BlueGreenPause")
			if w.Rollout().Status.RestartedAt == nil {
				t.Error("the restart has not ended")
			}
			unexposed(t, seen, 3)
		}},
	})
}

// TestBlueGreenFailures tells how a blue-green update ends when it does not go well.
func TestBlueGreenFailures(t *testing.T) {
	tell(t, []story{
		{name: "blue-green a preview that fails its analysis never serves", in: blueGreen(3, measuredBefore), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			seen := exposes(w)
			comesTo(w, exit(1), 10*time.Second)
			ship(w, tr, "2")
			pass(t, w, tr, 2*time.Minute)
			is(t, w, api.RolloutPhaseDegraded, "Blue/green pre-promotion analysis phase error/failed")
			leads(t, w, 0, 1)
			wants(t, w, 1, 0)
			unexposed(t, seen, 3)
		}},
		{name: "blue-green a failure after the switch goes back although the new pods crash", in: blueGreen(3, measuredAfter), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			comesTo(w, exit(1), 10*time.Second)
			ship(w, tr, "2")
			pass(t, w, tr, 5*time.Second)
			leads(t, w, 1, 1)
			tr.Say("every pod of the new version crashes")
			w.Break(w.born[1], 3)
			pass(t, w, tr, 2*time.Minute)
			is(t, w, api.RolloutPhaseDegraded, "Blue/green post-promotion analysis phase error/failed")
			leads(t, w, 0, 1)
			wants(t, w, 1, 0)
			if n := w.Serving("live"); n != 3 {
				t.Errorf("%d pods serve, want 3", n)
			}
		}},
		{name: "blue-green an inconclusive analysis is measured again", in: blueGreen(3, measuredBefore), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			comesTo(w, tooShort(), 10*time.Second)
			ship(w, tr, "2")
			pass(t, w, tr, time.Minute)
			is(t, w, api.RolloutPhasePaused, "InconclusiveAnalysisRun")
			leads(t, w, 0, 1)
			comesTo(w, exit(0), 10*time.Second)
			patch(w, tr, "resume", func(s *api.RolloutStatus) { s.PauseConditions = nil })
			pass(t, w, tr, time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
		}},
		{name: "blue-green an inconclusive analysis after the switch keeps the old pods", in: blueGreen(3, measuredAfter, keptFor(5)), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			comesTo(w, tooShort(), 10*time.Second)
			ship(w, tr, "2")
			pass(t, w, tr, time.Hour)
			is(t, w, api.RolloutPhasePaused, "InconclusiveAnalysisRun")
			leads(t, w, 1, 1)
			wants(t, w, 0, 3)
			does(t, w, tr, "abort", abort())
			pass(t, w, tr, time.Minute)
			leads(t, w, 0, 1)
		}},
		{name: "blue-green an abort before the preview is ready", in: blueGreen(3), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			w.Boot = func(string) time.Duration { return -1 }
			aborted(t, w, tr, 10*time.Second)
			leads(t, w, 0, 1)
		}},
		{name: "blue-green an abort while the preview is measured", in: blueGreen(3, measuredBefore), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			comesTo(w, exit(0), -1)
			aborted(t, w, tr, 10*time.Second)
			leads(t, w, 0, 1)
		}},
		{name: "blue-green an abort in the pause", in: blueGreen(3, byHand, rejectedFor(5)), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			aborted(t, w, tr, 10*time.Second)
			leads(t, w, 0, 1)
		}},
		{name: "blue-green an abort after the switch, and a retry", in: blueGreen(3, measuredAfter), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			comesTo(w, exit(0), -1)
			aborted(t, w, tr, 10*time.Second)
			leads(t, w, 0, 1)
			comesTo(w, exit(0), 10*time.Second)
			does(t, w, tr, "retry", retry())
			pass(t, w, tr, time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			leads(t, w, 1, 1)
		}},
		{name: "blue-green an abort that keeps the preview", in: blueGreen(3, byHand, rejectedFor(0)), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 10*time.Second)
			does(t, w, tr, "abort", abort())
			pass(t, w, tr, 24*time.Hour)
			is(t, w, api.RolloutPhaseDegraded, "RolloutAborted")
			wants(t, w, 1, 3)
		}},
		{name: "blue-green a third version takes the place of one that serves already", in: blueGreen(3, measuredAfter), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			seen := exposes(w)
			comesTo(w, exit(0), time.Minute)
			ship(w, tr, "2")
			pass(t, w, tr, 30*time.Second)
			leads(t, w, 1, 1)
			ship(w, tr, "3")
			pass(t, w, tr, 5*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			leads(t, w, 2, 2)
			wants(t, w, 0, 0)
			wants(t, w, 1, 0)
			unexposed(t, seen, 3)
		}},
		{name: "blue-green the stable template again after the switch", in: blueGreen(3, measuredAfter), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			first := w.Rollout().Spec.Template.Spec.Containers[0].Env[0].Value
			seen := exposes(w)
			comesTo(w, exit(0), -1)
			ship(w, tr, "2")
			pass(t, w, tr, 30*time.Second)
			leads(t, w, 1, 1)
			ship(w, tr, first)
			pass(t, w, tr, 2*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			leads(t, w, 0, 0)
			wants(t, w, 1, 0)
			unexposed(t, seen, 3)
		}},
	})
}

// aborted ships a version, aborts it a while later, and checks that the stable one serves at the end, all the
// time with all its pods, and the new one goes.
func aborted(t *testing.T, w *World, tr *Transcript, after time.Duration) {
	t.Helper()
	seen := exposes(w)
	ship(w, tr, "2")
	pass(t, w, tr, after)
	does(t, w, tr, "abort", abort())
	pass(t, w, tr, 5*time.Minute)
	is(t, w, api.RolloutPhaseDegraded, "RolloutAborted")
	wants(t, w, 0, 3)
	wants(t, w, 1, 0)
	unexposed(t, seen, 3)
}

// TestBlueGreenDelays tells what becomes of old pods.
func TestBlueGreenDelays(t *testing.T) {
	tell(t, []story{
		{name: "blue-green a fast rollback while the old pods are there", in: blueGreen(3, measuredBefore, measuredAfter, byHand, keptFor(600)), tell: func(t *testing.T, w *World, tr *Transcript) {
			first := w.Rollout().Spec.Template.Spec.Containers[0].Env[0].Value
			deploy(t, w, tr)
			seen := exposes(w)
			ship(w, tr, "2")
			pass(t, w, tr, time.Minute)
			does(t, w, tr, "promote", promote(w.Rollout())...)
			pass(t, w, tr, time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			runs := len(w.Runs())
			ship(w, tr, first)
			pass(t, w, tr, 10*time.Second)
			is(t, w, api.RolloutPhaseHealthy, "")
			leads(t, w, 0, 0)
			if n := len(w.Runs()); n != runs {
				t.Errorf("%d runs, want none beside the %d of before", n, runs)
			}
			unexposed(t, seen, 3)
			pass(t, w, tr, time.Hour)
			wants(t, w, 1, 0)
		}},
		{name: "blue-green going back to a version whose pods are gone is an update like any other", in: blueGreen(3, measuredBefore), tell: func(t *testing.T, w *World, tr *Transcript) {
			first := w.Rollout().Spec.Template.Spec.Containers[0].Env[0].Value
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 5*time.Minute)
			ship(w, tr, first)
			pass(t, w, tr, 5*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			if n := len(w.Runs()); n != 2 {
				t.Errorf("%d runs, want one for each update", n)
			}
		}},
		{name: "blue-green a version that was never stable is no fast rollback", in: blueGreen(3, measuredBefore, keptFor(3600)), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 5*time.Second)
			ship(w, tr, "3")
			pass(t, w, tr, 2*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			comesTo(w, exit(1), 10*time.Second)
			ship(w, tr, "2")
			pass(t, w, tr, 2*time.Minute)
			is(t, w, api.RolloutPhaseDegraded, "pre-promotion")
			leads(t, w, 2, 1)
		}},
		{name: "blue-green no more old revisions than the limit keep their pods", in: blueGreen(2, keptFor(3600), func(b *api.BlueGreenStrategy) {
			one := int32(1)
			b.ScaleDownDelayRevisionLimit = &one
		}), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			for _, version := range []string{"2", "3"} {
				ship(w, tr, version)
				pass(t, w, tr, time.Minute)
			}
			wants(t, w, 0, 0)
			wants(t, w, 1, 2)
			wants(t, w, 2, 2)
			pass(t, w, tr, 2*time.Hour)
			wants(t, w, 1, 0)
		}},
		{name: "blue-green a delay of 0 takes the old pods at once", in: blueGreen(3, keptFor(0)), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			seen := exposes(w)
			ship(w, tr, "2")
			pass(t, w, tr, 5*time.Second)
			is(t, w, api.RolloutPhaseHealthy, "")
			wants(t, w, 0, 0)
			unexposed(t, seen, 3)
		}},
		{name: "E4 an autoscaler during the delay and a new release", in: blueGreen(10, keptFor(3600)), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, time.Minute)
			does(t, w, tr, "scale to 20", scale(20))
			pass(t, w, tr, time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			wants(t, w, 0, 20)
			ship(w, tr, "3")
			pass(t, w, tr, time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			leads(t, w, 2, 2)
		}},
		{name: "B22 a delay that is longer than the progress deadline", in: blueGreen(3, keptFor(24*3600)), tell: func(t *testing.T, w *World, tr *Transcript) {
			w.Apply(func(ro *api.Rollout) { ro.Spec.ProgressDeadlineAbort = true })
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 23*time.Hour)
			is(t, w, api.RolloutPhaseHealthy, "")
			wants(t, w, 0, 3)
			pass(t, w, tr, 2*time.Hour)
			is(t, w, api.RolloutPhaseHealthy, "")
			wants(t, w, 0, 0)
		}},
	})
}
