package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
)

// LoadTestMetric sends the load that an Artillery script describes, from pods of its own, and judges the answers.
// `result` is 0 when the test passed, 1 when it failed and 3 when nothing can be concluded; `report` is what it
// measured, for example report.latency.p99 in milliseconds. Without conditions the test's own verdict decides. A
// test that failed is never Successful, and one that is inconclusive is Inconclusive, whatever a condition says.
// Sluice addition.
//
// +kubebuilder:validation:XValidation:rule=`!has(self.compareTarget) || has(self.target) && self.target != self.compareTarget`,message="compareTarget needs a target, and must differ from it"
type LoadTestMetric struct {
	// Script that says what to send, in Artillery's format.
	Script LoadTestScript `json:"script"`
	// Target is the address that the script is run against, with http:// or https://; it replaces the script's
	// config.target. Default: the script's own; none is an error.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	Target string `json:"target,omitempty"`
	// CompareTarget gets the same script at the same time, such as the stable version beside the canary. The report
	// then has the numbers of both, as report.canary and report.stable, and report.ratio, the canary's divided by
	// those of the stable version. Default: nothing is compared.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	CompareTarget string `json:"compareTarget,omitempty"`
	// Parallelism is how many pods share the load: together they send what one would, and begin at the same
	// moment. Default 1; from 1 to 50. A test that loses a pod is Inconclusive.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=50
	Parallelism *int32 `json:"parallelism,omitempty"`
	// Environment is the one of the script's config.environments to lay over its configuration. Default none.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	Environment string `json:"environment,omitempty"`
	// Variables for the script, over its config.variables. Values are texts. Not for secrets: use env.
	// +optional
	// +kubebuilder:validation:MaxProperties=256
	Variables map[string]string `json:"variables,omitempty"`
	// Env is the environment of the container; the script reads it as {{ $env.NAME }}. A secret gets into a script
	// this way, by valueFrom.secretKeyRef.
	// +optional
	// +kubebuilder:validation:MaxItems=256
	Env []corev1.EnvVar `json:"env,omitempty"`
	// Resources of each pod. Default: requests of 500m CPU and 128Mi memory, and a memory limit of 512Mi. There is
	// no CPU limit by default: a generator that is throttled measures itself, and its test is Inconclusive.
	// +optional
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`
	// AbortOn ends the test as failed as soon as one of these holds, for example "errors.rate > 0.5" or
	// "http.response_time.p99 > 2000". They are looked at every second, over all that was measured so far; with
	// several pods each looks at its own part. Default: the test runs to its end.
	// +optional
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MaxLength=4096
	AbortOn []string `json:"abortOn,omitempty"`
	// DefaultGates says whether the test must meet what every test should, where the script's own gates do not look
	// at it: 5xx answers and requests without an answer at most 1 %, and at least 99 % of the offered load
	// achieved. Enforce (default) or None.
	// +optional
	DefaultGates DefaultGatesPolicy `json:"defaultGates,omitempty"`
	// Tags are sent with every request, as W3C baggage and as header X-Sluice-Load-Test, so that its traffic can be
	// told apart and left out of business metrics. Default: the run and the metric.
	// +optional
	// +kubebuilder:validation:MaxProperties=16
	Tags map[string]string `json:"tags,omitempty"`
	// Image of the load generator. Default: the controller's --load-image.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Image string `json:"image,omitempty"`
	// Deadline is how long the Job may take, from its creation to its end, such as "10m"; then it is stopped, and
	// Inconclusive. Default: the length of the script's phases and ten minutes; for a script in a ConfigMap 30m.
	// +optional
	Deadline DurationString `json:"deadline,omitempty"`
	// ServiceAccountName of the pods. Default: that of the namespace. Its token is not mounted.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	ServiceAccountName string `json:"serviceAccountName,omitempty"`
	// ImagePullSecrets of the pods.
	// +optional
	// +kubebuilder:validation:MaxItems=64
	ImagePullSecrets []corev1.LocalObjectReference `json:"imagePullSecrets,omitempty"`
	// NodeSelector of the pods.
	// +optional
	NodeSelector map[string]string `json:"nodeSelector,omitempty"`
	// Tolerations of the pods.
	// +optional
	// +kubebuilder:validation:MaxItems=64
	Tolerations []corev1.Toleration `json:"tolerations,omitempty"`
	// PodMetadata is put on the Job and its pods.
	// +optional
	PodMetadata *PodTemplateMetadata `json:"podMetadata,omitempty"`
}

// LoadTestScript is an Artillery script. Exactly one field must be set.
//
// +kubebuilder:validation:XValidation:rule=`has(self.inline) != has(self.configMap)`,message="script must have exactly one of inline and configMap"
type LoadTestScript struct {
	// Inline is the script itself, at most 64 KiB. {{args.name}} is filled in; other placeholders, such as
	// {{ $randomNumber(1,9) }}, are the script's own. It must not use secret arguments, because it can be read with
	// the pod: those go by env.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=65536
	Inline string `json:"inline,omitempty"`
	// ConfigMap holds the script, in the namespace of the run. All its keys are mounted as files beside the script,
	// such as the CSV files and processors that it names. Nothing is filled in in it: use variables.
	// +optional
	ConfigMap *ConfigMapKeyRef `json:"configMap,omitempty"`
}

// ConfigMapKeyRef is a key of a ConfigMap.
type ConfigMapKeyRef struct {
	// Name of the ConfigMap.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
	// Key in the ConfigMap.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Key string `json:"key"`
}

// DefaultGatesPolicy says whether a load test must meet what every test should. Sluice addition.
//
// +kubebuilder:validation:Enum=Enforce;None
type DefaultGatesPolicy string

// Values of DefaultGatesPolicy.
const (
	// DefaultGatesEnforce judges errors and the achieved load where the script does not. The default.
	DefaultGatesEnforce DefaultGatesPolicy = "Enforce"
	// DefaultGatesNone leaves the verdict to the script's own gates alone.
	DefaultGatesNone DefaultGatesPolicy = "None"
)

// MaxLoadScript is the length of an inline script, in bytes: a run with it has at most 128 KiB.
const MaxLoadScript = 64 << 10

// Pods is how many pods share the load.
func (t *LoadTestMetric) Pods() int32 {
	if t == nil || t.Parallelism == nil {
		return 1
	}
	return max(*t.Parallelism, 1)
}

// ByJob reports whether a Job carries the measurement out: it is started once, and what it comes to is an observation.
func (p *MetricProvider) ByJob() bool { return p.Job != nil || p.LoadTest != nil }
