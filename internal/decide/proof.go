package decide

import (
	"strings"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/evidence"
)

// maxProof is how many measurements one decision quotes.
const maxProof = 3

// failures quotes the measurements that decided against a run: those of the metrics that came to
// what the run came to. Metrics that were only stopped because of them say nothing, and dry runs
// have no say.
func failures(run *api.AnalysisRun) []api.Evidence {
	if run == nil {
		return nil
	}
	return quote(run, run.Status.Phase)
}

// successes quotes the last measurement of each metric of a successful run.
func successes(run *api.AnalysisRun) []api.Evidence {
	if run == nil {
		return nil
	}
	return quote(run, api.AnalysisPhaseSuccessful)
}

func quote(run *api.AnalysisRun, phase api.AnalysisPhase) (all []api.Evidence) {
	for _, r := range run.Status.MetricResults {
		if r.Phase == phase && !r.DryRun && len(all) < maxProof {
			all = append(all, quoteMetric(run.Name, r))
		}
	}
	return all
}

func quoteMetric(run string, r api.MetricResult) api.Evidence {
	m := deciding(r)
	if m == nil {
		return api.Evidence{Run: run, Metric: r.Name, Phase: r.Phase, Limit: brokenLimit(r.Message)}
	}
	return evidence.Of(run, r.Name, brokenLimit(r.Message), *m)
}

// brokenLimit is the part of a metric's message that names the limit: of `Metric "m" assessed Failed
// due to failed (1) > failureLimit (0): …` it is `failed (1) > failureLimit (0)`.
func brokenLimit(message string) string {
	_, rest, ok := strings.Cut(message, " due to ")
	if !ok {
		return ""
	}
	limit, _, _ := strings.Cut(rest, ":")
	return limit
}

// deciding is the last finished measurement that came to what the metric came to.
func deciding(r api.MetricResult) *api.Measurement {
	for i := len(r.Measurements) - 1; i >= 0; i-- {
		m := &r.Measurements[i]
		if m.FinishedAt != nil && m.Phase == r.Phase {
			return m
		}
	}
	for i := len(r.Measurements) - 1; i >= 0; i-- {
		if m := &r.Measurements[i]; m.FinishedAt != nil {
			return m
		}
	}
	return nil
}
