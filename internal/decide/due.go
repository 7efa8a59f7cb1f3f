package decide

import (
	"time"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/compose"
	"sluice.dev/sluice/internal/judge"
)

// Delays between measurements where the metric's interval does not say.
const (
	afterError        = 10 * time.Second
	withoutInterval   = 10 * time.Second
	defaultPrometheus = 30 * time.Second
	defaultWeb        = 10 * time.Second
)

// Reads names the reads that should be taken, each at its time; some lie ahead. Jobs are not among
// them: they are actions.
func Reads(run *api.AnalysisRun) []Due {
	if run.Status.StartedAt == nil || run.Status.Phase.Completed() || run.Spec.Terminate {
		return nil
	}
	var all []Due
	for _, m := range resolved(run) {
		if m.Provider.ByJob() {
			continue
		}
		if key, ok := schedule(run, run.Status, m); ok && !missed(run.Status, m) {
			all = append(all, Due{SampleKey: key, About: about(run.Status, m, key), Spec: m, Within: within(m)})
		}
	}
	return all
}

// schedule is the metric's next measurement: the first after its initial delay, the next ones an
// interval after the end of the last. Times have whole seconds, as in the status they come from.
func schedule(run *api.AnalysisRun, status api.AnalysisRunStatus, m api.Metric) (SampleKey, bool) {
	r := resultOf(status, m.Name)
	if r.Phase.Completed() || judge.InFlight(&r) != nil || status.StartedAt == nil {
		return SampleKey{}, false
	}
	if measuredEnough(m, r) {
		return SampleKey{}, false
	}
	key := SampleKey{Metric: m.Name, N: r.Count + r.Error + 1}
	if m.During != "" {
		next, ok := windowOf(status, m).next(m, &r)
		key.At = next.at
		return key, ok
	}
	interval, _ := m.Interval.Duration()
	delay, _ := m.InitialDelay.Duration()
	switch last := lastMeasurement(&r); {
	case r.Metadata[noDataLast] != "":
		at, err := time.Parse(time.RFC3339, r.Metadata[noDataLast])
		if err != nil {
			at = status.StartedAt.Time
		}
		key.At = at.Add(orInterval(interval, withoutInterval))
	case last == nil:
		key.At = status.StartedAt.Add(delay)
	case last.Phase == api.AnalysisPhaseError:
		key.At = last.FinishedAt.Add(afterError)
	default:
		key.At = last.FinishedAt.Add(orInterval(interval, withoutInterval))
	}
	return key, true
}

// measuredEnough says that a metric has all the measurements it asks for, or that its limits cannot be read.
func measuredEnough(m api.Metric, r api.MetricResult) bool {
	limits, err := judge.Effective(m)
	return err != nil || limits.Count > 0 && r.Count >= limits.Count
}

// resultOf is what is known about a metric; nothing yet where it has no entry.
func resultOf(status api.AnalysisRunStatus, name string) api.MetricResult {
	if r := entry(status.MetricResults, name); r != nil {
		return *r
	}
	return api.MetricResult{Name: name}
}

// entry is the result of this metric, nil when there is none.
func entry(results []api.MetricResult, name string) *api.MetricResult {
	for i := range results {
		if results[i].Name == name {
			return &results[i]
		}
	}
	return nil
}

func lastMeasurement(r *api.MetricResult) *api.Measurement {
	if n := len(r.Measurements); n > 0 {
		return &r.Measurements[n-1]
	}
	return nil
}

// orInterval is the metric's interval, at least a second: status keeps whole seconds.
func orInterval(interval, otherwise time.Duration) time.Duration {
	if interval > 0 {
		return max(interval, time.Second)
	}
	return otherwise
}

// within bounds one read: its timeout, and no longer than the interval.
func within(m api.Metric) time.Duration {
	limit := defaultPrometheus
	switch {
	case m.Provider.Prometheus != nil && m.Provider.Prometheus.Timeout != nil && *m.Provider.Prometheus.Timeout > 0:
		limit = time.Duration(*m.Provider.Prometheus.Timeout) * time.Second
	case m.Provider.Web != nil && m.Provider.Web.TimeoutSeconds > 0:
		limit = time.Duration(m.Provider.Web.TimeoutSeconds) * time.Second
	case m.Provider.Web != nil:
		limit = defaultWeb
	}
	if interval, _ := m.Interval.Duration(); interval > 0 {
		limit = min(limit, max(interval, time.Second))
	}
	return limit
}

// resolved is the run's metrics with the arguments filled in whose values stand in the run; those
// from Secrets stay as placeholders until a measurement is taken.
func resolved(run *api.AnalysisRun) []api.Metric {
	values := map[string]string{}
	for _, a := range run.Spec.Args {
		if a.Value != nil {
			values[a.Name] = *a.Value
		}
	}
	if len(values) == 0 {
		return run.Spec.Metrics // as they are: most runs of one's own have no arguments
	}
	metrics := make([]api.Metric, 0, len(run.Spec.Metrics))
	for _, m := range run.Spec.Metrics {
		if filled, err := compose.Metric(m, values); err == nil {
			m = filled
		}
		metrics = append(metrics, m)
	}
	return metrics
}
