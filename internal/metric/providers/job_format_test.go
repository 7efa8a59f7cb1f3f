package providers

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/judge"
	"sluice.dev/sluice/internal/metric"
)

func sampleReport(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "loadreport", "testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func formatted(format api.ReportFormat, condition string) api.Metric {
	m := jobMetric()
	m.Provider.Job.Report = &api.JobReport{Format: format}
	m.SuccessCondition = condition
	return m
}

// seenEnd is a Job whose container ended so.
func seenEnd(m api.Metric, code int32, message string) metric.Seen {
	job, phase := ended(batchv1.JobComplete, "", ""), corev1.PodSucceeded
	if code != 0 {
		job, phase = ended(batchv1.JobFailed, "BackoffLimitExceeded", "Job has reached the specified backoff limit"), corev1.PodFailed
	}
	return metric.Seen{Metric: m, Job: job, Pods: []corev1.Pod{pod("p", phase, exited("main", code, 99, "Error", message))}, Now: at(101).Time}
}

// judgedAs is what becomes of a sample.
func judgedAs(m api.Metric, s judge.Sample) judge.Verdict {
	return judge.Judge(judge.Criteria{SuccessCondition: m.SuccessCondition, FailureCondition: m.FailureCondition}, s, at(101).Time)
}

func TestHowAProgramWeKnowEnds(t *testing.T) {
	const fast = "result == 0 && report.latency.p95 < 250 && report.errors.rate < 0.1"
	v1 := func(verdict string) string {
		return `{"v":1,"verdict":"` + verdict + `","why":"p99 was 900","lat":{"p95":5},"rate":{}}`
	}
	for _, c := range []struct {
		name    string
		format  api.ReportFormat
		code    int32
		message string
		when    string
		want    api.AnalysisPhase
		says    string
	}{
		{"vegeta that went well", api.ReportVegeta, 0, sampleReport(t, "vegeta"), fast, api.AnalysisPhaseSuccessful, ""},
		{"vegeta that was refused", api.ReportVegeta, 0, sampleReport(t, "vegeta-refused"), fast, api.AnalysisPhaseFailed, "report.errors.rate is 1"},
		{"fortio that went well", api.ReportFortio, 0, sampleReport(t, "fortio"), fast, api.AnalysisPhaseSuccessful, ""},
		{"ghz that went well", api.ReportGhz, 0, sampleReport(t, "ghz"), fast, api.AnalysisPhaseSuccessful, ""},
		{"Artillery that went well", api.ReportArtillery, 0, sampleReport(t, "artillery"), fast, api.AnalysisPhaseSuccessful, ""},
		{"k6 with thresholds that were crossed", api.ReportK6, 99, sampleReport(t, "k6-export"), "", api.AnalysisPhaseFailed, "exit code 99: crossed http_req_failed: rate<0.01"},
		{"k6 with thresholds that were crossed, by its report alone", api.ReportK6, 0, sampleReport(t, "k6-export"), "", api.AnalysisPhaseFailed, "The report of k6 says that the test failed: crossed http_req_failed: rate<0.01"},
		{"k6 whose report is lost, with thresholds crossed", api.ReportK6, 99, "", fast, api.AnalysisPhaseFailed, "the report could not be read"},
		{"k6 whose script threw", api.ReportK6, 107, "", "", api.AnalysisPhaseError, "exit code 107; k6 ends so when the test itself did not work"},
		{"k6 that ran out of memory", api.ReportK6, 137, "", "", api.AnalysisPhaseError, "exit code 137"},
		{"sluice-load whose gates broke", api.ReportResult, 1, v1("fail"), "", api.AnalysisPhaseFailed, "p99 was 900"},
		{"sluice-load whose expectations were not met", api.ReportResult, 21, "", "", api.AnalysisPhaseFailed, "exit code 21"},
		{"sluice-load that cannot tell", api.ReportResult, 3, v1("inconclusive"), "", api.AnalysisPhaseInconclusive, "p99 was 900"},
		{"sluice-load that cannot tell and whose report is lost", api.ReportResult, 3, "", "", api.AnalysisPhaseInconclusive, "exit code 3"},
		{"sluice-load with a script it cannot read", api.ReportResult, 2, "", "", api.AnalysisPhaseError, "exit code 2; sluice-load ends so"},
		{"Artillery whose checks failed", api.ReportArtillery, 1, sampleReport(t, "artillery"), "", api.AnalysisPhaseFailed, "exit code 1"},
		{"Artillery whose expectations failed", api.ReportArtillery, 21, "", "", api.AnalysisPhaseFailed, "exit code 21"},
		{"Artillery with a script it cannot read", api.ReportArtillery, 1, "", "", api.AnalysisPhaseError, "exit code 1; Artillery ends so"},
		{"any program", api.ReportJSON, 7, `{"latency":{"p95":1}}`, "", api.AnalysisPhaseFailed, "exit code 7"},
		{"any program that went well", api.ReportJSON, 0, `{"latency":{"p95":1},"errors":{"rate":0}}`, fast, api.AnalysisPhaseSuccessful, ""},
		{"a report that cannot be read, and that a condition uses", api.ReportVegeta, 0, "oops", fast, api.AnalysisPhaseError, "the report could not be read: as termination message, it is no JSON object"},
		{"the same with a way out", api.ReportVegeta, 0, "oops", "(report?.errors?.rate ?? 0) < 0.1", api.AnalysisPhaseError, "the report could not be read"},
		{"a report that cannot be read, and that no condition uses", api.ReportVegeta, 0, "oops", "result == 0", api.AnalysisPhaseSuccessful, "the report could not be read"},
		{"a report that cannot be read, without conditions", api.ReportVegeta, 0, "oops", "", api.AnalysisPhaseSuccessful, "the report could not be read"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := formatted(c.format, c.when)
			m.Provider.Job.Report.From = api.ReportFromTerminationMessage
			seen := seenEnd(m, c.code, c.message)
			p := Job{}.Poll(seen)
			if p.Log != nil {
				seen.Log = &metric.Log{}
				p = Job{}.Poll(seen)
			}
			if !p.Done {
				t.Fatalf("not done: %+v", p)
			}
			got := judgedAs(m, p.Sample)
			if got.Phase != c.want || !strings.Contains(got.Message, c.says) {
				t.Errorf("%s: %s\nwant %s with %q", got.Phase, got.Message, c.want, c.says)
			}
		})
	}
}

func TestAReportIsLookedForInTheLog(t *testing.T) {
	const fast = "report.latency.p95 < 250"
	log := "Requests      [total]  100\n" + sampleReport(t, "vegeta") + "\nbye\n"
	for _, c := range []struct {
		name    string
		from    api.ReportSource
		message string
		log     *metric.Log
		asks    bool
		want    api.AnalysisPhase
		says    string
	}{
		{"there is one as termination message", "", sampleReport(t, "vegeta"), nil, false, api.AnalysisPhaseSuccessful, ""},
		{"there is none as termination message", "", "", &metric.Log{Text: log}, true, api.AnalysisPhaseSuccessful, ""},
		{"it is said to be in the log", api.ReportFromLog, `{"requests":1}`, &metric.Log{Text: log}, true, api.AnalysisPhaseSuccessful, ""},
		{"there is none there either", "", "", &metric.Log{Text: "nothing"}, true, api.AnalysisPhaseError, "as termination message, there is none; in the log, the log holds no JSON object"},
		{"the log cannot be read", api.ReportFromLog, "", &metric.Log{Problem: "the log could not be read within 5s"}, true, api.AnalysisPhaseError, "the log could not be read within 5s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := formatted(api.ReportVegeta, fast)
			m.Provider.Job.Report.From = c.from
			seen := seenEnd(m, 0, c.message)
			p := Job{}.Poll(seen)
			if asks := p.Log != nil && p.Log.Bytes == 1<<20 && p.Log.Pod == "p" && p.Log.Container == "main" && !p.Done; asks != c.asks {
				t.Fatalf("asks for the log: %v, want %v: %+v", asks, c.asks, p)
			}
			if c.asks {
				seen.Log = c.log
				p = Job{}.Poll(seen)
			}
			got := judgedAs(m, p.Sample)
			if !p.Done || got.Phase != c.want || !strings.Contains(got.Message, c.says) {
				t.Errorf("done %v, %s: %s\nwant %s with %q", p.Done, got.Phase, got.Message, c.want, c.says)
			}
		})
	}
}

func TestTheEndOfTheLogStaysWithWhatDidNotPass(t *testing.T) {
	long := strings.Repeat("line\n", 50) + "last \x1b[31mwords\r\n\n"
	for _, c := range []struct {
		name string
		code int32
		when string
		log  metric.Log
		want string // the end of it
	}{
		{"a Job that failed", 1, "", metric.Log{Text: long}, "line\nlast [31mwords"},
		{"a condition that is false", 0, "report.a > 1", metric.Log{Text: "a\nb"}, "a\nb"},
		{"a log that cannot be read", 1, "", metric.Log{Problem: "the log could not be read within 1.5s"}, "Not read: the log could not be read within 1.5s."},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := jobMetric()
			m.SuccessCondition = c.when
			seen := seenEnd(m, c.code, `{"a":1}`)
			p := Job{}.Poll(seen)
			if p.Done || p.Log == nil || p.Log.Within > 2e9 {
				t.Fatalf("%+v, want the log asked for, and not waited for longer than 2 s", p)
			}
			seen.Log = &c.log
			p = Job{}.Poll(seen)
			got := p.Sample.Metadata["sluice.dev/log"]
			if !p.Done || !strings.HasSuffix(got, c.want) || strings.Count(got, "\n") >= 20 {
				t.Errorf("done %v, with %q, want at most 20 lines that end with %q", p.Done, got, c.want)
			}
		})
	}
	wide := tail(strings.Repeat("é", 5000))
	if len(wide) > 2<<10 || !strings.HasPrefix(wide, "…") {
		t.Errorf("a long line is kept with %d bytes: %.20s", len(wide), wide)
	}
	passed := jobMetric()
	if p := (Job{}).Poll(seenEnd(passed, 0, "")); !p.Done || p.Log != nil {
		t.Errorf("a Job that did well: %+v, want no log read", p)
	}
}

func TestALoadTestsWindowIsWhenItsContainerRan(t *testing.T) {
	m := formatted(api.ReportVegeta, "")
	running := corev1.ContainerStatus{Name: "main", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: at(10)}}}
	live := Job{}.Poll(metric.Seen{Metric: m, Job: &batchv1.Job{}, Pods: []corev1.Pod{pod("p", corev1.PodRunning, running)}, Now: at(20).Time})
	if !live.LoadFrom.Equal(at(10).Time) || !live.LoadTo.IsZero() {
		t.Errorf("while it runs: %v to %v, want from 10 s", live.LoadFrom, live.LoadTo)
	}
	seen := seenEnd(m, 0, sampleReport(t, "vegeta"))
	seen.Pods[0].Status.ContainerStatuses[0].State.Terminated.StartedAt = at(10)
	over := Job{}.Poll(seen)
	if !over.Done || !over.LoadFrom.Equal(at(10).Time) || !over.LoadTo.Equal(at(99).Time) {
		t.Errorf("afterwards: %v to %v, want from 10 s to 99 s", over.LoadFrom, over.LoadTo)
	}
	seen.Metric = jobMetric()
	if p := (Job{}).Poll(seen); !p.LoadFrom.IsZero() || !p.LoadTo.IsZero() {
		t.Errorf("a Job that is no load test has a window: %v to %v", p.LoadFrom, p.LoadTo)
	}
}
