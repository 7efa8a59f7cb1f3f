package view

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
	"sluice.dev/sluice/internal/evidence"
)

// measuring is a run with its Jobs at a moment.
type measuring struct {
	run   *api.AnalysisRun
	jobs  []*batchv1.Job
	scene Scene // for times
}

func (s Scene) measuringOf(run *api.AnalysisRun) measuring {
	return measuring{run, s.jobsOf(run), s}
}

// analysis shows the runs of the update, metric by metric, against their limits.
func (s Scene) analysis(width int) Page {
	var page Page
	for _, run := range s.liveRuns() {
		m := analysisMark(run.Status.Phase)
		label := "Analysis:"
		if len(page) > 0 {
			label = ""
		}
		page.add(Span{pad(label, labelWidth), Faint}, Span{m.icon + " ", m.tone}, Span{run.Name, Plain}, Span{"  " + s.measuringOf(run).summary(), Faint})
		page = append(page, s.measuringOf(run).metrics("  ", width)...)
	}
	return page
}

// summary is what a run is for and how long it has taken: step 3, running for 36s.
func (r measuring) summary() string {
	text := ""
	switch r.run.Labels[api.LabelRolloutType] {
	case api.RolloutTypeStep:
		text = "of a step"
		if i, err := strconv.Atoi(r.run.Labels[api.LabelStepIndex]); err == nil {
			text = fmt.Sprintf("of step %d", i+1)
		}
	case api.RolloutTypeBackground:
		text = "beside the steps"
	case api.RolloutTypePrePromotion:
		text = "before the switch"
	case api.RolloutTypePostPromotion:
		text = "after the switch"
	}
	phase := strings.ToLower(analysisMark(r.run.Status.Phase).text)
	switch status := r.run.Status; {
	case status.StartedAt == nil:
	case status.Phase.Completed() && status.CompletedAt != nil:
		phase += " after " + length(status.CompletedAt.Sub(status.StartedAt.Time))
	case !status.Phase.Completed():
		phase += " for " + length(r.scene.Now.Sub(status.StartedAt.Time))
	}
	return strings.TrimPrefix(text+", "+phase, ", ")
}

// metrics is a paragraph for each metric of the run.
func (r measuring) metrics(indent string, width int) Page {
	names := 0
	for _, metric := range r.run.Spec.Metrics {
		names = max(names, columns(metric.Name))
	}
	var page Page
	for i := range r.run.Spec.Metrics {
		metric := &r.run.Spec.Metrics[i]
		result := resultOf(r.run, metric.Name)
		m := r.mark(&result)
		head := Line{{indent + m.icon + " ", m.tone}, {pad(metric.Name, names) + "  ", Strong}}
		page = append(page, flow(head, r.parts(metric, &result), " · ", width)...)
	}
	return page
}

// parts say how a metric stands: how much of it was measured, what the last measurement brought, how
// near its limits are, and what comes next.
func (r measuring) parts(metric *api.Metric, result *api.MetricResult) []Span {
	next := r.upcoming(metric, result)
	var parts []Span
	total := totalOf(metric)
	if result.Count > 0 || total > 1 || next == "" {
		text := taken(result, total)
		if result.Count == 0 && r.untouched(result) {
			text = "not measured"
		}
		parts = append(parts, Span{text, Plain})
	}
	if last := lastOf(result); last != nil {
		text := reading(metric, last)
		if text != "" && text != last.Message {
			text = "last " + text
		}
		if text != "" {
			parts = append(parts, Span{text, analysisMark(last.Phase).tone})
		}
		parts = append(parts, loadFigures(last, Plain)...)
	}
	parts = append(parts, limits(metric, result)...)
	if result.DryRun {
		parts = append(parts, Span{"dry run: no say in the verdict", Faint})
	}
	if next != "" {
		parts = append(parts, Span{next, Faint})
	}
	return parts
}

// untouched tells that the run is over and its end came before the metric had any phase.
func (r measuring) untouched(result *api.MetricResult) bool {
	return result.Phase == "" && r.run.Status.Phase.Completed()
}

// mark is how a metric stands. In a run that is over none is waited for.
func (r measuring) mark(result *api.MetricResult) mark {
	if r.untouched(result) {
		return neutral("")
	}
	return analysisMark(result.Phase)
}

// totalOf is how many measurements a metric takes; 0 is without end.
func totalOf(metric *api.Metric) int {
	if total := number(metric.Count, 0); total > 0 || metric.Interval != "" {
		return total
	}
	return 1
}

func taken(result *api.MetricResult, total int) string {
	switch {
	case total > 0:
		return fmt.Sprintf("%d of %d measured", result.Count, total)
	case result.Count == 0:
		return "nothing measured yet"
	}
	return fmt.Sprintf("%d measured", result.Count)
}

func lastOf(result *api.MetricResult) *api.Measurement {
	for i := len(result.Measurements) - 1; i >= 0; i-- {
		if result.Measurements[i].FinishedAt != nil {
			return &result.Measurements[i]
		}
	}
	return nil
}

// limits says how near to its limits a metric is. What has not happened and cannot matter is left
// out; failures always can, until the metric has ended well.
func limits(metric *api.Metric, result *api.MetricResult) []Span {
	var parts []Span
	if want := number(metric.ConsecutiveSuccessLimit, 0); want > 0 && !result.Phase.Completed() {
		parts = append(parts, Span{fmt.Sprintf("%d of %d in a row good", result.ConsecutiveSuccess, want), Plain})
	}
	if result.Failed > 0 || !result.Phase.Completed() && result.Count > 0 {
		parts = append(parts, against("failed", result.Failed, number(metric.FailureLimit, 0), Bad))
	}
	if result.Inconclusive > 0 {
		parts = append(parts, against("inconclusive", result.Inconclusive, number(metric.InconclusiveLimit, 0), Warning))
	}
	if result.ConsecutiveError > 0 {
		parts = append(parts, against("errors in a row", result.ConsecutiveError, number(metric.ConsecutiveErrorLimit, 4), Warning))
	} else if result.Error > 0 {
		parts = append(parts, Span{fmt.Sprintf("errors %d", result.Error), Faint})
	}
	return parts
}

// against is a count beside the most that is tolerated.
func against(what string, count int32, limit int, tone Tone) Span {
	text := fmt.Sprintf("%s %d, limit %d", what, count, limit)
	if limit < 0 {
		text = fmt.Sprintf("%s %d, no limit", what, count)
	}
	if count == 0 {
		tone = Plain
	}
	return Span{text, tone}
}

func number(value *intstr.IntOrString, otherwise int) int {
	if value == nil {
		return otherwise
	}
	return value.IntValue()
}

// reading is what a measurement brought: the value beside its limit where there is one.
func reading(metric *api.Metric, m *api.Measurement) string {
	threshold := m.Metadata[api.EvidenceThreshold]
	switch {
	case m.FinishedAt == nil:
		return ""
	case evidence.LoadOf(m) != nil:
		return loadReading(metric, m, evidence.LoadOf(m))
	case metric != nil && isExitCode(metric, m.Value):
		return "exit code " + m.Value
	case threshold != "":
		return comparison(threshold, m.Metadata[api.EvidenceCondition], m.Phase)
	case m.Value != "":
		return m.Value
	}
	return m.Message
}

// isExitCode tells that a value is how a Job's container ended, and not a number it reported.
func isExitCode(metric *api.Metric, value string) bool {
	return metric.Provider.ByJob() && value != "" && strings.Trim(value, "0123456789") == ""
}

// relations are the signs of the evidence and how they are shown.
var relations = map[string]string{"<": "<", ">": ">", "<=": "≤", ">=": "≥", "==": "=", "!=": "≠"}

// comparison is a value beside its limit, and how much of the limit it is: `0.0021 ≤ 0.004 (52 %)`.
func comparison(threshold, condition string, phase api.AnalysisPhase) string {
	fields := strings.Fields(threshold)
	if len(fields) != 3 || relations[fields[1]] == "" {
		return threshold
	}
	relation := fields[1]
	if phase == api.AnalysisPhaseSuccessful { // what the condition asked for is what held
		if asked := operator(condition, fields[2]); asked != "" {
			relation = asked
		}
	}
	text := short(fields[0]) + " " + relations[relation] + " " + short(fields[2])
	if relation == "==" || relation == "!=" {
		return text
	}
	return text + percent(fields[0], fields[2])
}

// operator is the comparison with a limit in a condition, "" when it cannot be told.
func operator(condition, limit string) string {
	before, _, ok := strings.Cut(condition, limit)
	if !ok {
		return ""
	}
	before = strings.TrimSpace(before)
	for _, sign := range []string{"<=", ">=", "<", ">"} {
		if strings.HasSuffix(before, sign) {
			return sign
		}
	}
	return ""
}

// short is a number without the digits nobody reads.
func short(text string) string {
	value, err := strconv.ParseFloat(text, 64)
	if err != nil || len(text) <= 8 {
		return text
	}
	return strconv.FormatFloat(value, 'g', 6, 64) // as in messages
}

func percent(value, limit string) string {
	v, errV := strconv.ParseFloat(value, 64)
	l, errL := strconv.ParseFloat(limit, 64)
	if errV != nil || errL != nil || l <= 0 || v < 0 || v/l >= 100 {
		return ""
	}
	if share := 100 * v / l; v > 0 && share < 1 {
		return " (< 1 %)"
	}
	return fmt.Sprintf(" (%.0f %%)", 100*v/l)
}

// upcoming is when the metric is measured next, or what its measurement waits for.
func (r measuring) upcoming(metric *api.Metric, result *api.MetricResult) string {
	if result.Phase.Completed() || r.untouched(result) {
		return ""
	}
	for _, due := range decide.Reads(r.run) {
		if due.Metric == metric.Name {
			return "next " + r.scene.in(due.At)
		}
	}
	n := len(result.Measurements)
	if n == 0 || result.Measurements[n-1].FinishedAt != nil {
		if metric.During != "" {
			return "measured during " + metric.During
		}
		return ""
	}
	last := &result.Measurements[n-1]
	if awaits := loadAwaits(metric, last); awaits != "" {
		return awaits
	}
	if job := r.job(last.Metadata[api.MetadataJobName]); job != nil {
		return "job " + strings.ToLower(jobMark(job).text) + " for " + r.since(job.CreationTimestamp.Time)
	}
	if last.StartedAt != nil {
		return "measuring for " + r.since(last.StartedAt.Time)
	}
	return ""
}

func (r measuring) since(t time.Time) string { return length(r.scene.Now.Sub(t)) }

func (r measuring) job(name string) *batchv1.Job {
	i := slices.IndexFunc(r.jobs, func(job *batchv1.Job) bool { return name != "" && job.Name == name })
	if i < 0 {
		return nil
	}
	return r.jobs[i]
}

func resultOf(run *api.AnalysisRun, metric string) api.MetricResult {
	for i := range run.Status.MetricResults {
		if run.Status.MetricResults[i].Name == metric {
			return run.Status.MetricResults[i]
		}
	}
	return api.MetricResult{Name: metric}
}
