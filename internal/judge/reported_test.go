package judge

import (
	"strings"
	"testing"
	"time"

	api "sluice.dev/sluice/api/v1alpha1"
)

func TestAConditionThatAReportCannotAnswerIsHopeless(t *testing.T) {
	report := map[string]any{"latency": map[string]any{"p50": 1.0, "p99": 2.0}, "requests": 5.0, "verdict": "pass"}
	for _, c := range []struct {
		condition string
		report    map[string]any
		hopeless  bool
		want      string
	}{
		{"report.latency.p96 < 100", report, true, "report.latency has no p96; it has p50, p99"},
		{"report.ratio.latency.p99 < 1.2", report, true, "report has no ratio; it has latency, requests, verdict"},
		{"report.requests.count > 1", report, true, "report.requests is float64 and has no count"},
		{"report.verdict < 5", report, true, ""},
		{"report.latency.p99 < 100", report, false, ""},
		{"report.latency.p99 < 100", nil, false, "there is no report"},
	} {
		got := Judge(Criteria{SuccessCondition: c.condition}, Sample{Result: 0.0, Report: c.report}, time.Unix(0, 0))
		if got.Hopeless != c.hopeless || !strings.Contains(got.Message, c.want) || c.hopeless != (got.Phase == api.AnalysisPhaseError && c.report != nil) {
			t.Errorf("%s: %+v, want hopeless %t because %q", c.condition, got, c.hopeless, c.want)
		}
	}
}
