package view

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "sluice.dev/sluice/api/v1alpha1"
)

func TestTheNewestLogIsShownLineByLine(t *testing.T) {
	at := metav1.NewTime(time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC))
	measured := func(log string) api.Measurement {
		return api.Measurement{Phase: api.AnalysisPhaseFailed, Value: "1", StartedAt: &at, FinishedAt: &at, Metadata: map[string]string{api.EvidenceLog: log}}
	}
	run := &api.AnalysisRun{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "load"},
		Spec:       api.AnalysisRunSpec{Metrics: []api.Metric{{Name: "load", Provider: api.MetricProvider{Job: &api.JobMetric{}}}}},
		Status: api.AnalysisRunStatus{Phase: api.AnalysisPhaseFailed, StartedAt: &at, MetricResults: []api.MetricResult{{
			Name: "load", Phase: api.AnalysisPhaseFailed, Failed: 2, Count: 2,
			Measurements: []api.Measurement{measured("an older one"), measured("dial tcp: refused\n\tat line 7\n" + strings.Repeat("x", 200))},
		}}},
	}
	for name, text := range map[string]string{
		"get": Run(RunScene{Run: run, Now: at.Time}, 80).Text(80, nil),
		"why": WhyRun(RunScene{Run: run, Now: at.Time}, 80).Text(80, nil),
	} {
		want := "                the end of its log:\n                │ dial tcp: refused\n                │     at line 7\n                │ xxx"
		if !strings.Contains(text, want) || strings.Contains(text, "an older one") {
			t.Errorf("%s shows\n%s\nwant the newest log:\n%s", name, text, want)
		}
		for line := range strings.Lines(text) {
			if n := columns(strings.TrimSuffix(line, "\n")); n > 80 {
				t.Errorf("%s has a line of %d columns: %s", name, n, line)
			}
		}
	}
}
