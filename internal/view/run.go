package view

import (
	"fmt"
	"slices"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "sluice.dev/sluice/api/v1alpha1"
)

// RunScene is an AnalysisRun with its Jobs.
type RunScene struct {
	Run  *api.AnalysisRun
	Jobs []batchv1.Job
	// Now is when the picture is taken. Times of day are shown in its location.
	Now time.Time
}

func (s RunScene) measuring() measuring {
	scene := Scene{Jobs: s.Jobs, Now: s.Now}
	return scene.measuringOf(s.Run)
}

// Run is the picture of an analysis run: its verdict so far, and each metric against its limits with
// what was measured.
func Run(s RunScene, width int) Page {
	r, status := s.measuring(), s.Run.Status
	m := analysisMark(status.Phase)
	page := Page{}
	page.field("Name:", Strong, s.Run.Name)
	page.field("Namespace:", Plain, s.Run.Namespace)
	page.field("Status:", m.tone, m.String())
	page.paragraph("Message:", Plain, status.Message, width)
	if owner := ownerOf(s.Run); owner != "" {
		page.field("For:", Plain, owner+forWhat(s.Run))
	}
	if status.StartedAt != nil {
		page.field("Started:", Plain, r.scene.clock(status.StartedAt.Time)+", "+r.scene.ago(*status.StartedAt))
	}
	if status.CompletedAt != nil && status.StartedAt != nil {
		page.field("Ended:", Plain, fmt.Sprintf("%s, after %s", r.scene.clock(status.CompletedAt.Time), length(status.CompletedAt.Sub(status.StartedAt.Time))))
	}
	for i, arg := range s.Run.Spec.Args {
		label := "Arguments:"
		if i > 0 {
			label = ""
		}
		page.field(label, Plain, arg.Name+"="+valueOf(arg))
	}
	for i := range s.Run.Spec.Metrics {
		page.add()
		page = append(page, r.metric(&s.Run.Spec.Metrics[i], width)...)
	}
	return page
}

// ownerOf is what a run was made for: rollout shop.
func ownerOf(run *api.AnalysisRun) string {
	owner := metav1.GetControllerOfNoCopy(run)
	if owner == nil {
		return ""
	}
	return strings.ToLower(owner.Kind) + " " + owner.Name
}

func forWhat(run *api.AnalysisRun) string {
	text := ""
	if n := revision(run); n > 0 {
		text = fmt.Sprintf(", revision %d", n)
	}
	what, _, found := strings.Cut(measuring{run: run}.summary(), ", ")
	if found {
		text += ", " + strings.TrimPrefix(what, "of ")
	}
	return text
}

// valueOf is the value of an argument; that of a secret stays where it is.
func valueOf(arg api.Argument) string {
	from := arg.ValueFrom
	switch {
	case arg.Value != nil:
		return *arg.Value
	case from != nil && from.SecretKeyRef != nil:
		return fmt.Sprintf("(secret %s, key %s)", from.SecretKeyRef.Name, from.SecretKeyRef.Key)
	case from != nil && from.FieldRef != nil:
		return fmt.Sprintf("(field %s)", from.FieldRef.FieldPath)
	}
	return "(no value)"
}

// metric is a metric with its conditions and measurements, the newest first.
func (r measuring) metric(metric *api.Metric, width int) Page {
	result := resultOf(r.run, metric.Name)
	m := r.mark(&result)
	page := flow(Line{{m.icon + " ", m.tone}, {metric.Name + "  ", Strong}}, r.parts(metric, &result), " · ", width)
	for _, condition := range []struct{ text, name string }{{metric.SuccessCondition, "good when  "}, {metric.FailureCondition, "bad when   "}} {
		if condition.text != "" {
			page.indented(condition.name+condition.text, "    ", width, Faint)
		}
	}
	page.indented(result.Message, "    ", width, Plain)
	logged, log := newestLog(&result)
	for i := len(result.Measurements) - 1; i >= 0; i-- {
		page = append(page, r.measurement(metric, &result.Measurements[i], width)...)
		if i == logged {
			page.log(log, "                ")
		}
	}
	for _, job := range r.jobs {
		if job.Annotations[api.AnnotationMetricName] == metric.Name {
			mark := jobMark(job)
			name := job.Name
			if columns(name)+30 > width && width > 0 {
				name = layout{uids: true}.shorten(name)
			}
			page.add(Span{"    ⊞ ", Faint}, Span{name + "  ", Plain}, Span{mark.String(), mark.tone}, Span{"  " + r.since(job.CreationTimestamp.Time), Faint})
		}
	}
	return page
}

func (r measuring) measurement(metric *api.Metric, measured *api.Measurement, width int) Page {
	m := analysisMark(measured.Phase)
	when := ""
	switch {
	case measured.FinishedAt != nil:
		when = r.scene.clock(measured.FinishedAt.Time)
	case measured.StartedAt != nil:
		when = r.scene.clock(measured.StartedAt.Time)
	}
	text := reading(metric, measured)
	if measured.FinishedAt == nil {
		text = "measuring"
	}
	page := Page{{{"    " + pad(when, len(time.TimeOnly)) + "  ", Faint}, {m.icon + " ", m.tone}, {text, m.tone}}}
	if figures := loadFigures(measured, Faint); len(figures) > 0 {
		page = append(page, flow(Line{{strings.Repeat(" ", 16), Plain}}, figures, " · ", width)...)
	}
	said := resultOf(r.run, metric.Name).Message // above
	if measured.Message != text && measured.Phase != api.AnalysisPhaseSuccessful && !strings.Contains(said, measured.Message) {
		page.indented(measured.Message, "                ", width, Plain)
	}
	return page
}

// WhyRun is why an analysis run came to its verdict, or has none yet: the metrics that decided first.
func WhyRun(s RunScene, width int) Page {
	r, status := s.measuring(), s.Run.Status
	m := analysisMark(status.Phase)
	page := Page{{{m.icon + " ", m.tone}, {s.Run.Name, Strong}, {" is ", Plain}, {m.text, m.tone}, {"  " + r.summary(), Faint}}}
	page.indented(status.Message, "  ", width, Plain)
	metrics := slices.Clone(s.Run.Spec.Metrics)
	slices.SortStableFunc(metrics, func(a, b api.Metric) int {
		return weight(resultOf(s.Run, b.Name).Phase) - weight(resultOf(s.Run, a.Name).Phase)
	})
	for i := range metrics {
		page.add()
		page = append(page, r.metric(&metrics[i], width)...)
	}
	return page
}

// weight orders phases by what they do to the verdict of their run.
func weight(phase api.AnalysisPhase) int {
	switch phase {
	case api.AnalysisPhaseFailed:
		return 4
	case api.AnalysisPhaseError:
		return 3
	case api.AnalysisPhaseInconclusive:
		return 2
	case api.AnalysisPhaseRunning, api.AnalysisPhasePending:
		return 1
	case api.AnalysisPhaseSuccessful:
	}
	return 0
}
