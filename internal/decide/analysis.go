package decide

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/evidence"
	"sluice.dev/sluice/internal/judge"
)

// assay is an AnalysisRun's plan while a turn composes it.
type assay struct {
	in      AnalysisInput
	status  api.AnalysisRunStatus
	actions []Action
	events  []Event
	again   time.Time
	waiting Reason
	dry     map[string]bool // metrics that have no say
}

// Analysis decides what an AnalysisRun should do next: which Jobs should exist, what the samples
// that arrived mean, and what the run comes to. A run that ended stays as it ended, for as long as
// its spec says.
func Analysis(in AnalysisInput) Plan[api.AnalysisRunStatus] {
	a := &assay{in: in, status: *in.Run.Status.DeepCopy(), dry: dryRuns(in.Run)}
	switch {
	case a.status.Phase.Completed():
		a.expire()
	case len(in.Invalid) > 0 && a.status.StartedAt == nil:
		a.end(api.AnalysisPhaseError, "Analysis spec invalid: "+strings.Join(in.Invalid, "; "))
	default:
		a.turn()
	}
	a.bound()
	a.clear()
	return Plan[api.AnalysisRunStatus]{
		Status: a.status, Actions: a.actions, Again: a.again, Reason: a.waiting, Events: a.events,
	}
}

// bound drops the measurements nobody asked to keep, and keeps the run within its size.
func (a *assay) bound() {
	run := *a.in.Run
	run.Status = a.status
	a.status = evidence.Run(&run, kept(a.in.Run))
}

func (a *assay) turn() {
	if a.status.StartedAt == nil {
		at := a.stamp(a.in.Now)
		a.status.StartedAt = &at
		a.event(api.AnalysisPhaseRunning, "Analysis Running")
	}
	metrics := resolved(a.in.Run)
	for _, m := range metrics {
		a.result(m.Name).DryRun = a.dry[m.Name]
	}
	for _, m := range loadsFirst(metrics) {
		a.measureMetric(m)
	}
	a.assess(metrics)
	if a.terminating(metrics) {
		for _, m := range metrics {
			a.stop(m)
		}
		a.assess(metrics)
	}
	a.launch()
	a.conclude(metrics)
}

// measureMetric takes in what arrived for one metric, and starts its next Job when it is time.
func (a *assay) measureMetric(m api.Metric) {
	r := a.result(m.Name)
	if r.Phase.Completed() {
		return
	}
	if last := judge.InFlight(r); last != nil {
		a.readJob(m, r, last)
		return
	}
	for _, t := range a.in.Samples {
		due, ok := schedule(a.in.Run, a.status, m)
		if ok && t.Key.Metric == m.Name && t.Key.N == due.N && sameSecond(t.Key.At, due.At) && !late(a.status, m, t.Sample) {
			a.take(m, r, t.Sample, about(a.status, m, due))
		}
	}
	if m.Provider.ByJob() && !a.in.Run.Spec.Terminate {
		a.startJob(m, r)
	}
}

// take turns a sample into a finished measurement.
func (a *assay) take(m api.Metric, r *api.MetricResult, s judge.Sample, at time.Time) {
	verdict := judge.Judge(criteria(m), s, at)
	if verdict.Phase == api.AnalysisPhaseRunning {
		if !a.hold(m, r, s.FinishedAt) {
			return
		}
		verdict.Phase = api.AnalysisPhaseError
	} else {
		delete(r.Metadata, noDataSince)
	}
	delete(r.Metadata, noDataLast)
	started, finished := a.stamp(orElse(s.StartedAt, at)), a.stamp(orElse(s.FinishedAt, a.in.Now))
	load := loadReport(m, s)
	if load != nil && verdict.Phase != api.AnalysisPhaseSuccessful {
		verdict.Message = load.With(verdict.Message)
	}
	measurement := api.Measurement{
		Phase: verdict.Phase, Message: verdict.Message, Value: s.Text,
		StartedAt: &started, FinishedAt: &finished, Metadata: a.metadata(r, s, verdict),
	}
	if !sameSecond(at, started.Time) || m.During != "" {
		measurement.Metadata[api.EvidenceScheduledAt] = at.UTC().Format(time.RFC3339)
	}
	if load != nil {
		measurement.Metadata[api.EvidenceReport] = load.Note()
	}
	if len(measurement.Metadata) == 0 {
		measurement.Metadata = nil
	}
	a.add(r, measurement)
}

// metadata is what stays with a measurement; what is about the metric as a whole goes to its result.
func (a *assay) metadata(r *api.MetricResult, s judge.Sample, v judge.Verdict) map[string]string {
	kept := map[string]string{}
	maps.Copy(kept, s.Metadata)
	maps.Copy(kept, evidence.Note(v.Evidence))
	if query, ok := kept[api.MetadataResolvedPrometheusQuery]; ok {
		delete(kept, api.MetadataResolvedPrometheusQuery)
		if r.Metadata == nil {
			r.Metadata = map[string]string{}
		}
		r.Metadata[api.MetadataResolvedPrometheusQuery] = query
	}
	if s.Failure != nil && kept[api.EvidenceReason] == "" {
		kept[api.EvidenceReason] = string(s.Failure.Class)
	}
	if v.Hopeless {
		kept[api.EvidenceReason] = string(judge.BadCondition)
	}
	if report, err := json.Marshal(s.Report); err == nil && s.Report != nil && kept[api.EvidenceReport] == "" {
		kept[api.EvidenceReport] = string(report)
	}
	return kept
}

// add keeps a finished measurement and counts it.
func (a *assay) add(r *api.MetricResult, measurement api.Measurement) {
	if last := judge.InFlight(r); last != nil {
		*last = measurement
	} else {
		r.Measurements = append(r.Measurements, measurement)
	}
	*r = judge.Count(*r, measurement.Phase)
}

// assess says what each metric has come to.
func (a *assay) assess(metrics []api.Metric) {
	stop := a.stopping(metrics)
	for _, m := range loadsFirst(metrics) {
		r := a.result(m.Name)
		if r.Phase.Completed() {
			continue
		}
		phase, message := a.phaseOf(m, r, stop)
		if judge.InFlight(r) != nil && !phase.Completed() {
			phase = api.AnalysisPhaseRunning
		}
		r.Phase, r.Message = phase, message
		if phase.Completed() {
			text := fmt.Sprintf("Metric '%s' Completed. Result: %s", m.Name, phase)
			if r.DryRun {
				text += " (dry run)"
			}
			a.announce(api.EventMetricPrefix, phase, text)
		}
	}
}

func (a *assay) phaseOf(m api.Metric, r *api.MetricResult, stop judge.Stop) (api.AnalysisPhase, string) {
	if m.During != "" {
		return a.scoped(m, r, stop)
	}
	if why := hopeless(m, r); why != "" {
		return api.AnalysisPhaseError, judge.Trim(fmt.Sprintf("Metric %q assessed Error due to a condition that its report cannot answer: %s", m.Name, why), judge.MaxMessage)
	}
	return judge.MetricPhase(m, *r, stop)
}

// hopeless is why no further Job is worth its load: a condition asks for what the report that is there does not
// have. "" when there is hope, and where the metric says itself how many errors it bears.
func hopeless(m api.Metric, r *api.MetricResult) string {
	n := len(r.Measurements)
	if n == 0 || !m.Provider.ByJob() || m.ConsecutiveErrorLimit != nil || r.Measurements[n-1].Metadata[api.EvidenceReason] != string(judge.BadCondition) {
		return ""
	}
	return r.Measurements[n-1].Message
}

// stopping says who ends the metrics that still measure. The Rollout marks the runs it stops; whoever
// else sets spec.terminate wants an end, not a verdict.
func (a *assay) stopping(metrics []api.Metric) judge.Stop {
	spec, by := a.in.Run.Spec, a.in.Run.Annotations[api.AnnotationStoppedBy]
	switch {
	case spec.Terminate && by != api.StoppedByRollout:
		return judge.StoppedByHand
	case a.terminating(metrics):
		return judge.Stopped
	}
	return judge.GoesOn
}

// terminating says that the run is told to stop, or that a metric that counts has decided it.
func (a *assay) terminating(metrics []api.Metric) bool {
	if a.in.Run.Spec.Terminate {
		return true
	}
	for _, m := range metrics {
		r := a.result(m.Name)
		if !r.DryRun && r.Phase.Completed() && r.Phase != api.AnalysisPhaseSuccessful {
			return true
		}
	}
	return false
}

// conclude sums the metrics up and ends the run when all are complete.
func (a *assay) conclude(metrics []api.Metric) {
	sum := tally{worst: api.AnalysisPhaseSuccessful}
	for _, m := range metrics {
		sum.add(a.result(m.Name))
	}
	a.status.RunSummary, a.status.DryRunSummary = sum.counted, &sum.dry
	if sum.open > 0 {
		a.status.Phase = api.AnalysisPhaseRunning
		a.waiting = sum.waiting()
		return
	}
	a.end(sum.verdict(a.in.Run.Spec.Terminate))
}

func count(s *api.RunSummary, phase api.AnalysisPhase) {
	switch phase {
	case api.AnalysisPhaseSuccessful:
		s.Successful++
	case api.AnalysisPhaseFailed:
		s.Failed++
	case api.AnalysisPhaseInconclusive:
		s.Inconclusive++
	case api.AnalysisPhaseError:
		s.Error++
	case api.AnalysisPhasePending, api.AnalysisPhaseRunning:
	}
}

func (a *assay) end(phase api.AnalysisPhase, message string) {
	at := a.stamp(a.in.Now)
	a.status.Phase, a.status.Message = phase, message
	a.status.CompletedAt = &at
	a.waiting = Reason{Code: string(phase), Message: a.status.Message}
	a.event(phase, "Analysis Completed. Result: "+string(phase))
}

func (a *assay) event(phase api.AnalysisPhase, text string) {
	a.announce(api.EventAnalysisRunPrefix, phase, text)
}

func (a *assay) announce(prefix string, phase api.AnalysisPhase, text string) {
	bad := phase == api.AnalysisPhaseFailed || phase == api.AnalysisPhaseError
	a.events = append(a.events, Event{Warning: bad, Reason: prefix + string(phase), Message: text})
}

// result is the metric's entry in the status, made when it is first needed.
func (a *assay) result(name string) *api.MetricResult {
	if r := entry(a.status.MetricResults, name); r != nil {
		return r
	}
	a.status.MetricResults = append(a.status.MetricResults, api.MetricResult{Name: name, Phase: api.AnalysisPhasePending})
	return &a.status.MetricResults[len(a.status.MetricResults)-1]
}

func (a *assay) wait(t time.Time) {
	if !t.IsZero() && (a.again.IsZero() || t.Before(a.again)) {
		a.again = t
	}
}

func (a *assay) stamp(t time.Time) metav1.Time { return metav1.NewTime(t.Truncate(time.Second)) }

func criteria(m api.Metric) judge.Criteria {
	c := judge.Criteria{SuccessCondition: m.SuccessCondition, FailureCondition: m.FailureCondition, NoData: m.NoData}
	if p := m.Provider.Prometheus; p != nil {
		c.Series = p.Series
	}
	return c
}

func orElse(t, otherwise time.Time) time.Time {
	if t.IsZero() {
		return otherwise
	}
	return t
}

func sameSecond(a, b time.Time) bool { return a.Unix() == b.Unix() }
