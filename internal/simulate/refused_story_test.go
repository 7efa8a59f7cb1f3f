package simulate

import (
	"slices"
	"testing"
	"time"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
)

// refused applies a change that validation refuses.
func refused(w *World, tr *Transcript, what string, change func(*api.Rollout)) {
	tr.Say("kubectl apply: %s, which is invalid", what)
	w.Invalid = func(*api.Rollout) []string { return []string{"spec.strategy: is wrong"} }
	w.Apply(change)
}

// accepted applies a change after which the spec is valid.
func accepted(w *World, tr *Transcript, what string, change func(*api.Rollout)) {
	tr.Say("kubectl apply: %s", what)
	w.Invalid = nil
	w.Apply(change)
}

func stepsOf(steps ...api.CanaryStep) func(*api.Rollout) {
	return func(ro *api.Rollout) { ro.Spec.Strategy.Canary.Steps = steps }
}

// hasDecided says whether a decision of this kind was recorded.
func hasDecided(w *World, reason string) bool {
	return slices.ContainsFunc(w.Rollout().Status.Decisions, func(made api.Decision) bool { return made.Reason == reason })
}

// TestRefusedSpecStories tells of specs that are refused in mid-update: nothing in them moves it.
func TestRefusedSpecStories(t *testing.T) {
	four := []api.CanaryStep{setWeight(40), wait(), setWeight(60), wait()}
	fourSteps := func(t testing.TB) *World {
		w := seed(t)
		w.Apply(func(ro *api.Rollout) {
			n := int32(5)
			ro.Spec.Replicas, ro.Spec.Strategy.Canary = &n, &api.CanaryStrategy{Steps: four}
		})
		return w
	}
	atLast := func(t *testing.T, w *World, tr *Transcript) {
		t.Helper()
		deploy(t, w, tr)
		ship(w, tr, "2")
		pass(t, w, tr, 10*time.Second)
		does(t, w, tr, "promote", resume()...)
		pass(t, w, tr, 10*time.Second)
		at(t, w, 3)
		serves(t, w, 3, 2)
	}
	tell(t, []story{
		{name: "R1 fewer steps that are refused and taken back leave the update where it is", in: fourSteps, tell: func(t *testing.T, w *World, tr *Transcript) {
			atLast(t, w, tr)
			refused(w, tr, "one step", stepsOf(four[0]))
			pass(t, w, tr, 10*time.Second)
			at(t, w, 3)
			serves(t, w, 3, 2)
			does(t, w, tr, "promote", resume()...)
			pass(t, w, tr, 10*time.Second)
			at(t, w, 3)
			refused(w, tr, "no steps", stepsOf())
			pass(t, w, tr, 10*time.Second)
			at(t, w, 3)
			serves(t, w, 3, 2)
			accepted(w, tr, "the steps as they were", stepsOf(four...))
			pass(t, w, tr, 30*time.Second)
			is(t, w, api.RolloutPhaseHealthy, "") // the pause was over when it was promoted
			if hasDecided(w, decide.DecidedSentBack) || hasDecided(w, decide.DecidedStepSkipped) || hasDecided(w, decide.DecidedStepsChanged) {
				t.Error("somebody is said to have moved the update")
			}
		}},
		{name: "R2 steps that are mended into other ones start the update over", in: fourSteps, tell: func(t *testing.T, w *World, tr *Transcript) {
			atLast(t, w, tr)
			refused(w, tr, "two steps", stepsOf(setWeight(20), wait()))
			pass(t, w, tr, 10*time.Second)
			at(t, w, 3)
			serves(t, w, 3, 2)
			accepted(w, tr, "what is wrong elsewhere is mended", func(*api.Rollout) {})
			pass(t, w, tr, 30*time.Second)
			at(t, w, 1)
			serves(t, w, 1, 4)
			if !hasDecided(w, decide.DecidedStepsChanged) || hasDecided(w, decide.DecidedSentBack) {
				t.Error("the steps were changed, and nobody has sent the update back")
			}
		}},
		{name: "R3 a refused spec moves no share", in: weighted(10, setWeight(50), wait()), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 10*time.Second)
			old := w.Rollout().Spec.Strategy
			refused(w, tr, "an empty step", stepsOf(api.CanaryStep{}, wait()))
			pass(t, w, tr, 10*time.Second)
			sends(t, w, 50)
			refused(w, tr, "another whole, other Services, dynamic", func(ro *api.Rollout) {
				c := ro.Spec.Strategy.Canary
				c.Steps, c.DynamicStableScale, c.CanaryService = nil, true, "other"
				c.TrafficRouting.MaxTrafficWeight = ptr(1000)
			})
			pass(t, w, tr, 10*time.Second)
			sends(t, w, 50)
			serves(t, w, 5, 10)
			at(t, w, 1)
			accepted(w, tr, "the spec as it was", func(ro *api.Rollout) { ro.Spec.Strategy = *old.DeepCopy() })
			pass(t, w, tr, 10*time.Second)
			sends(t, w, 50)
			at(t, w, 1)
			is(t, w, api.RolloutPhasePaused, "CanaryPauseStep")
		}},
		{name: "R4 an abort under a refused spec takes all requests back", in: weighted(10, setWeight(50), wait()), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 10*time.Second)
			refused(w, tr, "no steps", stepsOf())
			pass(t, w, tr, 10*time.Second)
			sends(t, w, 50)
			does(t, w, tr, "abort", abort())
			pass(t, w, tr, 10*time.Second)
			sends(t, w, 0)
			accepted(w, tr, "the steps as they were", stepsOf(setWeight(50), wait()))
			pass(t, w, tr, time.Minute)
			sends(t, w, 0)
			is(t, w, api.RolloutPhaseDegraded, "RolloutAborted")
		}},
		{name: "R5 shares of an experiment that are refused are not taken", in: sharing, tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 5*time.Second)
			refused(w, tr, "70 and 70 for the experiment", func(ro *api.Rollout) {
				ts := ro.Spec.Strategy.Canary.Steps[1].Experiment.Templates
				ts[0].Weight, ts[1].Weight = ptr(70), ptr(70)
			})
			pass(t, w, tr, 2*time.Second)
			asked, _, _ := w.Traffic()
			if got := shares(asked); !slices.Equal(got, []int32{10, 60, 15, 15}) {
				t.Errorf("the router was told %v, want 10, 60, 15 and 15 as before", got)
			}
			accepted(w, tr, "the same as before", func(ro *api.Rollout) {
				ts := ro.Spec.Strategy.Canary.Steps[1].Experiment.Templates
				ts[0].Weight, ts[1].Weight = ptr(15), ptr(15)
			})
			pass(t, w, tr, 2*time.Minute)
			is(t, w, api.RolloutPhasePaused, "")
			at(t, w, 2)
		}},
		{name: "R6 a preview stays as it is under a refused spec", in: blueGreen(5, byHand, measuredBefore, previewOf(2)), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			comesTo(w, tooShort(), time.Second)
			ship(w, tr, "2")
			pass(t, w, tr, 30*time.Second)
			wants(t, w, 1, 2)
			old := w.Rollout().Spec.Strategy
			refused(w, tr, "no analysis, 4 preview pods, promoted automatically", func(ro *api.Rollout) {
				b := ro.Spec.Strategy.BlueGreen
				b.PrePromotionAnalysis, b.PreviewReplicaCount, b.AutoPromotionEnabled = nil, ptr(4), nil
			})
			does(t, w, tr, "promote", resume()...)
			pass(t, w, tr, 30*time.Second)
			wants(t, w, 1, 2)
			leads(t, w, 0, 1)
			accepted(w, tr, "the spec as it was", func(ro *api.Rollout) { ro.Spec.Strategy = *old.DeepCopy() })
			pass(t, w, tr, 30*time.Second)
			leads(t, w, 0, 1)
		}},
	})
}
