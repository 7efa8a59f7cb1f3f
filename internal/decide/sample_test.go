package decide

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/judge"
)

func TestOnlyTheSampleThatIsDueIsTaken(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := metav1.NewTime(start)
	run := &api.AnalysisRun{Spec: api.AnalysisRunSpec{Metrics: []api.Metric{{
		Name: "m", Interval: "10s", SuccessCondition: "result[0] < 1",
		Provider: api.MetricProvider{Prometheus: &api.PrometheusMetric{Query: "q"}},
	}}}}
	run.Status.StartedAt = &at
	good := judge.Sample{Result: []float64{0}, Text: "[0]", StartedAt: start, FinishedAt: start}
	cases := []struct {
		name  string
		keys  []SampleKey
		taken int32
	}{
		{"the first, on time", []SampleKey{{"m", 1, start}}, 1},
		{"twice the same", []SampleKey{{"m", 1, start}, {"m", 1, start}}, 1},
		{"one that was due earlier", []SampleKey{{"m", 1, start.Add(-time.Minute)}}, 0},
		{"another one of the same time", []SampleKey{{"m", 2, start}}, 0},
		{"one that is not due yet", []SampleKey{{"m", 2, start.Add(10 * time.Second)}}, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			in := AnalysisInput{Run: run, Now: start.Add(time.Second)}
			for _, k := range c.keys {
				in.Samples = append(in.Samples, Taken{Key: k, Sample: good})
			}
			if got := Analysis(in).Status.MetricResults[0].Count; got != c.taken {
				t.Errorf("%d measurements, want %d", got, c.taken)
			}
		})
	}
}

func TestTheReportOfAJobStaysWithItsMeasurement(t *testing.T) {
	run := &api.AnalysisRun{Spec: api.AnalysisRunSpec{Metrics: []api.Metric{{Name: "load", Provider: api.MetricProvider{Job: &api.JobMetric{}}}}}}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	run.Status = Analysis(AnalysisInput{Run: run, Now: now}).Status
	ended := Job{Ours: true, Done: true, Ended: true, Sample: judge.Sample{Result: 0.0, Report: map[string]any{"errorRate": 0.01}}}
	in := AnalysisInput{Run: run, Now: now, Jobs: map[string]Job{JobName("", "load", 1): ended}}
	m := Analysis(in).Status.MetricResults[0].Measurements[0]
	if got, want := m.Metadata[api.EvidenceReport], `{"errorRate":0.01}`; got != want {
		t.Errorf("report %q, want %q", got, want)
	}
}

func TestAJobOfSomebodyElseSaysNothing(t *testing.T) {
	run := &api.AnalysisRun{Spec: api.AnalysisRunSpec{Metrics: []api.Metric{{Name: "load", Provider: api.MetricProvider{Job: &api.JobMetric{}}}}}}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	run.Status = Analysis(AnalysisInput{Run: run, Now: now}).Status
	theirs := Job{Done: true, Ended: true, Sample: judge.Sample{Result: 0.0, Text: "0"}}
	plan := Analysis(AnalysisInput{Run: run, Now: now, Jobs: map[string]Job{JobName("", "load", 1): theirs}})
	if m := plan.Status.MetricResults[0].Measurements[0]; m.Phase != api.AnalysisPhaseError || len(plan.Actions) > 0 {
		t.Errorf("the measurement is %s, %q, and the plan %+v; want an error, and their Job left alone", m.Phase, m.Message, plan.Actions)
	}
}

func TestADeletedJobIsNotCreatedAgain(t *testing.T) {
	run := &api.AnalysisRun{Spec: api.AnalysisRunSpec{Metrics: []api.Metric{{Name: "load", Provider: api.MetricProvider{Job: &api.JobMetric{}}}}}}
	run.UID = "uid"
	pass := func(jobs map[string]Job, stop bool) Plan[api.AnalysisRunStatus] {
		run = run.DeepCopy()
		run.Spec.Terminate = stop
		plan := Analysis(AnalysisInput{Run: run, Jobs: jobs, Now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)})
		if !stop {
			run.Status = plan.Status
		}
		return plan
	}
	name := pass(nil, false).Actions[0].(JobExists).Name
	there := map[string]Job{name: {Ours: true}}
	pass(there, false)
	if plan := pass(there, true); len(plan.Actions) != 1 || plan.Actions[0] != (JobGone{Name: name}) {
		t.Errorf("a run that stops: %v, want its Job deleted", plan.Actions)
	}
	plan := pass(nil, false)
	if len(plan.Actions) != 0 || plan.Status.Phase == api.AnalysisPhaseSuccessful || plan.Status.MetricResults[0].Error != 1 {
		t.Errorf("after the Job was deleted: %v, %s, %+v", plan.Actions, plan.Status.Phase, plan.Status.MetricResults[0])
	}
}
