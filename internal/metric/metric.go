// Package metric says what a metric provider is.
package metric

import (
	"context"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/judge"
)

// Query is one question to a metric server.
type Query struct {
	// Spec has its arguments resolved, secrets included: it must not outlive the call.
	Spec api.MetricProvider
	// Shown is Spec with every secret replaced by asterisks: what a sample may repeat of the question.
	// The zero value shows nothing.
	Shown api.MetricProvider
	// At is the scheduled time of the measurement; instant queries are evaluated at it.
	At time.Time
	// Namespace of the AnalysisRun.
	Namespace string
	// Secret tells that a secret fed the address, headers or credentials: then errors are built
	// from a class and a status code, never from an error's text.
	Secret bool
	// Within allows retries of transport errors, 429 and 5xx inside this long; 0 = none.
	Within time.Duration
}

// Reader asks a metric server; asking twice does no harm. A measurement that could not be taken
// is an error of type *judge.Failure.
type Reader interface {
	Query(ctx context.Context, q Query) (judge.Sample, error)
}

// Runner is a measurement that an object of the cluster carries out, for example a Job. The
// controller makes the object true; the Runner only builds it and reads what it says.
type Runner interface {
	// Object builds the Job with this name; the metric's arguments are resolved, secrets included.
	Object(run *api.AnalysisRun, m api.Metric, name string) (*batchv1.Job, error)
	// Poll says what is seen of the Job: a sample when done, else when to look again (zero = only when
	// something changes).
	Poll(seen Seen) Progress
}

// LoadPlacing is how long a load test may take to begin: its Job to be created, and then all its pods to run.
const LoadPlacing = 5 * time.Minute

// Seen is what there is to see of the Job of a measurement.
type Seen struct {
	Metric api.Metric // secret arguments as placeholders
	Job    *batchv1.Job
	Pods   []corev1.Pod
	// Log is what the Progress.Log of an earlier look asked for; nil before there is an answer.
	Log *Log
	Now time.Time
}

// Progress is how far an object's measurement has come.
type Progress struct {
	Done   bool
	Sample judge.Sample
	Again  time.Time
	// Waiting says what is awaited while not done, in a sentence.
	Waiting string
	// Log asks for the end of a container's log; nil asks for none. There is an answer within its time, and then
	// another look.
	Log *LogTail
	// LoadFrom and LoadTo are when a load test began and ended; zero while that is not known, and for what is no
	// load test.
	LoadFrom, LoadTo time.Time
	// Assembled says that all pods of a test that several share are there, and Untold names those that have not
	// been told yet when to begin. Those that were told begin at LoadFrom.
	Assembled bool
	Untold    []string
}

// LogTail names the end of a container's log.
type LogTail struct {
	Pod       string
	Container string
	// Lines and Bytes are how much of it is wanted at most, Within how long it is waited for.
	Lines  int64
	Bytes  int64
	Within time.Duration
}

// Log is the end of a container's log.
type Log struct {
	Text string
	// Problem is why it could not be read; "" when it could.
	Problem string
}

// Registry holds the providers by the name of their block in MetricProvider ("prometheus", "web", "job" …).
type Registry struct {
	Readers map[string]Reader
	Runners map[string]Runner
}

// Repeats reports whether asking twice does no harm. What has effects is started once and never repeated by us.
func Repeats(p api.MetricProvider) bool {
	switch {
	case p.ByJob(), p.Kayenta != nil, len(p.Plugin) > 0:
		return false
	case p.Web != nil:
		return p.Web.Method == "" || p.Web.Method == api.WebMetricMethodGet
	default:
		return true
	}
}

// Kind is the name of the block in use, as the registry has it; "" when there is none.
func Kind(p api.MetricProvider) string {
	blocks := []struct {
		name string
		used bool
	}{
		{"prometheus", p.Prometheus != nil}, {"kayenta", p.Kayenta != nil}, {"web", p.Web != nil},
		{"datadog", p.Datadog != nil}, {"wavefront", p.Wavefront != nil}, {"newRelic", p.NewRelic != nil},
		{"job", p.Job != nil}, {"loadTest", p.LoadTest != nil}, {"cloudWatch", p.CloudWatch != nil}, {"graphite", p.Graphite != nil},
		{"influxdb", p.Influxdb != nil}, {"skywalking", p.SkyWalking != nil}, {"plugin", len(p.Plugin) > 0},
	}
	for _, block := range blocks {
		if block.used {
			return block.name
		}
	}
	return ""
}
