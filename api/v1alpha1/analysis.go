package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// AnalysisTemplate says what to measure and what a good value is, for Rollouts and Experiments of its
// namespace.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=analysistemplates,shortName=at,categories=sluice
// +kubebuilder:printcolumn:name="Age",type="date",JSONPath=".metadata.creationTimestamp"
type AnalysisTemplate struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec AnalysisTemplateSpec `json:"spec"`
}

// AnalysisTemplateList is a page of AnalysisTemplates.
//
// +kubebuilder:object:root=true
type AnalysisTemplateList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []AnalysisTemplate `json:"items"`
}

// ClusterAnalysisTemplate says what to measure and what a good value is, for all namespaces.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=clusteranalysistemplates,shortName=cat,scope=Cluster,categories=sluice
// +kubebuilder:printcolumn:name="Age",type="date",JSONPath=".metadata.creationTimestamp"
type ClusterAnalysisTemplate struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec AnalysisTemplateSpec `json:"spec"`
}

// ClusterAnalysisTemplateList is a page of ClusterAnalysisTemplates.
//
// +kubebuilder:object:root=true
type ClusterAnalysisTemplateList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []ClusterAnalysisTemplate `json:"items"`
}

// AnalysisTemplateSpec is what to measure. It is judged when it is used, merged with the other templates of the
// analysis, not when it is written.
type AnalysisTemplateSpec struct {
	// Metrics to measure.
	// +optional
	// +kubebuilder:validation:MaxItems=256
	Metrics []Metric `json:"metrics,omitempty"`
	// Args are the arguments the metrics use as {{args.name}}; one without a value must be given by the user
	// of the template.
	// +optional
	// +kubebuilder:validation:MaxItems=256
	Args []Argument `json:"args,omitempty"`
	// DryRun names metrics that are measured without counting.
	// +optional
	// +kubebuilder:validation:MaxItems=256
	DryRun []DryRun `json:"dryRun,omitempty"`
	// MeasurementRetention says how many measurements of a metric are kept.
	// +optional
	// +kubebuilder:validation:MaxItems=256
	MeasurementRetention []MeasurementRetention `json:"measurementRetention,omitempty"`
	// Templates to include, with all they include, each once; at most 32 deep. Names are looked up in the
	// namespace of whoever uses the template. A template that includes itself is an error.
	// +optional
	// +kubebuilder:validation:MaxItems=256
	Templates []AnalysisTemplateRef `json:"templates,omitempty"`
}

// AnalysisRun measures until there is a verdict. It may be created by a Rollout, an Experiment, or anybody
// else.
//
// It has no status subresource: status is written by patching the object itself, and metadata.generation
// changes with it.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=analysisruns,shortName=ar,categories=sluice
// +kubebuilder:printcolumn:name="Status",type="string",JSONPath=".status.phase",description="How far the run is"
// +kubebuilder:printcolumn:name="Age",type="date",JSONPath=".metadata.creationTimestamp"
type AnalysisRun struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec AnalysisRunSpec `json:"spec"`
	// +optional
	Status AnalysisRunStatus `json:"status,omitempty"`
}

// AnalysisRunList is a page of AnalysisRuns.
//
// +kubebuilder:object:root=true
type AnalysisRunList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []AnalysisRun `json:"items"`
}

// AnalysisRunSpec is what a run measures. A spec that is wrong ends the run in phase Error.
type AnalysisRunSpec struct {
	// Metrics to measure. At least one, with unique names.
	// +kubebuilder:validation:MaxItems=256
	Metrics []Metric `json:"metrics"`
	// Args are the values of {{args.name}} in the metrics. One without a value ends the run in phase Error.
	// +optional
	// +kubebuilder:validation:MaxItems=256
	Args []Argument `json:"args,omitempty"`
	// Terminate stops the run; it is then judged by what it has measured. A metric that a person stops before
	// its count is Inconclusive. Default false.
	// +optional
	Terminate bool `json:"terminate,omitempty"`
	// DryRun names metrics that are measured without counting.
	// +optional
	// +kubebuilder:validation:MaxItems=256
	DryRun []DryRun `json:"dryRun,omitempty"`
	// MeasurementRetention says how many measurements of a metric are kept. Where several rules match, the
	// last one counts.
	// +optional
	// +kubebuilder:validation:MaxItems=256
	MeasurementRetention []MeasurementRetention `json:"measurementRetention,omitempty"`
	// TTLStrategy deletes the run some time after its end. Default: it stays.
	// +optional
	TTLStrategy *TTLStrategy `json:"ttlStrategy,omitempty"`
}

// Argument is a named value that metrics use as {{args.name}}.
type Argument struct {
	// Name of the argument.
	Name string `json:"name"`
	// Value as text. Use this or valueFrom; neither means it must be given by whoever uses the template.
	// +optional
	Value *string `json:"value,omitempty"`
	// ValueFrom takes the value from somewhere else.
	// +optional
	ValueFrom *ValueFrom `json:"valueFrom,omitempty"`
}

// ValueFrom says where the value of an argument is found. Exactly one field should be set.
type ValueFrom struct {
	// SecretKeyRef is a key of a Secret in the run's namespace. A missing Secret or key is an error.
	// +optional
	SecretKeyRef *SecretKeyRef `json:"secretKeyRef,omitempty"`
	// FieldRef is a field of the Rollout.
	// +optional
	FieldRef *FieldRef `json:"fieldRef,omitempty"`
}

// SecretKeyRef is a key of a Secret.
type SecretKeyRef struct {
	// Name of the Secret.
	Name string `json:"name"`
	// Key in the Secret.
	Key string `json:"key"`
}

// DryRun names metrics that are measured and reported but have no say in the verdict.
type DryRun struct {
	// MetricName is a regular expression that is looked for anywhere in the names of metrics: "error" means
	// error-rate too, "^error$" does not. One that cannot be read, or matches no metric, is an error.
	// +kubebuilder:validation:MaxLength=4096
	MetricName string `json:"metricName"`
}

// MeasurementRetention says how many measurements of a metric are kept.
type MeasurementRetention struct {
	// MetricName is a regular expression that is looked for anywhere in the names of metrics: "error" means
	// error-rate too, "^error$" does not. One that cannot be read, or matches no metric, is an error.
	// +kubebuilder:validation:MaxLength=4096
	MetricName string `json:"metricName"`
	// Limit is the number of newest measurements to keep. Default 10; 0 or less means the default, and more
	// than 1000 means 1000. A whole run has at most 128 KiB: the oldest measurements make room first.
	Limit int32 `json:"limit"`
}

// Bounds of MeasurementRetention.Limit.
const (
	// DefaultRetention is how many measurements of a metric are kept when no rule says otherwise.
	DefaultRetention = 10
	// MaxRetention is how many measurements a rule can ask for.
	MaxRetention = 1000
)

// TTLStrategy deletes a run, with its Jobs, some seconds after its end. The field for the run's phase wins
// over secondsAfterCompletion; without a field for it the run stays. 0 or less deletes it at once. A run of a
// Rollout stays until the Rollout has taken note of its end.
type TTLStrategy struct {
	// SecondsAfterCompletion counts from the end of the run, whatever its phase.
	// +optional
	SecondsAfterCompletion *int32 `json:"secondsAfterCompletion,omitempty"`
	// SecondsAfterFailure counts from the end of a Failed run.
	// +optional
	SecondsAfterFailure *int32 `json:"secondsAfterFailure,omitempty"`
	// SecondsAfterSuccess counts from the end of a Successful run.
	// +optional
	SecondsAfterSuccess *int32 `json:"secondsAfterSuccess,omitempty"`
}

// AnalysisPhase is how far a run, a metric, a measurement or an Experiment is.
type AnalysisPhase string

// Values of AnalysisPhase. Empty means not looked at yet.
const (
	// AnalysisPhasePending: nothing was measured yet.
	AnalysisPhasePending AnalysisPhase = "Pending"
	// AnalysisPhaseRunning: measuring.
	AnalysisPhaseRunning AnalysisPhase = "Running"
	// AnalysisPhaseSuccessful: measured, and good.
	AnalysisPhaseSuccessful AnalysisPhase = "Successful"
	// AnalysisPhaseFailed: measured, and bad.
	AnalysisPhaseFailed AnalysisPhase = "Failed"
	// AnalysisPhaseError: could not be measured.
	AnalysisPhaseError AnalysisPhase = "Error"
	// AnalysisPhaseInconclusive: measured, but neither good nor bad.
	AnalysisPhaseInconclusive AnalysisPhase = "Inconclusive"
)

// Completed says whether the phase is final.
func (p AnalysisPhase) Completed() bool {
	switch p {
	case AnalysisPhaseSuccessful, AnalysisPhaseFailed, AnalysisPhaseError, AnalysisPhaseInconclusive:
		return true
	case AnalysisPhasePending, AnalysisPhaseRunning:
		return false
	}
	return false
}

// AnalysisRunStatus is what a run has measured.
type AnalysisRunStatus struct {
	// Phase of the run.
	// +optional
	Phase AnalysisPhase `json:"phase,omitempty"`
	// Message says why.
	// +optional
	Message string `json:"message,omitempty"`
	// MetricResults is one entry for each metric.
	// +optional
	// +kubebuilder:validation:MaxItems=256
	MetricResults []MetricResult `json:"metricResults,omitempty"`
	// StartedAt is when measuring began; initial delays count from it.
	// +optional
	StartedAt *metav1.Time `json:"startedAt,omitempty"`
	// RunSummary counts the metrics that have a say by phase.
	// +optional
	RunSummary RunSummary `json:"runSummary,omitempty"`
	// DryRunSummary counts the metrics that have no say by phase.
	// +optional
	DryRunSummary *RunSummary `json:"dryRunSummary,omitempty"`
	// CompletedAt is when the run ended.
	// +optional
	CompletedAt *metav1.Time `json:"completedAt,omitempty"`
}

// RunSummary counts metrics by phase.
type RunSummary struct {
	// Count of all metrics.
	// +optional
	Count int32 `json:"count,omitempty"`
	// Successful metrics.
	// +optional
	Successful int32 `json:"successful,omitempty"`
	// Failed metrics.
	// +optional
	Failed int32 `json:"failed,omitempty"`
	// Inconclusive metrics.
	// +optional
	Inconclusive int32 `json:"inconclusive,omitempty"`
	// Error counts metrics that could not be measured.
	// +optional
	Error int32 `json:"error,omitempty"`
}

// MetricResult is what one metric has measured.
type MetricResult struct {
	// Name of the metric.
	Name string `json:"name"`
	// Phase of the metric.
	// +optional
	Phase AnalysisPhase `json:"phase,omitempty"`
	// Measurements are the newest ones, oldest first; 10 unless a retention rule says otherwise.
	// +optional
	Measurements []Measurement `json:"measurements,omitempty"`
	// Message says why.
	// +optional
	Message string `json:"message,omitempty"`
	// Count of measurements that came to a result: successful + failed + inconclusive.
	// +optional
	Count int32 `json:"count,omitempty"`
	// Successful measurements.
	// +optional
	Successful int32 `json:"successful,omitempty"`
	// Failed measurements.
	// +optional
	Failed int32 `json:"failed,omitempty"`
	// Inconclusive measurements.
	// +optional
	Inconclusive int32 `json:"inconclusive,omitempty"`
	// Error counts measurements that came to no result.
	// +optional
	Error int32 `json:"error,omitempty"`
	// ConsecutiveError counts errors since the last result.
	// +optional
	ConsecutiveError int32 `json:"consecutiveError,omitempty"`
	// DryRun means the metric has no say.
	// +optional
	DryRun bool `json:"dryRun,omitempty"`
	// Metadata is what the provider wants known about the metric as a whole, such as the query it sent.
	// +optional
	Metadata map[string]string `json:"metadata,omitempty"`
	// ConsecutiveSuccess counts successful measurements since the last other one.
	// +optional
	ConsecutiveSuccess int32 `json:"consecutiveSuccess,omitempty"`
}

// Measurement is one reading of a metric.
type Measurement struct {
	// Phase the measurement came to.
	// +optional
	Phase AnalysisPhase `json:"phase,omitempty"`
	// Message says why.
	// +optional
	Message string `json:"message,omitempty"`
	// StartedAt is when it was begun.
	// +optional
	StartedAt *metav1.Time `json:"startedAt,omitempty"`
	// FinishedAt is when it ended; absent while it is in flight.
	// +optional
	FinishedAt *metav1.Time `json:"finishedAt,omitempty"`
	// Value is what was measured, as text.
	// +optional
	Value string `json:"value,omitempty"`
	// Metadata is what the provider noted, and, under keys that begin with EvidencePrefix, what the value was
	// judged by.
	// +optional
	Metadata map[string]string `json:"metadata,omitempty"`
	// ResumeAt is when to look at it again.
	// +optional
	ResumeAt *metav1.Time `json:"resumeAt,omitempty"`
}

// Keys of Measurement.Metadata and MetricResult.Metadata. Those without the prefix are the reference's.
const (
	// EvidencePrefix begins all keys of Sluice.
	EvidencePrefix = "sluice.dev/"
	// EvidenceCondition is the expression that decided.
	EvidenceCondition = EvidencePrefix + "condition"
	// EvidenceThreshold is by how much the value missed or met the condition, for example "0.0091 > 0.004".
	EvidenceThreshold = EvidencePrefix + "threshold"
	// EvidenceSeries is which series was judged of how many, for example "1 of 3".
	EvidenceSeries = EvidencePrefix + "series"
	// EvidenceScheduledAt is the time, RFC 3339, for which the measurement was due.
	EvidenceScheduledAt = EvidencePrefix + "scheduled-at"
	// EvidenceAttempts is how many requests the reading took.
	EvidenceAttempts = EvidencePrefix + "attempts"
	// EvidenceReport is the report a Job's container left, as JSON.
	EvidenceReport = EvidencePrefix + "report"
	// EvidenceLog is the end of the log of a Job's container whose measurement did not pass.
	EvidenceLog = EvidencePrefix + "log"
	// EvidenceLoadStartedAt and EvidenceLoadEndedAt are when the load of a load test began and ended, RFC 3339.
	// Metrics with `during` are measured between them.
	EvidenceLoadStartedAt = EvidencePrefix + "load-started-at"
	EvidenceLoadEndedAt   = EvidencePrefix + "load-ended-at"
	// EvidenceLoadPhases is when the phases of a load test began and ended that metrics name in `during`, as a JSON
	// object of name to [from, to], in seconds since 1970.
	EvidenceLoadPhases = EvidencePrefix + "load-phases"
	// EvidenceReason is one word for why a Job ended as it did, for example OOMKilled.
	EvidenceReason = EvidencePrefix + "reason"

	// MetadataJobName is the Job of a job measurement.
	MetadataJobName = "job-name"
	// MetadataJobNamespace is the namespace of that Job.
	MetadataJobNamespace = "job-namespace"
	// MetadataWarnings is what a Prometheus server warned about.
	MetadataWarnings = "warnings"
	// MetadataResolvedPrometheusQuery is the query after its arguments were filled in.
	MetadataResolvedPrometheusQuery = "ResolvedPrometheusQuery"
)
