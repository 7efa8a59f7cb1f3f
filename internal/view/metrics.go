package view

import (
	"fmt"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
)

// analysis shows the runs of the update, metric by metric, against their limits.
func (s Scene) analysis() Page {
	var page Page
	for _, run := range s.liveRuns() {
		page = append(page, s.runPage(run)...)
	}
	return page
}

func (s Scene) runPage(run *api.AnalysisRun) Page {
	m := analysisMark(run.Status.Phase)
	page := Page{{{m.icon + " ", m.tone}, {run.Name, Strong}, {" (" + runKind(run) + ") ", Faint}, {m.text, m.tone}}}
	names := 0
	for _, metric := range run.Spec.Metrics {
		names = max(names, columns(metric.Name))
	}
	for i := range run.Spec.Metrics {
		page = append(page, s.metricLine(run, &run.Spec.Metrics[i], names))
	}
	return page
}

func runKind(run *api.AnalysisRun) string {
	switch run.Labels[api.LabelRolloutType] {
	case api.RolloutTypeStep:
		return "step"
	case api.RolloutTypeBackground:
		return "background"
	}
	return "analysis"
}

// metricLine is one metric: how many measurements of how many, how many may fail, the last value
// with what it was judged by, and what comes next.
func (s Scene) metricLine(run *api.AnalysisRun, metric *api.Metric, names int) Line {
	result := resultOf(run, metric.Name)
	m := analysisMark(result.Phase)
	line := Line{{"    " + m.icon + " ", m.tone}, {pad(metric.Name, names) + "  ", Plain}, {progress(metric, &result), Plain}}
	if n := len(result.Measurements); n > 0 {
		last := &result.Measurements[n-1]
		if text := reading(last); text != "" {
			tone := analysisMark(last.Phase).tone
			line = append(line, Span{"  " + text, tone})
		}
	}
	if text := s.upcoming(run, metric, &result); text != "" {
		line = append(line, Span{"  " + text, Faint})
	}
	return line
}

// progress is how many measurements were taken of how many, and how near the limits are:
// `2/3 ✔ 1 ✖ 1 (fails at 2)`.
func progress(metric *api.Metric, result *api.MetricResult) string {
	total := number(metric.Count, 0)
	if total == 0 && metric.Interval == "" {
		total = 1
	}
	taken := fmt.Sprintf("%d", result.Count)
	if total > 0 {
		taken += fmt.Sprintf("/%d", total)
	}
	var parts []string
	if result.Successful > 0 {
		text := fmt.Sprintf("✔ %d", result.Successful)
		if limit := number(metric.ConsecutiveSuccessLimit, 0); limit > 0 {
			text += fmt.Sprintf(" (passes at %d in a row)", limit)
		}
		parts = append(parts, text)
	}
	parts = append(parts, against("✖", result.Failed, "fails", number(metric.FailureLimit, 0))...)
	parts = append(parts, against("?", result.Inconclusive, "inconclusive", number(metric.InconclusiveLimit, 0))...)
	if result.Error > 0 {
		parts = append(parts, against("⚠", result.ConsecutiveError, "error", number(metric.ConsecutiveErrorLimit, 4))...)
	}
	return strings.Join(append([]string{taken}, parts...), " ")
}

// against is a count and the count at which the limit breaks.
func against(icon string, count int32, verb string, limit int) []string {
	if count == 0 {
		return nil
	}
	if limit < 0 || int(count) > limit {
		return []string{fmt.Sprintf("%s %d", icon, count)}
	}
	return []string{fmt.Sprintf("%s %d (%s at %d)", icon, count, verb, limit+1)}
}

func number(value *intstr.IntOrString, otherwise int) int {
	if value == nil {
		return otherwise
	}
	return value.IntValue()
}

// reading is what a measurement brought: the value beside its limit where there is one.
func reading(m *api.Measurement) string {
	switch {
	case m.FinishedAt == nil:
		return ""
	case m.Metadata[api.EvidenceThreshold] != "":
		return m.Metadata[api.EvidenceThreshold]
	case m.Value != "":
		return m.Value
	}
	return m.Message
}

// upcoming is when the metric is measured next, or what its measurement waits for.
func (s Scene) upcoming(run *api.AnalysisRun, metric *api.Metric, result *api.MetricResult) string {
	if result.Phase.Completed() {
		return ""
	}
	for _, due := range decide.Reads(run) {
		if due.Metric == metric.Name {
			return "next " + s.in(due.At)
		}
	}
	n := len(result.Measurements)
	if n == 0 || result.Measurements[n-1].FinishedAt != nil {
		return ""
	}
	last := &result.Measurements[n-1]
	if job := s.job(last.Metadata[api.MetadataJobName]); job != nil {
		return "job " + strings.ToLower(jobMark(job).text) + " for " + s.age(job.CreationTimestamp)
	}
	if last.StartedAt != nil {
		return "measuring for " + s.age(*last.StartedAt)
	}
	return ""
}

func (s Scene) job(name string) *batchv1.Job {
	for i := range s.Jobs {
		if name != "" && s.Jobs[i].Name == name {
			return &s.Jobs[i]
		}
	}
	return nil
}

func resultOf(run *api.AnalysisRun, metric string) api.MetricResult {
	for i := range run.Status.MetricResults {
		if run.Status.MetricResults[i].Name == metric {
			return run.Status.MetricResults[i]
		}
	}
	return api.MetricResult{Name: metric}
}
