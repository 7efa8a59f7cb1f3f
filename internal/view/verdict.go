package view

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
)

// trying is what the analysis or the experiment of the current step still needs; "" where it has none.
func (s Scene) trying() string {
	switch this := step(s.Rollout); {
	case this == nil:
	case this.Analysis != nil:
		return s.analysing()
	case this.Experiment != nil:
		return s.experimenting()
	}
	return ""
}

// verdictPending says that a blue-green update waits for an analysis, during which no deadline counts.
func (s Scene) verdictPending() bool {
	if s.Rollout.Spec.Strategy.BlueGreen == nil {
		return false
	}
	for _, ref := range s.liveRefs() {
		if !ref.Status.Completed() {
			return true
		}
	}
	return false
}

// analysing is what the runs of the update do next. Of a run that cannot be read its name is told.
func (s Scene) analysing() string {
	for _, ref := range s.liveRefs() {
		run := s.run(ref.Name)
		switch {
		case run == nil && !ref.Status.Completed():
			return "the verdict of analysis run " + ref.Name
		case run == nil || run.Status.Phase.Completed():
			continue
		}
		names := unfinished(run)
		if len(names) == 0 {
			return fmt.Sprintf("analysis run %s to start", run.Name)
		}
		text := "the verdict of " + strings.Join(names, ", ")
		if next, ok := s.next(run); ok {
			text += fmt.Sprintf("; next measurement %s", s.in(next))
		}
		for _, awaits := range loadsAwaited(run) {
			text += "; " + awaits
		}
		return text
	}
	return ""
}

// experimenting is what the experiment of the current step still needs: its pods, its analyses, its time.
func (s Scene) experimenting() string {
	name := s.Rollout.Status.Canary.CurrentExperiment
	if name == "" {
		return "the experiment of this step to begin"
	}
	text := "experiment " + name
	for i := range s.Experiments {
		if ex := &s.Experiments[i]; ex.Name == name {
			return text + s.lacks(ex)
		}
	}
	return text + " to end"
}

// lacks is what an experiment that goes on needs, after its name.
func (s Scene) lacks(ex *api.Experiment) string {
	switch {
	case ex.Status.Phase == "":
		return " to begin"
	case ex.Status.Phase.Completed():
		return fmt.Sprintf(", which came to %s, to be taken over", ex.Status.Phase)
	}
	if ex.Status.AvailableAt == nil {
		single, have, want := int32(1), int32(0), int32(0)
		for _, template := range ex.Spec.Templates {
			want += *cmp.Or(template.Replicas, &single)
		}
		for _, template := range ex.Status.TemplateStatuses {
			have += template.AvailableReplicas
		}
		return fmt.Sprintf(": %d of %d pods available", have, want)
	}
	var parts []string
	if all := len(ex.Spec.Analyses); all > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d analyses successful", successful(ex), all))
	}
	if left := remaining(ex, s.Now); left != "" {
		parts = append(parts, left[len(", "):])
	}
	if len(parts) == 0 {
		return " to end"
	}
	return ": " + strings.Join(parts, "; ")
}

func successful(ex *api.Experiment) (n int) {
	for _, run := range ex.Status.AnalysisRuns {
		if run.Phase == api.AnalysisPhaseSuccessful {
			n++
		}
	}
	return n
}

func unfinished(run *api.AnalysisRun) []string {
	var names []string
	for i := range run.Spec.Metrics {
		metric := &run.Spec.Metrics[i]
		if !resultOf(run, metric.Name).Phase.Completed() {
			names = append(names, metric.Name)
		}
	}
	return names
}

// loadsAwaited is what the load tests of a run wait for that have not begun.
func loadsAwaited(run *api.AnalysisRun) []string {
	var all []string
	for i := range run.Spec.Metrics {
		metric := &run.Spec.Metrics[i]
		if result := resultOf(run, metric.Name); len(result.Measurements) > 0 {
			if awaits := loadAwaits(metric, &result.Measurements[len(result.Measurements)-1]); awaits != "" {
				all = append(all, awaits)
			}
		}
	}
	return all
}

// next is when the run measures next.
func (s Scene) next(run *api.AnalysisRun) (time.Time, bool) {
	var next time.Time
	for _, due := range decide.Reads(run) {
		if next.IsZero() || due.At.Before(next) {
			next = due.At
		}
	}
	return next, !next.IsZero()
}

func (s Scene) in(t time.Time) string {
	if left := t.Sub(s.Now); left >= time.Second {
		return "in " + length(left)
	}
	return "now"
}
