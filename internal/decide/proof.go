package decide

import (
	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/evidence"
)

// maxProof is how many measurements one decision quotes.
const maxProof = 3

// failures quotes the measurements of a run that decided against it.
func failures(run *api.AnalysisRun) []api.Evidence {
	return quote(run, func(r api.MetricResult) bool {
		return r.Phase.Completed() && r.Phase != api.AnalysisPhaseSuccessful
	})
}

// successes quotes the last measurement of each metric of a successful run.
func successes(run *api.AnalysisRun) []api.Evidence {
	return quote(run, func(r api.MetricResult) bool { return r.Phase == api.AnalysisPhaseSuccessful })
}

func quote(run *api.AnalysisRun, match func(api.MetricResult) bool) (all []api.Evidence) {
	if run == nil {
		return nil
	}
	for _, r := range run.Status.MetricResults {
		if len(all) == maxProof || !match(r) {
			continue
		}
		all = append(all, quoteMetric(run.Name, r))
	}
	return all
}

func quoteMetric(run string, r api.MetricResult) api.Evidence {
	m := deciding(r)
	if m == nil {
		return api.Evidence{Run: run, Metric: r.Name, Phase: r.Phase, Limit: r.Message}
	}
	return evidence.Of(run, r.Name, r.Message, *m)
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
