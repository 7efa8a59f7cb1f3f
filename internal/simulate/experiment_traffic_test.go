package simulate

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
)

// sharing is a weighted canary whose second step sends 15 of 100 requests to each of two templates.
func sharing(t testing.TB) *World {
	w := weighted(10, setWeight(10), wait())(t)
	watching(w, "errors", 2)
	w.Apply(func(ro *api.Rollout) {
		ro.Spec.Template.Spec.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: 8080}}
		step := &api.RolloutExperimentStep{Analyses: []api.RolloutExperimentStepAnalysisTemplateRef{{
			Name: "compare", TemplateName: "errors", RequiredForCompletion: true, Args: []api.AnalysisRunArgument{{Name: "pods", Value: "x"}},
		}}}
		for name, of := range map[string]api.ReplicaSetSpecRef{"baseline": api.StableSpecRef, "candidate": api.CanarySpecRef} {
			step.Templates = append(step.Templates, api.RolloutExperimentTemplate{Name: name, SpecRef: of, Weight: ptr(15), Replicas: ptr(2)})
		}
		if step.Templates[0].Name != "baseline" {
			step.Templates[0], step.Templates[1] = step.Templates[1], step.Templates[0]
		}
		steps := ro.Spec.Strategy.Canary.Steps
		ro.Spec.Strategy.Canary.Steps = []api.CanaryStep{steps[0], {Experiment: step}, steps[1]}
	})
	return w
}

// shares are the weights of a split: canary, stable, then those of an experiment.
func shares(s decide.Split) []int32 {
	all := []int32{s.Canary.Weight, s.Stable.Weight}
	for _, share := range s.Additional {
		all = append(all, share.Weight)
	}
	return all
}

func TestExperimentShares(t *testing.T) {
	tell(t, []story{
		{name: "D7 an experiment's shares are taken from the stable side", in: sharing, tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 5*time.Second)
			_, serves, _ := w.Traffic()
			if got := shares(serves); len(got) != 4 || got[0] != 10 || got[1] != 60 || got[2] != 15 || got[3] != 15 {
				t.Errorf("the router divides %v, want 10 to the canary, 60 to stable, 15 and 15 to the experiment", got)
			}
			for _, share := range serves.Additional {
				if share.Service == "" {
					t.Errorf("a share leads nowhere: %+v", share)
				}
			}
			pass(t, w, tr, 2*time.Minute)
		}},
		{name: "D5 nothing of an experiment is left in the router", in: sharing, tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 5*time.Second)
			pass(t, w, tr, 2*time.Minute)
			asked, serves, _ := w.Traffic()
			for _, s := range []decide.Split{asked, serves} {
				if got := shares(s); len(got) != 2 || got[0] != 10 || got[1] != 90 {
					t.Errorf("the router divides %v, want 10 and 90 and nothing else", got)
				}
			}
			is(t, w, api.RolloutPhasePaused, "")
		}},
		{name: "an abort takes an experiment's shares back at once", in: sharing, tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 5*time.Second)
			patch(w, tr, "abort", func(s *api.RolloutStatus) { s.Abort = true })
			pass(t, w, tr, 0)
			asked, _, _ := w.Traffic()
			if got := shares(asked); len(got) != 2 || got[1] != 100 {
				t.Errorf("the router was told %v, want everything to stable", got)
			}
			pass(t, w, tr, time.Minute)
		}},
	})
}
