package decide

import (
	"time"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/evidence"
	"sluice.dev/sluice/internal/judge"
)

// How far ahead the pods of a load test are told to begin: the word takes a second or two to get into a pod.
const (
	loadLead  = 5 * time.Second
	leastLead = 3 * time.Second
)

// launch lets the load of tests begin whose pods share it. They begin at the same moment, which is saved before
// any of them hears of it: whoever goes on after a crash tells the others the same. What pods were told counts
// more than what was saved, because a pod that was told begins.
func (a *assay) launch() {
	for i := range a.status.MetricResults {
		last := judge.InFlight(&a.status.MetricResults[i])
		if last == nil {
			continue
		}
		name := last.Metadata[api.MetadataJobName]
		job := a.in.Jobs[name]
		at := job.LoadFrom
		if at.IsZero() {
			if !job.Assembled {
				continue
			}
			if at = loadStart(last); at.Before(a.in.Now.Add(leastLead)) {
				at = a.in.Now.Add(loadLead)
			}
		}
		last.Metadata[api.EvidenceLoadStartedAt] = at.UTC().Format(time.RFC3339Nano)
		if job.Assembled && len(job.Untold) > 0 {
			a.actions = append(a.actions, LoadStarts{Job: name, Pods: job.Untold, At: at})
		}
	}
}

// loadStart is when the load of a measurement begins, as it was saved; zero when it was not.
func loadStart(m *api.Measurement) time.Time {
	at, err := time.Parse(time.RFC3339Nano, m.Metadata[api.EvidenceLoadStartedAt])
	if err != nil {
		return time.Time{}
	}
	return at
}

// LoadsWanted names the Jobs of load tests that a run has begun to measure with and has not seen yet, and when each
// measurement was begun.
func LoadsWanted(run *api.AnalysisRun) map[string]time.Time {
	if run.Spec.Terminate || run.Status.Phase.Completed() || run.DeletionTimestamp != nil {
		return nil
	}
	var wanted map[string]time.Time
	for i := range run.Status.MetricResults {
		last := judge.InFlight(&run.Status.MetricResults[i])
		if last == nil || last.Metadata[jobPending] != pendingLoad || last.StartedAt == nil {
			continue
		}
		if wanted == nil {
			wanted = map[string]time.Time{}
		}
		wanted[last.Metadata[api.MetadataJobName]] = last.StartedAt.Time
	}
	return wanted
}

// loadReport is what is kept of a load test's report, nil when the sample has none: other reports are kept as they are.
func loadReport(m api.Metric, s judge.Sample) *evidence.Load {
	_, timed := s.Report["startedAt"].(float64)
	if own := timed && s.Report["version"] == 1.0; !own && !m.LoadTests() {
		return nil
	}
	return evidence.ReadLoad(s.Report)
}
