package decide

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/judge"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// lab passes one AnalysisRun on a clock of its own. Every read answers what its metric is to say, at once.
type lab struct {
	run  *api.AnalysisRun
	now  time.Time
	jobs map[string]Job
	last Plan[api.AnalysisRunStatus]
	// says is the value of each metric; a metric that is absent is an error.
	says map[string]float64
}

func newLab(spec api.AnalysisRunSpec) *lab {
	l := &lab{run: &api.AnalysisRun{Spec: spec}, now: noon, jobs: map[string]Job{}, says: map[string]float64{}}
	l.run.Name, l.run.UID = "run", "uid"
	return l
}

// prom is a metric that should be at most 1, measured so many times, a second apart.
func prom(name string, count int) api.Metric {
	n := intstr.FromInt(count)
	return api.Metric{
		Name: name, Interval: "1s", Count: &n, SuccessCondition: "result[0] <= 1",
		Provider: api.MetricProvider{Prometheus: &api.PrometheusMetric{Query: name}},
	}
}

// pass lets the controller look once, with every read taken that is due.
func (l *lab) pass() {
	in := AnalysisInput{Run: l.run, Jobs: maps.Clone(l.jobs), Now: l.now}
	for _, due := range Reads(l.run) {
		if l.now.Before(due.At) {
			continue
		}
		s := judge.Sample{StartedAt: l.now, FinishedAt: l.now}
		if value, ok := l.says[due.Metric]; ok {
			s.Result, s.Text = []float64{value}, fmt.Sprintf("[%g]", value)
		} else {
			s.Failure = &judge.Failure{Class: judge.Unreachable, Message: "nobody answers"}
		}
		in.Samples = append(in.Samples, Taken{Key: due.SampleKey, Sample: s})
	}
	l.last = Analysis(in)
	l.run = l.run.DeepCopy()
	l.run.Status = l.last.Status
	for _, action := range l.last.Actions {
		switch a := action.(type) {
		case JobExists:
			l.jobs[a.Name] = Job{Ours: true, Done: true, Ended: true, Sample: judge.Sample{Result: 0.0, Text: "0", FinishedAt: l.now}}
		case JobGone:
			delete(l.jobs, a.Name)
		}
	}
}

// seconds lets time pass.
func (l *lab) seconds(n int) {
	for range n {
		l.pass()
		l.now = l.now.Add(time.Second)
	}
}

func dry(rules ...string) (all []api.DryRun) {
	for _, r := range rules {
		all = append(all, api.DryRun{MetricName: r})
	}
	return all
}

func TestDryRunsHaveNoSay(t *testing.T) {
	type outcome struct {
		Phase           api.AnalysisPhase
		Message         string
		Counted, DryRun api.RunSummary
	}
	two := []api.Metric{prom("counts", 2), prom("tried", 2)}
	alone := []api.Metric{prom("tried", 2)}
	good, bad := 0.5, 7.0
	cases := []struct {
		name    string
		metrics []api.Metric
		says    map[string]float64
		seconds int
		stop    bool
		want    outcome
	}{
		{"a dry run that fails leaves the run Successful", two, map[string]float64{"counts": good, "tried": bad}, 9, false, outcome{
			api.AnalysisPhaseSuccessful, "", api.RunSummary{Count: 1, Successful: 1}, api.RunSummary{Count: 1, Failed: 1}}},
		{"a dry run that cannot be measured leaves the run Successful", two, map[string]float64{"counts": good}, 90, false, outcome{
			api.AnalysisPhaseSuccessful, "", api.RunSummary{Count: 1, Successful: 1}, api.RunSummary{Count: 1, Error: 1}}},
		{"a dry run that is good saves nothing", two, map[string]float64{"counts": bad, "tried": good}, 9, false, outcome{
			api.AnalysisPhaseFailed, `Metric "counts" assessed Failed due to failed (1) > failureLimit (0): successCondition "result[0] <= 1" is false: result[0] is 7, 7 times the limit 1`,
			api.RunSummary{Count: 1, Failed: 1}, api.RunSummary{Count: 1, Successful: 1}}},
		{"the run goes on until its dry runs are complete", []api.Metric{prom("counts", 1), prom("tried", 100)}, map[string]float64{"counts": good, "tried": good}, 9, false, outcome{
			api.AnalysisPhaseRunning, "", api.RunSummary{Count: 1, Successful: 1}, api.RunSummary{Count: 1}}},
		{"dry runs alone are Successful whatever they measure", alone, map[string]float64{"tried": bad}, 9, false, outcome{
			api.AnalysisPhaseSuccessful, "All metrics are dry runs: none of them counts.", api.RunSummary{}, api.RunSummary{Count: 1, Failed: 1}}},
		{"dry runs alone, stopped after a measurement, are Successful", []api.Metric{prom("tried", 100)}, map[string]float64{"tried": good}, 3, true, outcome{
			api.AnalysisPhaseSuccessful, "Run Terminated: All metrics are dry runs: none of them counts.", api.RunSummary{}, api.RunSummary{Count: 1, Inconclusive: 1}}},
		{"dry runs alone, stopped before anything was measured, are no success", alone, nil, 0, true, outcome{
			api.AnalysisPhaseInconclusive, "Run Terminated: stopped before it measured anything", api.RunSummary{}, api.RunSummary{Count: 1, Inconclusive: 1}}},
		{"a measured dry run does not stand in for a metric that was stopped before it measured", []api.Metric{delayed(prom("counts", 1)), prom("tried", 2)}, map[string]float64{"counts": good, "tried": good}, 3, true, outcome{
			api.AnalysisPhaseInconclusive, `Run Terminated: Metric "counts" assessed Inconclusive due to stopped before it measured anything`,
			api.RunSummary{Count: 1, Inconclusive: 1}, api.RunSummary{Count: 1, Successful: 1}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			l := newLab(api.AnalysisRunSpec{Metrics: c.metrics, DryRun: dry("^tried$")})
			l.says = c.says
			l.seconds(c.seconds)
			if c.stop {
				l.run.Spec.Terminate = true
				l.pass()
			}
			s := l.run.Status
			got := outcome{s.Phase, s.Message, s.RunSummary, *s.DryRunSummary}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			for _, r := range s.MetricResults {
				if r.DryRun != (r.Name == "tried") {
					t.Errorf("metric %s has dryRun: %t", r.Name, r.DryRun)
				}
			}
		})
	}
}

func delayed(m api.Metric) api.Metric {
	m.InitialDelay = "1h"
	return m
}

func TestARuleMatchesNamesWithTheirArgumentsFilledIn(t *testing.T) {
	value := "tried"
	l := newLab(api.AnalysisRunSpec{
		Metrics: []api.Metric{prom("{{args.name}}", 1), prom("counts", 1)}, DryRun: dry("tri"),
		Args: []api.Argument{{Name: "name", Value: &value}},
	})
	l.says = map[string]float64{"tried": 7, "counts": 0}
	l.seconds(5)
	if s := l.run.Status; s.Phase != api.AnalysisPhaseSuccessful || s.DryRunSummary.Failed != 1 {
		t.Errorf("%s, dry runs %+v", s.Phase, s.DryRunSummary)
	}
}

func TestAFailedMetricStopsTheDryRunsBesideIt(t *testing.T) {
	job := api.Metric{Name: "tried", Provider: api.MetricProvider{Job: &api.JobMetric{}}}
	l := newLab(api.AnalysisRunSpec{Metrics: []api.Metric{prom("counts", 1), job}, DryRun: dry("tried")})
	l.pass()
	name := JobName("uid", "tried", 1)
	l.jobs[name] = Job{Ours: true}
	l.says = map[string]float64{"counts": 7}
	l.pass()
	if l.run.Status.Phase != api.AnalysisPhaseFailed {
		t.Errorf("the run is %s: %s", l.run.Status.Phase, l.run.Status.Message)
	}
	if diff := cmp.Diff([]Action{JobGone{Name: name}}, l.last.Actions); diff != "" {
		t.Errorf("actions (-want +got):\n%s", diff)
	}
}

func TestMeasurementsAreKeptAsTheRunAsks(t *testing.T) {
	l := newLab(api.AnalysisRunSpec{
		Metrics: []api.Metric{prom("many", 30), prom("few", 30), prom("plain", 30), prom("none", 30)},
		MeasurementRetention: []api.MeasurementRetention{
			{MetricName: "^(m|f)", Limit: 20}, {MetricName: "few", Limit: 2}, {MetricName: "none", Limit: 0},
		},
	})
	l.says = map[string]float64{"many": 0, "few": 0, "plain": 0, "none": 0}
	l.seconds(40)
	var got []string
	for _, r := range l.run.Status.MetricResults {
		got = append(got, fmt.Sprintf("%s: %d of %d", r.Name, len(r.Measurements), r.Count))
	}
	want := []string{"many: 20 of 30", "few: 2 of 30", "plain: 10 of 30", "none: 10 of 30"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("measurements (-want +got):\n%s", diff)
	}
}

func TestJobsOfDroppedMeasurementsAreDeleted(t *testing.T) {
	count := intstr.FromInt(6)
	l := newLab(api.AnalysisRunSpec{
		Metrics:              []api.Metric{{Name: "load", Interval: "1s", Count: &count, Provider: api.MetricProvider{Job: &api.JobMetric{}}}},
		MeasurementRetention: []api.MeasurementRetention{{MetricName: "load", Limit: 2}},
	})
	l.jobs["of-somebody-else"] = Job{}
	l.jobs["never-created"] = Job{Ours: true, Missing: true, Done: true, Ended: true}
	for range 30 {
		l.pass()
		for name := range l.jobs {
			held := slices.ContainsFunc(l.run.Status.MetricResults[0].Measurements, func(m api.Measurement) bool { return m.Metadata[api.MetadataJobName] == name })
			if strings.HasPrefix(name, "uid.") && !held {
				t.Fatalf("Job %s stays without its measurement", name)
			}
		}
		l.now = l.now.Add(time.Second)
	}
	if l.run.Status.Phase != api.AnalysisPhaseSuccessful || l.run.Status.MetricResults[0].Count != 6 {
		t.Errorf("the run is %s after %d Jobs", l.run.Status.Phase, l.run.Status.MetricResults[0].Count)
	}
	want := []string{"never-created", "of-somebody-else", JobName("uid", "load", 5), JobName("uid", "load", 6)}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(l.jobs))); diff != "" {
		t.Errorf("Jobs that stay (-want +got):\n%s", diff)
	}
	if len(l.last.Actions) != 0 {
		t.Errorf("at rest: %v", l.last.Actions)
	}
}

func TestPromotionWaitsForNoDryRun(t *testing.T) {
	started := metav1.NewTime(noon)
	run := &api.AnalysisRun{Spec: api.AnalysisRunSpec{Metrics: []api.Metric{prom("counts", 2), prom("tried", 9)}, DryRun: dry("tried")}}
	run.Status.StartedAt = &started
	if !owesVerdict(run) {
		t.Error("the metric that counts is open, and nobody waits for it")
	}
	run.Status.MetricResults = []api.MetricResult{{Name: "counts", Phase: api.AnalysisPhaseSuccessful}}
	if owesVerdict(run) {
		t.Error("a dry run is waited for")
	}
}
