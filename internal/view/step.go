package view

import (
	"fmt"
	"slices"
	"strings"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
)

// StepText is a step in a few words: `setWeight 20`, `pause 5m`, `analysis success-rate`.
func StepText(step *api.CanaryStep) string {
	switch {
	case step.SetWeight != nil:
		return fmt.Sprintf("setWeight %d", *step.SetWeight)
	case step.Pause != nil && step.Pause.IsIndefinite():
		return "pause"
	case step.Pause != nil:
		return "pause " + unit(step.Pause.Duration.String())
	case step.Analysis != nil:
		var names []string
		for _, ref := range step.Analysis.Templates {
			names = append(names, ref.TemplateName)
		}
		return strings.TrimSpace("analysis " + strings.Join(names, ", "))
	case step.Experiment != nil:
		return "experiment"
	case step.SetCanaryScale != nil:
		return "setCanaryScale"
	case step.SetHeaderRoute != nil:
		return "setHeaderRoute " + step.SetHeaderRoute.Name
	case step.SetMirrorRoute != nil:
		return "setMirrorRoute " + step.SetMirrorRoute.Name
	case step.Plugin != nil:
		return "plugin " + step.Plugin.Name
	}
	return "nothing"
}

// shownSteps is how many steps are shown one by one. Of more, those around the present one are.
const shownSteps = 15

// steps lists the steps, done, present and to come.
func (s Scene) steps(width int) Page {
	all := steps(s.Rollout)
	if len(all) == 0 {
		return nil
	}
	at, failed := s.present()
	skipped := s.skipped(len(all))
	from := max(min(at-shownSteps/2, len(all)-shownSteps), 0)
	to := min(from+shownSteps, len(all))
	var parts []Span
	if from > 0 {
		parts = append(parts, Span{fmt.Sprintf("✔ %d done", from), Faint})
	}
	for i := from; i < to; i++ {
		parts = append(parts, stepSpan(&all[i], i-at, failed, skipped[i]))
	}
	if left := len(all) - to; left > 0 {
		parts = append(parts, Span{fmt.Sprintf("• %d more", left), Faint})
	}
	return flow(Line{{pad("  Steps:", labelWidth), Faint}}, parts, "  ", width)
}

// skipped are the steps of the update that somebody passed over.
func (s Scene) skipped(n int) map[int]bool {
	skipped := map[int]bool{}
	for _, d := range s.Rollout.Status.Decisions {
		if d.Revision != s.Rollout.Status.CurrentPodHash || d.Step == nil || *d.Step < 0 || int(*d.Step) >= n {
			continue
		}
		switch at := int(*d.Step); d.Reason {
		case decide.DecidedUpdate, decide.DecidedRetry, decide.DecidedStepsChanged:
			clear(skipped)
		case decide.DecidedStep:
			delete(skipped, at)
		case decide.DecidedStepSkipped, decide.DecidedFastRollback:
			end := at + 1
			if d.NextStep != nil {
				end = min(int(*d.NextStep), n)
			}
			for ; at < end; at++ {
				skipped[at] = true
			}
		}
	}
	return skipped
}

func stepSpan(step *api.CanaryStep, distance int, failed, skipped bool) Span {
	switch text := StepText(step); {
	case distance < 0 && skipped:
		return Span{"» " + text, Warning}
	case distance < 0:
		return Span{"✔ " + text, Good}
	case distance > 0:
		return Span{"• " + text, Faint}
	case failed:
		return Span{"✖ " + text, Bad}
	default:
		return Span{"▸ " + text, Strong}
	}
}

// present is the step that is being taken, or at which the update was aborted: an abort sends the
// index back to the beginning, and only the record of it knows; without one, -1.
func (s Scene) present() (index int, failed bool) {
	ro := s.Rollout
	if !ro.Status.Abort {
		return current(ro), false
	}
	if decision := aborting(ro); decision != nil && decision.Step != nil {
		return int(*decision.Step), true
	}
	return -1, false
}

// aborting is the decision that ended the update, nil when it is not on record.
func aborting(ro *api.Rollout) *api.Decision {
	if !ro.Status.Abort {
		return nil
	}
	for i, decision := range slices.Backward(ro.Status.Decisions) {
		if decision.Reason == decide.DecidedAbort {
			return &ro.Status.Decisions[i]
		}
	}
	return nil
}

// aborted says in one line why the update was aborted, with the number that decided.
func (s Scene) aborted() string {
	decision := aborting(s.Rollout)
	if decision == nil {
		return ""
	}
	text := strings.TrimSuffix(decision.Message, ".")
	if len(decision.Evidence) > 0 {
		text = s.verdict(&decision.Evidence[0])
	}
	if n := len(steps(s.Rollout)); decision.Step != nil && int(*decision.Step) < n {
		text += fmt.Sprintf(" · step %d of %d", *decision.Step+1, n)
	}
	return text + " · " + s.ago(decision.At)
}

// verdict is one measurement in a few words: `success-rate 0.0123 > 0.004 (308 %)`.
func (s Scene) verdict(e *api.Evidence) string {
	value := s.measured(e)
	if e.Threshold == "" && (e.Phase == api.AnalysisPhaseError || value == "") {
		value = e.Message
	}
	return strings.TrimSpace(e.Metric + " " + value)
}

// measured is the value of a piece of evidence: beside its limit, or with its unit.
func (s Scene) measured(e *api.Evidence) string {
	if e.Threshold != "" {
		return comparison(e.Threshold, e.Condition, e.Phase)
	}
	if run := s.run(e.Run); run != nil {
		for i := range run.Spec.Metrics {
			if metric := &run.Spec.Metrics[i]; metric.Name == e.Metric && isExitCode(metric, e.Value) {
				return "exit code " + e.Value
			}
		}
	}
	return e.Value
}
