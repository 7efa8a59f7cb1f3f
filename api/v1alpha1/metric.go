package v1alpha1

import (
	"encoding/json"

	"k8s.io/apimachinery/pkg/util/intstr"
)

// Metric is one thing to measure, how often, and what a good value is. Numbers may be strings, so that they can
// hold {{args.name}}.
//
// +kubebuilder:validation:XValidation:rule=`!has(self.count) || type(self.count) != int || self.count <= 1 || (has(self.interval) && self.interval != "")`,message="count above 1 needs interval"
// +kubebuilder:validation:XValidation:rule=`!has(self.failureLimit) || type(self.failureLimit) != int || self.failureLimit >= -1`,message="failureLimit must be at least -1"
// +kubebuilder:validation:XValidation:rule=`!has(self.inconclusiveLimit) || type(self.inconclusiveLimit) != int || self.inconclusiveLimit >= 0`,message="inconclusiveLimit must be at least 0"
// +kubebuilder:validation:XValidation:rule=`!has(self.consecutiveErrorLimit) || type(self.consecutiveErrorLimit) != int || self.consecutiveErrorLimit >= 0`,message="consecutiveErrorLimit must be at least 0"
// +kubebuilder:validation:XValidation:rule=`!has(self.consecutiveSuccessLimit) || type(self.consecutiveSuccessLimit) != int || self.consecutiveSuccessLimit >= 0`,message="consecutiveSuccessLimit must be at least 0"
// +kubebuilder:validation:XValidation:rule=`!has(self.noDataDeadline) || self.noDataDeadline == "" || (has(self.noData) && self.noData == 'Hold')`,message="noDataDeadline needs noData Hold"
type Metric struct {
	// Name of the metric, unique in the run.
	Name string `json:"name"`
	// Interval between measurements, such as "30s" or "5m". Default: one measurement. Unreadable is invalid.
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	// +kubebuilder:validation:Pattern=`^$|\{\{|^0$|^[-+]?(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$`
	Interval DurationString `json:"interval,omitempty"`
	// InitialDelay from the start of the run to the first measurement. Default none. Unreadable is invalid.
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	// +kubebuilder:validation:Pattern=`^$|\{\{|^0$|^[-+]?(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$`
	InitialDelay DurationString `json:"initialDelay,omitempty"`
	// Count is how many measurements are taken; errors do not count. Default 1 without interval, without end
	// with one; 0 means the default. More than 1 needs an interval.
	// +optional
	Count *intstr.IntOrString `json:"count,omitempty"`
	// SuccessCondition is an expression over `result` that must be true for a good value.
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	SuccessCondition string `json:"successCondition,omitempty"`
	// FailureCondition is an expression over `result` that is true for a bad value. It wins over
	// successCondition; when neither is true the measurement is Inconclusive.
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	FailureCondition string `json:"failureCondition,omitempty"`
	// FailureLimit is how many failed measurements are tolerated. Default 0; -1 tolerates any number; less is
	// invalid.
	// +optional
	FailureLimit *intstr.IntOrString `json:"failureLimit,omitempty"`
	// InconclusiveLimit is how many inconclusive measurements are tolerated. Default 0; negative is invalid.
	// +optional
	InconclusiveLimit *intstr.IntOrString `json:"inconclusiveLimit,omitempty"`
	// ConsecutiveErrorLimit is how many errors in a row are tolerated. Default 4; negative is invalid.
	// +optional
	ConsecutiveErrorLimit *intstr.IntOrString `json:"consecutiveErrorLimit,omitempty"`
	// Provider says where the value comes from. Exactly one of its fields must be set.
	Provider MetricProvider `json:"provider"`
	// ConsecutiveSuccessLimit is how many good values in a row end the metric as Successful. Default 0: off;
	// negative is invalid.
	// +optional
	ConsecutiveSuccessLimit *intstr.IntOrString `json:"consecutiveSuccessLimit,omitempty"`
	// NoData says what an empty result or NaN means when the conditions do not deal with it themselves: Error
	// (default), Hold or Fail. Sluice addition.
	// +optional
	NoData NoDataPolicy `json:"noData,omitempty"`
	// NoDataDeadline is how long Hold waits for data, counted from the first empty result in a row, such as
	// "2m". After it the measurement is an Error. Default: five intervals, at least one minute. Only with
	// noData: Hold. Sluice addition.
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	// +kubebuilder:validation:Pattern=`^$|\{\{|^0$|^[-+]?(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$`
	NoDataDeadline DurationString `json:"noDataDeadline,omitempty"`
	// During is a load test of the same run, or one of its phases: "load", "load/Burn". The metric is measured
	// while that lasts: from its start, after initialDelay, every interval, and last as of its end; without
	// interval and initialDelay, once, as of its end. A phase is measured when the load test has reported it, as of times
	// within it. Without a load test that ran to its end the metric is never Successful. The load test is a metric with
	// loadTest, or with a Job whose report has a format other than json. Sluice addition.
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	During string `json:"during,omitempty"`
}

// LoadTests says whether the metric's reports are those of load tests, which others can be measured during.
func (m *Metric) LoadTests() bool {
	job := m.Provider.Job
	return m.Provider.LoadTest != nil || job != nil && job.Report != nil && job.Report.Format != ReportJSON
}

// NoDataPolicy says what a metric makes of an empty result or NaN. Sluice addition.
//
// +kubebuilder:validation:Enum=Error;Hold;Fail
type NoDataPolicy string

// Values of NoDataPolicy.
const (
	// NoDataError makes the measurement an Error, "no data". The default.
	NoDataError NoDataPolicy = "Error"
	// NoDataHold waits without counting, until noDataDeadline.
	NoDataHold NoDataPolicy = "Hold"
	// NoDataFail makes the measurement Failed.
	NoDataFail NoDataPolicy = "Fail"
)

// MetricProvider says where the value of a metric comes from. Exactly one field must be set; each entry of
// plugin counts as one.
//
// +kubebuilder:validation:XValidation:rule=`[has(self.prometheus), has(self.kayenta), has(self.web), has(self.datadog), has(self.wavefront), has(self.newRelic), has(self.job), has(self.loadTest), has(self.cloudWatch), has(self.graphite), has(self.influxdb), has(self.skywalking), has(self.plugin)].filter(x, x).size() == 1`,message="provider must have exactly one field"
type MetricProvider struct {
	// Prometheus asks a Prometheus server, or what speaks its API.
	// +optional
	Prometheus *PrometheusMetric `json:"prometheus,omitempty"`
	// Kayenta asks a Kayenta judge.
	// +optional
	Kayenta *KayentaMetric `json:"kayenta,omitempty"`
	// Web asks an HTTP server.
	// +optional
	Web *WebMetric `json:"web,omitempty"`
	// Datadog asks Datadog.
	// +optional
	Datadog *DatadogMetric `json:"datadog,omitempty"`
	// Wavefront asks Wavefront.
	// +optional
	Wavefront *WavefrontMetric `json:"wavefront,omitempty"`
	// NewRelic asks New Relic.
	// +optional
	NewRelic *NewRelicMetric `json:"newRelic,omitempty"`
	// Job runs a Job and looks at how it ends.
	// +optional
	Job *JobMetric `json:"job,omitempty"`
	// LoadTest sends the load of an Artillery script and judges the answers. Sluice addition.
	// +optional
	LoadTest *LoadTestMetric `json:"loadTest,omitempty"`
	// CloudWatch asks Amazon CloudWatch.
	// +optional
	CloudWatch *CloudWatchMetric `json:"cloudWatch,omitempty"`
	// Graphite asks Graphite.
	// +optional
	Graphite *GraphiteMetric `json:"graphite,omitempty"`
	// Influxdb asks InfluxDB.
	// +optional
	Influxdb *InfluxdbMetric `json:"influxdb,omitempty"`
	// SkyWalking asks Apache SkyWalking.
	// +optional
	SkyWalking *SkyWalkingMetric `json:"skywalking,omitempty"`
	// Plugin maps a metric plugin's name to its configuration, which is passed on as it is.
	// +optional
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	// +kubebuilder:validation:Type=object
	Plugin map[string]json.RawMessage `json:"plugin,omitempty"`
}
