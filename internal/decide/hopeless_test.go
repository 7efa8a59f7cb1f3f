package decide

import (
	"strings"
	"testing"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/judge"
)

// A condition that no report can answer does not become answerable by sending all the load again.
func TestALoadIsNotSentAgainForAConditionItsReportCannotAnswer(t *testing.T) {
	for condition, again := range map[string]bool{"report.latency.p96 < 100": false, "report.latency.p99 < 100": true} {
		l := newLoadLab(1)
		l.run.Spec.Metrics[0].SuccessCondition = condition
		l.job = jobName("uid", l.run.Spec.Metrics[0], 1)
		l.pass(nil)
		sample := judge.Sample{Result: 0.0, Report: map[string]any{"latency": map[string]any{"p99": 5.0}}}
		if again {
			sample = judge.Sample{Failure: &judge.Failure{Class: judge.BadAnswer, Message: "no report"}}
		}
		l.pass(l.seen(Job{Done: true, Ended: true, Sample: sample}))
		r := l.run.Status.MetricResults[0]
		if (r.Phase == api.AnalysisPhaseError) == again {
			t.Errorf("%s: the metric is %s (%s)", condition, r.Phase, r.Message)
		}
		if !again && !strings.Contains(r.Message, "report.latency has no p96; it has p99") {
			t.Errorf("%s: %q does not say what there is", condition, r.Message)
		}
		if !again && l.run.Status.Phase != api.AnalysisPhaseError {
			t.Errorf("%s: the run is %s", condition, l.run.Status.Phase)
		}
	}
}
