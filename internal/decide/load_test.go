package decide

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/judge"
)

var loadNoon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// loadLab is a run of one load test that n pods share, with what was observed of its Job.
type loadLab struct {
	run *api.AnalysisRun
	job string
	now time.Time
}

func newLoadLab(pods int32) *loadLab {
	l := &loadLab{now: loadNoon, run: &api.AnalysisRun{Spec: api.AnalysisRunSpec{Metrics: []api.Metric{{
		Name: "load", Provider: api.MetricProvider{LoadTest: &api.LoadTestMetric{Parallelism: &pods}},
	}}}}}
	l.run.UID = "uid"
	l.job = jobName("uid", l.run.Spec.Metrics[0], 1)
	return l
}

// pass is one pass that saves its status.
func (l *loadLab) pass(jobs map[string]Job) Plan[api.AnalysisRunStatus] {
	plan := Analysis(AnalysisInput{Run: l.run, Jobs: jobs, Now: l.now})
	l.run = l.run.DeepCopy()
	l.run.Status = plan.Status
	return plan
}

func (l *loadLab) seen(j Job) map[string]Job {
	j.Ours = true
	return map[string]Job{l.job: j}
}

func (l *loadLab) last() *api.Measurement {
	return lastMeasurement(&l.run.Status.MetricResults[0])
}

// TestPodsThatShareALoadBeginTogether is the story of a start, pass by pass.
func TestPodsThatShareALoadBeginTogether(t *testing.T) {
	l := newLoadLab(2)
	told := func(plan Plan[api.AnalysisRunStatus]) string {
		text := ""
		for _, a := range plan.Actions {
			switch a := a.(type) {
			case LoadStarts:
				text += fmt.Sprintf("%v at +%s ", a.Pods, a.At.Sub(loadNoon))
			default:
				text += fmt.Sprintf("%T ", a)
			}
		}
		return text + "| " + l.last().Metadata[api.EvidenceLoadStartedAt]
	}
	started := loadNoon.Add(15 * time.Second)
	for _, step := range []struct {
		name   string
		second int
		jobs   map[string]Job
		want   string
	}{
		{"the Job is made", 0, nil, "decide.JobExists | "},
		{"one pod is there", 5, l.seen(Job{}), "| "},
		{"both are: a moment ahead of them is saved, and they are told", 10, l.seen(Job{Assembled: true, Untold: []string{"a", "b"}}), "[a b] at +15s | 2026-01-01T12:00:15Z"},
		{"the act was lost: they are told the same", 11, l.seen(Job{Assembled: true, Untold: []string{"a", "b"}}), "[a b] at +15s | 2026-01-01T12:00:15Z"},
		{"one was told, the other is told the same", 14, l.seen(Job{Assembled: true, Untold: []string{"b"}, LoadFrom: started}), "[b] at +15s | 2026-01-01T12:00:15Z"},
		{"both were", 14, l.seen(Job{Assembled: true, LoadFrom: started}), "| 2026-01-01T12:00:15Z"},
		{"one that is told too late is told the same", 60, l.seen(Job{Assembled: true, Untold: []string{"b"}, LoadFrom: started}), "[b] at +15s | 2026-01-01T12:00:15Z"},
	} {
		l.now = loadNoon.Add(time.Duration(step.second) * time.Second)
		if got := told(l.pass(step.jobs)); got != step.want {
			t.Errorf("%s: %q, want %q", step.name, got, step.want)
		}
	}
}

func TestNobodyIsToldOfAMomentThatIsPast(t *testing.T) {
	l := newLoadLab(2)
	l.pass(nil)
	there := Job{Assembled: true, Untold: []string{"a", "b"}}
	l.pass(l.seen(there))
	l.now = loadNoon.Add(time.Minute) // the controller died before its act
	plan := l.pass(l.seen(there))
	want := LoadStarts{Job: l.job, Pods: []string{"a", "b"}, At: l.now.Add(loadLead)}
	if diff := cmp.Diff([]Action{want}, plan.Actions); diff != "" {
		t.Errorf("actions (-want +got):\n%s", diff)
	}
	if got := l.last().Metadata[api.EvidenceLoadStartedAt]; got != "2026-01-01T12:01:05Z" {
		t.Errorf("saved is %s", got)
	}
}

func TestALoadThatIsStoppedDoesNotBegin(t *testing.T) {
	l := newLoadLab(2)
	l.pass(nil)
	l.run.Spec.Terminate = true
	plan := l.pass(l.seen(Job{Assembled: true, Untold: []string{"a", "b"}}))
	if diff := cmp.Diff([]Action{JobGone{Name: l.job}}, plan.Actions); diff != "" {
		t.Errorf("actions (-want +got):\n%s", diff)
	}
}

func TestALoadTestThatIsQueuedWaitsWithoutAnError(t *testing.T) {
	l := newLoadLab(1)
	l.pass(nil)
	if diff := cmp.Diff(map[string]time.Time{l.job: loadNoon}, LoadsWanted(l.run)); diff != "" {
		t.Errorf("it wants (-want +got):\n%s", diff)
	}
	queued := Job{Missing: true, Ended: true, Queued: true, Waiting: "It waits.", Again: loadNoon.Add(time.Hour)}
	for range 3 {
		l.now = l.now.Add(time.Minute)
		plan := l.pass(l.seen(queued))
		if len(plan.Actions) != 0 || l.last().Phase != api.AnalysisPhaseRunning || l.last().Message != "It waits." || plan.Again != queued.Again {
			t.Fatalf("actions %v, measurement %+v, again %s", plan.Actions, l.last(), plan.Again)
		}
	}
	if plan := l.pass(nil); len(plan.Actions) != 1 {
		t.Errorf("with a place: %v, want its Job", plan.Actions)
	}
	l.run.Spec.Terminate = true
	if got := LoadsWanted(l.run); got != nil {
		t.Errorf("a run that stops wants %v", got)
	}
	l.pass(l.seen(queued))
	if l.run.Status.Phase != api.AnalysisPhaseInconclusive {
		t.Errorf("stopped while it waited: %s", l.run.Status.Phase)
	}
}

func TestJobsOfTheUserAreNotCountedAsLoadTests(t *testing.T) {
	run := &api.AnalysisRun{Spec: api.AnalysisRunSpec{Metrics: []api.Metric{{Name: "job", Provider: api.MetricProvider{Job: &api.JobMetric{}}}}}}
	run.Status = Analysis(AnalysisInput{Run: run, Now: loadNoon}).Status
	if got := LoadsWanted(run); got != nil {
		t.Errorf("it wants %v", got)
	}
}

func TestWhenALoadBeganStaysWithItsMeasurement(t *testing.T) {
	l := newLoadLab(1)
	l.pass(nil)
	l.pass(l.seen(Job{LoadFrom: loadNoon.Add(1500 * time.Millisecond)}))
	l.pass(l.seen(Job{Done: true, Ended: true, Sample: judge.Sample{Result: 0.0, Text: "0"}}))
	if got, want := l.last().Metadata[api.EvidenceLoadStartedAt], "2026-01-01T12:00:01.5Z"; got != want || l.last().Phase != api.AnalysisPhaseSuccessful {
		t.Errorf("it began at %q, want %q; %s", got, want, l.last().Phase)
	}
}

// TestTheResultKnowsWhenALoadBegan: better than when its container did, unless its pods were told.
func TestTheResultKnowsWhenALoadBegan(t *testing.T) {
	for pods, want := range map[int32]string{1: "2026-01-01T12:02:00Z", 3: "2026-01-01T12:00:00Z"} {
		l := newLoadLab(pods)
		l.pass(nil)
		l.pass(l.seen(Job{LoadFrom: loadNoon}))
		l.now = loadNoon.Add(3 * time.Minute)
		l.pass(l.seen(Job{Done: true, Ended: true, LoadFrom: loadNoon.Add(2 * time.Minute), LoadTo: loadNoon.Add(3 * time.Minute), Sample: judge.Sample{Result: 0.0, Text: "0"}}))
		from, to := l.last().Metadata[api.EvidenceLoadStartedAt], l.last().Metadata[api.EvidenceLoadEndedAt]
		if from != want || to != "2026-01-01T12:03:00Z" {
			t.Errorf("%d pods: from %s to %s, want from %s", pods, from, to, want)
		}
		m := api.Metric{Name: "errors", During: "load", Provider: api.MetricProvider{Prometheus: &api.PrometheusMetric{}}}
		if w := windowOf(l.run.Status, m); w.from.Format(time.RFC3339) != want {
			t.Errorf("%d pods: the window begins at %s", pods, w.from)
		}
	}
}

// TestLawAllPodsAreToldTheSame: whatever acts are lost, in part or whole, whoever dies between two writes, and however
// old what was seen is, the pods of a test are never told two moments, because a write is refused where the pod has
// been told meanwhile.
func TestLawAllPodsAreToldTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const n = 3
		l := newLoadLab(n)
		l.pass(nil)
		var told [n]time.Time // as the server has it
		var stale [n]time.Time
		for range rapid.IntRange(1, 12).Draw(t, "passes") {
			l.now = l.now.Add(time.Duration(rapid.IntRange(0, 9000).Draw(t, "ms later")) * time.Millisecond)
			if rapid.Bool().Draw(t, "the cache has caught up") {
				stale = told
			}
			job := Job{Assembled: true}
			for i, at := range stale {
				if at.IsZero() {
					job.Untold = append(job.Untold, fmt.Sprint(i))
				} else {
					job.LoadFrom = at
				}
			}
			before := l.run
			plan := l.pass(l.seen(job))
			if rapid.Bool().Draw(t, "the save was lost") {
				l.run = before
				continue
			}
			for _, a := range plan.Actions {
				start, ok := a.(LoadStarts)
				if !ok {
					t.Fatalf("%T", a)
				}
				if old := start.At.Before(l.now); old && job.LoadFrom.IsZero() {
					t.Fatalf("told of a moment that is past by %s", l.now.Sub(start.At))
				}
				for _, name := range start.Pods {
					i := int(name[0] - '0')
					if rapid.Bool().Draw(t, "died") {
						break
					}
					if told[i] != stale[i] {
						break // refused, which ends the act
					}
					told[i] = start.At
				}
			}
		}
		for i := range told {
			for j := range told {
				if !told[i].IsZero() && !told[j].IsZero() && !told[i].Equal(told[j]) {
					t.Fatalf("pods were told %v", told)
				}
			}
		}
	})
}

func TestARunThatIsOverWaitsForNoPlace(t *testing.T) {
	begun := metav1.NewTime(loadNoon)
	run := &api.AnalysisRun{Status: api.AnalysisRunStatus{Phase: api.AnalysisPhaseRunning, MetricResults: []api.MetricResult{{
		Name: "load", Measurements: []api.Measurement{{StartedAt: &begun, Metadata: map[string]string{jobPending: pendingLoad, api.MetadataJobName: "j"}}},
	}}}}
	if got := LoadsWanted(run); len(got) != 1 || !got["j"].Equal(loadNoon) {
		t.Errorf("a run that goes on wants %v", got)
	}
	run.Status.Phase = api.AnalysisPhaseFailed
	if got := LoadsWanted(run); len(got) != 0 {
		t.Errorf("a run that is over wants %v", got)
	}
}

func TestWhatIsKeptOfAReport(t *testing.T) {
	numbers := func(more string, value any) map[string]any {
		return map[string]any{"requests": 1204.0, "latency": map[string]any{"p95": 41.0, "p42": 7.0}, more: value}
	}
	own := numbers("version", 1.0)
	own["startedAt"] = 1785499200.5
	for _, c := range []struct {
		name   string
		m      api.Metric
		report map[string]any
		keeps  string
		says   string
	}{
		{"of a load test what people look for", api.Metric{Provider: api.MetricProvider{LoadTest: &api.LoadTestMetric{}}}, numbers("histogram", "xyz"),
			`{"requests":1204,"latency":{"p95":41}}`, "It failed (1,204 requests, p95 41 ms)."},
		{"of a Job that reports as k6 does", api.Metric{Provider: api.MetricProvider{Job: &api.JobMetric{Report: &api.JobReport{Format: api.ReportK6}}}}, numbers("raw", "xyz"),
			`{"requests":1204,"latency":{"p95":41}}`, "It failed (1,204 requests, p95 41 ms)."},
		{"of a Job that leaves our own result", api.Metric{Provider: api.MetricProvider{Job: &api.JobMetric{}}}, own,
			`{"requests":1204,"latency":{"p95":41}}`, "It failed (1,204 requests, p95 41 ms)."},
		{"of a report in words of its own everything", api.Metric{Provider: api.MetricProvider{Job: &api.JobMetric{}}}, numbers("orders", 3.0),
			`{"latency":{"p42":7,"p95":41},"orders":3,"requests":1204}`, "It failed."},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := &assay{in: AnalysisInput{Run: &api.AnalysisRun{}, Now: loadNoon}}
			var r api.MetricResult
			a.take(c.m, &r, judge.Sample{Result: 1.0, Text: "1", Report: c.report, Forced: api.AnalysisPhaseFailed, Message: "It failed."}, loadNoon)
			m := r.Measurements[0]
			if m.Metadata[api.EvidenceReport] != c.keeps || m.Message != c.says {
				t.Errorf("keeps %s and says %q, want %s and %q", m.Metadata[api.EvidenceReport], m.Message, c.keeps, c.says)
			}
		})
	}
}
