// Package telemetry shows what the controller sees and does as Prometheus metrics.
package telemetry

import (
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
)

// Options say what is measured.
type Options struct {
	// Cached reads from informers; it is listed on each scrape.
	Cached client.Reader
	// OneNamespace says that nothing cluster-wide may be listed.
	OneNamespace bool
	// Version and Commit of this build.
	Version, Commit string
}

// Meters counts what passes do. What can be read off the objects is not counted but collected on
// each scrape, so nothing goes stale.
type Meters struct {
	events       *prometheus.CounterVec
	passes       map[string]*prometheus.HistogramVec
	failures     map[string]*prometheus.CounterVec
	durations    *prometheus.HistogramVec
	progressions *prometheus.HistogramVec
	manualPauses *prometheus.HistogramVec
}

// passBuckets are the reference's: what matters is whether passes take tens of milliseconds or more.
var passBuckets = []float64{0.01, .15, .25, .5, 1}

// updateBuckets span an update from seconds to a day.
var updateBuckets = []float64{10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 28800, 86400}

// New registers everything with to.
func New(to prometheus.Registerer, o Options) *Meters {
	named := []string{"namespace", "name"}
	m := &Meters{
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rollout_events_total", Help: "Events told about a rollout.",
		}, []string{"namespace", "name", "type", "reason"}),
		passes: map[string]*prometheus.HistogramVec{}, failures: map[string]*prometheus.CounterVec{},
		durations:    updates("rollout_duration_seconds", "Time from the start of an update to its end."),
		progressions: updates("rollout_progression_duration_seconds", "The same without waiting for people."),
		manualPauses: updates("rollout_manual_pause_duration_seconds", "Time an update waited for people."),
	}
	to.MustRegister(m.events, m.durations, m.progressions, m.manualPauses)
	for kind, prefix := range map[string]string{api.KindRollout: "rollout", api.KindAnalysisRun: "analysis_run", api.KindExperiment: "experiment"} {
		m.passes[kind] = prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: prefix + "_reconcile", Help: "Duration of passes in seconds.", Buckets: passBuckets,
		}, named)
		m.failures[kind] = prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: prefix + "_reconcile_error", Help: "Passes that ended in an error.",
		}, named)
		to.MustRegister(m.passes[kind], m.failures[kind])
	}
	to.MustRegister(&objects{Options: o}, about("argo_rollouts_controller_info", "The running controller.",
		prometheus.Labels{"version": o.Version}))
	to.MustRegister(about("build_info", "The build of the running controller.", prometheus.Labels{
		"version": o.Version, "commit": o.Commit, "goversion": runtime.Version(), "goarch": runtime.GOARCH,
	}))
	return m
}

func updates(name, help string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: updateBuckets}, []string{"status"})
}

func about(name, help string, labels prometheus.Labels) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: labels}, func() float64 { return 1 })
}

// Told counts an event.
func (m *Meters) Told(kind string, of types.NamespacedName, eventType, reason string) {
	if kind == api.KindRollout {
		m.events.WithLabelValues(of.Namespace, of.Name, eventType, reason).Inc()
	}
}

// Passed notes one pass of an object.
func (m *Meters) Passed(kind string, of types.NamespacedName, took time.Duration, failed bool) {
	m.passes[kind].WithLabelValues(of.Namespace, of.Name).Observe(took.Seconds())
	if failed {
		m.failures[kind].WithLabelValues(of.Namespace, of.Name).Inc()
	}
}

// Gone drops the series of an object that does not exist any more.
func (m *Meters) Gone(kind string, of types.NamespacedName) {
	labels := prometheus.Labels{"namespace": of.Namespace, "name": of.Name}
	m.passes[kind].DeletePartialMatch(labels)
	m.failures[kind].DeletePartialMatch(labels)
	if kind == api.KindRollout {
		m.events.DeletePartialMatch(labels)
	}
}

// Saved notes the end of an update, the first time a status says so. A status has one record: that of an
// update which another one replaces ends where the next begins.
func (m *Meters) Saved(before, after *api.RolloutDuration) {
	if after == nil || after.RolloutStartedAt == nil {
		return
	}
	same := before != nil && before.RolloutStartedAt.Equal(after.RolloutStartedAt)
	if before != nil && before.RolloutStartedAt != nil && before.FinishedAt == nil && !same {
		superseded := *before
		superseded.FinishedAt, superseded.CompletionStatus = after.RolloutStartedAt, api.CompletionSuperseded
		if since := before.ManualPauseStartedAt; since != nil {
			superseded.TotalManualPauseDurationSeconds += int64(after.RolloutStartedAt.Sub(since.Time).Seconds())
		}
		m.ended(superseded)
	}
	if after.FinishedAt != nil && (!same || before.FinishedAt == nil) {
		m.ended(*after)
	}
}

func (m *Meters) ended(update api.RolloutDuration) {
	whole := update.FinishedAt.Sub(update.RolloutStartedAt.Time).Seconds()
	waited := float64(update.TotalManualPauseDurationSeconds)
	status := string(update.CompletionStatus)
	m.durations.WithLabelValues(status).Observe(whole)
	m.progressions.WithLabelValues(status).Observe(max(whole-waited, 0))
	m.manualPauses.WithLabelValues(status).Observe(waited)
}
