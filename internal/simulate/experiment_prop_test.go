package simulate

import (
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
	"sluice.dev/sluice/internal/judge"
)

// trials is a random history of one Experiment beside a Rollout at rest.
type trials struct {
	w      *World
	fate   *dice
	broken string
}

func newTrials(t *testing.T, rt *rapid.T) *trials {
	w := laboratory(t)
	for name, count := range map[string]int32{"errors": 3, "endless": 0} {
		watching(w, name, max(count, 1))
		if count == 0 {
			spec := w.Templates[decide.TemplateKey{Name: name}]
			spec.Metrics[0].Count = nil
			w.Templates[decide.TemplateKey{Name: name}] = spec
		}
	}
	h := &trials{w: w, fate: &dice{t: rt, odds: 10}}
	ex := shopExperiment(func(spec *api.ExperimentSpec) {
		spec.Duration = rapid.SampledFrom([]api.DurationString{"", "20s", "90s"}).Draw(rt, "duration")
		for _, name := range rapid.SampledFrom([][]string{nil, {"errors"}, {"endless"}, {"errors", "endless"}}).Draw(rt, "analyses") {
			pods := "x"
			spec.Analyses = append(spec.Analyses, api.ExperimentAnalysisTemplateRef{
				Name: name, TemplateName: name, Args: []api.Argument{{Name: "pods", Value: &pods}},
				RequiredForCompletion: name == "errors" && rapid.Bool().Draw(rt, "required"),
			})
		}
		second := spec.Templates[0].DeepCopy()
		second.Name, second.Service = "other", nil
		spec.Templates = append(spec.Templates, *second)
		deadline, delay := int32(120), rapid.Int32Range(0, 40).Draw(rt, "delay")
		spec.ProgressDeadlineSeconds, spec.ScaleDownDelaySeconds = &deadline, &delay
	})
	w.CreateExperiment(ex)
	w.Fate = h.fate
	return h
}

func (h *trials) law(holds bool, format string, args ...any) {
	if !holds && h.broken == "" {
		h.broken = fmt.Sprintf(format, args...)
	}
}

func (h *trials) ex() *api.Experiment { return h.w.Experiments()["try"] }

// turn plays, and holds what must be true at every moment.
func (h *trials) turn(n int) {
	for range n {
		before := h.ex().Status
		h.w.Turn()
		now := h.ex()
		s := now.Status
		if before.Phase.Completed() {
			h.law(s.Phase == before.Phase && s.Message == before.Message, "%s %q became %s %q after the end", before.Phase, before.Message, s.Phase, s.Message)
		}
		if s.Phase == api.AnalysisPhaseSuccessful && s.Phase != before.Phase {
			h.success(now)
		}
		h.law(s.Phase == "" || s.Phase == api.AnalysisPhasePending || s.Phase == api.AnalysisPhaseRunning || s.Message != "" || s.Phase == api.AnalysisPhaseSuccessful,
			"%s without a message", s.Phase)
		for _, e := range s.AnalysisRuns {
			h.law(s.AvailableAt != nil, "analysis %s was begun before the pods were available", e.Name)
		}
	}
}

// success is what must be true for an Experiment that succeeds: it ran, and what its success rests on was measured.
func (h *trials) success(ex *api.Experiment) {
	h.law(ex.Status.AvailableAt != nil, "successful before the pods were ever available")
	required := false
	for _, a := range ex.Spec.Analyses {
		required = required || a.RequiredForCompletion
	}
	for _, a := range ex.Spec.Analyses {
		if required && !a.RequiredForCompletion {
			continue
		}
		h.law(h.measuredWell(ex, a.Name), "successful although analysis %s has no successful measurement", a.Name)
	}
}

func (h *trials) measuredWell(ex *api.Experiment, analysis string) bool {
	for _, e := range ex.Status.AnalysisRuns {
		run := h.w.Runs()[e.AnalysisRun]
		if e.Name != analysis || run == nil {
			continue
		}
		for _, m := range run.Status.MetricResults {
			if m.Successful == 0 {
				return false
			}
		}
		return len(run.Status.MetricResults) > 0
	}
	return false
}

func (h *trials) Wait(t *rapid.T) {
	for range rapid.IntRange(1, 8).Draw(t, "moments") {
		h.turn(1)
		h.w.Now = h.w.Now.Add(rapid.SampledFrom([]time.Duration{300 * time.Millisecond, time.Second, 11 * time.Second}).Draw(t, "time"))
	}
	h.turn(1)
}

func (h *trials) Answer(t *rapid.T) {
	answers := map[string]judge.Sample{
		"good": number(0.001), "bad": number(0.09), "unsure": number(0.03), "nothing": {Result: []float64{}, Text: "[]"},
	}
	kind := rapid.SampledFrom([]string{"good", "good", "good", "bad", "unsure", "nothing"}).Draw(t, "answer")
	h.w.Answer = func(Question) judge.Sample { return answers[kind] }
}

func (h *trials) Boot(t *rapid.T) {
	boot := rapid.SampledFrom([]time.Duration{-1, time.Second, 30 * time.Second}).Draw(t, "boot")
	h.w.Boot = func(string) time.Duration { return boot }
}

func (h *trials) Terminate(t *rapid.T) {
	if rapid.IntRange(0, 3).Draw(t, "terminate") == 0 {
		h.w.EditExperiment("try", func(ex *api.Experiment) { ex.Spec.Terminate = true })
	}
	h.turn(1)
}

func (h *trials) Mistake(t *rapid.T) {
	h.w.InvalidExperiment = nil
	if rapid.Bool().Draw(t, "invalid") {
		h.w.InvalidExperiment = func(*api.Experiment) []string { return []string{"spec.duration: is \"soon\""} }
	}
	h.turn(1)
}

// Wipe is what `retry experiment` does: everything begins anew.
func (h *trials) Wipe(t *rapid.T) {
	if rapid.IntRange(0, 3).Draw(t, "wipe") == 0 {
		h.w.EditExperiment("try", func(ex *api.Experiment) { ex.Status = api.ExperimentStatus{} })
	}
	h.turn(1)
}

func (h *trials) DeleteRun(*rapid.T) {
	for name, r := range h.w.runs {
		if strings.HasPrefix(name, "try-") && metav1.IsControlledBy(r.object, h.ex()) && !r.object.Status.Phase.Completed() {
			delete(h.w.runs, name)
			h.w.touch()
			break
		}
	}
	h.turn(1)
}

func (h *trials) Check(t *rapid.T) {
	if h.broken != "" {
		t.Fatal(h.broken)
	}
}

// Calm lets everything come to its end: after that nothing of the Experiment is left, and nobody writes.
func (h *trials) Calm() {
	h.fate.off, h.w.InvalidExperiment, h.w.past = true, nil, nil
	h.w.EditExperiment("try", func(ex *api.Experiment) {
		if ex.Spec.Duration == "" {
			ex.Spec.Duration = "30s"
		}
	})
	h.law(h.w.Until(h.w.Now.Add(10*time.Minute), func() {}), "the world never came to rest")
	ex := h.ex()
	h.law(ex.Status.Phase.Completed(), "never ended: %s, %s", ex.Status.Phase, h.w.experiments["try"].reason.Message)
	wanted, _ := h.w.ExperimentPods("try")
	h.law(wanted == 0, "%d pods outlive the end", wanted)
	h.law(len(h.w.ExperimentServices("try")) == 0, "Services outlive the end")
	for name, run := range h.w.Runs() {
		h.law(run.Status.Phase.Completed(), "%s outlives the end", name)
	}
	before := h.w.Writes()
	h.w.Turn()
	h.law(h.w.Writes() == before, "%d writes at rest", h.w.Writes()-before)
}

func TestLawsOfExperiments(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h := newTrials(t, rt)
		h.turn(2)
		rt.Repeat(rapid.StateMachineActions(h))
		h.Calm()
		h.Check(rt)
	})
}

// TestLawsOfExperimentSteps holds the laws of a Rollout, one of whose steps is an experiment.
func TestLawsOfExperimentSteps(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h := newHistory(t, rt)
		watching(h.w, "compare", 2)
		steps := compares(t).Rollout().Spec.Strategy.Canary.Steps
		steps[1].Experiment.Analyses[0].TemplateName = "compare"
		h.w.Apply(func(ro *api.Rollout) {
			for i := range ro.Spec.Strategy.Canary.Steps {
				if ro.Spec.Strategy.Canary.Steps[i].Analysis != nil {
					ro.Spec.Strategy.Canary.Steps[i] = *steps[1].DeepCopy()
				}
			}
		})
		h.turn(5)
		rt.Repeat(rapid.StateMachineActions(h))
		h.Calm(rt)
		live := 0
		for name, ex := range h.w.Experiments() {
			wanted, _ := h.w.ExperimentPods(name)
			if ex.Status.Phase.Completed() {
				h.law(wanted == 0, "%s has ended and wants %d pods", name, wanted)
				continue
			}
			live++
			h.law(name == h.w.Rollout().Status.Canary.CurrentExperiment, "%s goes on and has no say", name)
		}
		h.law(live <= 1, "%d experiments go on", live)
		h.Check(rt)
	})
}
