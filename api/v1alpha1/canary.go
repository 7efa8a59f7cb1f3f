package v1alpha1

import (
	"encoding/json"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// CanaryStrategy gives the new revision a share that grows step by step. Without trafficRouting the share is
// that of the pods; with it, that of the requests.
//
// +kubebuilder:validation:XValidation:rule=`!(has(self.maxSurge) && (type(self.maxSurge) == int ? self.maxSurge == 0 : self.maxSurge in ['0', '0%']) && has(self.maxUnavailable) && (type(self.maxUnavailable) == int ? self.maxUnavailable == 0 : self.maxUnavailable in ['0', '0%']))`,message="maxSurge and maxUnavailable must not both be 0"
// +kubebuilder:validation:XValidation:rule=`!has(self.canaryService) || !has(self.stableService) || self.canaryService == "" || self.canaryService != self.stableService`,message="canaryService must differ from stableService"
// +kubebuilder:validation:XValidation:rule=`has(self.trafficRouting) || !has(self.scaleDownDelaySeconds)`,message="scaleDownDelaySeconds needs trafficRouting"
// +kubebuilder:validation:XValidation:rule=`has(self.trafficRouting) || !has(self.dynamicStableScale) || !self.dynamicStableScale`,message="dynamicStableScale needs trafficRouting"
// +kubebuilder:validation:XValidation:rule=`!has(self.scaleDownDelaySeconds) || !has(self.dynamicStableScale) || !self.dynamicStableScale`,message="scaleDownDelaySeconds cannot be combined with dynamicStableScale"
// +kubebuilder:validation:XValidation:rule=`!has(self.pingPong) || !has(self.trafficRouting) || has(self.trafficRouting.alb) || has(self.trafficRouting.istio) || has(self.trafficRouting.plugins)`,message="pingPong needs alb, istio or plugins"
// +kubebuilder:validation:XValidation:rule=`!has(self.pingPong) || !has(self.trafficRouting) || !has(self.trafficRouting.alb) || (has(self.trafficRouting.alb.rootService) && self.trafficRouting.alb.rootService != "")`,message="pingPong with alb needs alb.rootService"
// +kubebuilder:validation:XValidation:rule=`!has(self.trafficRouting) || !(has(self.trafficRouting.smi) || has(self.trafficRouting.apisix) || has(self.trafficRouting.ambassador) || has(self.trafficRouting.nginx) || has(self.trafficRouting.appMesh) || has(self.trafficRouting.traefik) || (!has(self.pingPong) && (has(self.trafficRouting.alb) || (has(self.trafficRouting.istio) && !has(self.trafficRouting.istio.destinationRule))))) || (has(self.stableService) && self.stableService != "" && has(self.canaryService) && self.canaryService != "")`,message="this trafficRouting needs stableService and canaryService"
// +kubebuilder:validation:XValidation:rule=`!has(self.steps) || self.steps.all(s, !has(s.setWeight) || s.setWeight <= (has(self.trafficRouting) && has(self.trafficRouting.maxTrafficWeight) ? self.trafficRouting.maxTrafficWeight : 100))`,message="the setWeight of a step is above 100, or above trafficRouting.maxTrafficWeight where that is set"
// +kubebuilder:validation:XValidation:rule=`has(self.trafficRouting) || !has(self.steps) || !self.steps.exists(s, has(s.setCanaryScale))`,message="setCanaryScale needs trafficRouting"
// +kubebuilder:validation:XValidation:rule=`!has(self.steps) || !self.steps.exists(s, has(s.setHeaderRoute)) || (has(self.trafficRouting) && (has(self.trafficRouting.istio) || has(self.trafficRouting.alb) || has(self.trafficRouting.apisix) || has(self.trafficRouting.plugins)))`,message="setHeaderRoute needs istio, alb, apisix or plugins"
// +kubebuilder:validation:XValidation:rule=`!has(self.steps) || !has(self.trafficRouting) || !has(self.trafficRouting.alb) || self.steps.all(s, !has(s.setHeaderRoute) || !has(s.setHeaderRoute.match) || s.setHeaderRoute.match.all(m, has(m.headerValue.exact) && m.headerValue.exact != "" && (!has(m.headerValue.prefix) || m.headerValue.prefix == "") && (!has(m.headerValue.regex) || m.headerValue.regex == "")))`,message="with alb a headerValue must have exact alone"
// +kubebuilder:validation:XValidation:rule=`!has(self.steps) || !self.steps.exists(s, has(s.setMirrorRoute)) || (has(self.trafficRouting) && (has(self.trafficRouting.istio) || has(self.trafficRouting.plugins)))`,message="setMirrorRoute needs istio or plugins"
// +kubebuilder:validation:XValidation:rule=`!has(self.steps) || !self.steps.exists(s, has(s.setHeaderRoute) || has(s.setMirrorRoute)) || !has(self.trafficRouting) || (has(self.trafficRouting.managedRoutes) && size(self.trafficRouting.managedRoutes) > 0)`,message="setHeaderRoute and setMirrorRoute need trafficRouting.managedRoutes"
// +kubebuilder:validation:XValidation:rule=`!has(self.steps) || !self.steps.exists(s, has(s.experiment) && s.experiment.templates.exists(t, has(t.weight))) || (has(self.trafficRouting) && (has(self.trafficRouting.alb) || has(self.trafficRouting.smi) || has(self.trafficRouting.istio) || has(self.trafficRouting.plugins)))`,message="the weight of an experiment template needs alb, smi, istio or plugins"
type CanaryStrategy struct {
	// CanaryService is a Service that selects the new revision. Optional without trafficRouting, required by
	// most routers.
	// +optional
	CanaryService string `json:"canaryService,omitempty"`
	// StableService is a Service that selects the stable revision. Must differ from canaryService.
	// +optional
	StableService string `json:"stableService,omitempty"`
	// Steps are taken in order. Default none, which makes an update a rolling update.
	// +optional
	// +kubebuilder:validation:MaxItems=256
	Steps []CanaryStep `json:"steps,omitempty"`
	// TrafficRouting splits requests instead of pods.
	// +optional
	TrafficRouting *RolloutTrafficRouting `json:"trafficRouting,omitempty"`
	// MaxUnavailable is how many pods may be missing during an update: a number, or a percentage of
	// spec.replicas rounded down. Default 25%. A string without a percent sign is a percentage. When both
	// this and maxSurge come to 0 for the given replicas, this becomes 1; writing 0 for both is invalid.
	// +optional
	MaxUnavailable *intstr.IntOrString `json:"maxUnavailable,omitempty"`
	// MaxSurge is how many pods may exist beyond spec.replicas during an update: a number, or a percentage of
	// spec.replicas rounded up. Default 25%. A string without a percent sign is a percentage. Unused with
	// trafficRouting.
	// +optional
	MaxSurge *intstr.IntOrString `json:"maxSurge,omitempty"`
	// Analysis is measured in the background while the steps are taken.
	// +optional
	Analysis *RolloutAnalysisBackground `json:"analysis,omitempty"`
	// AntiAffinity keeps the two revisions on different nodes during an update.
	// +optional
	AntiAffinity *AntiAffinity `json:"antiAffinity,omitempty"`
	// CanaryMetadata is carried by pods while they are the canary.
	// +optional
	CanaryMetadata *PodTemplateMetadata `json:"canaryMetadata,omitempty"`
	// StableMetadata is carried by pods while they are stable.
	// +optional
	StableMetadata *PodTemplateMetadata `json:"stableMetadata,omitempty"`
	// ScaleDownDelaySeconds is how long the old revision stays up after promotion. Default 30; 0 scales it
	// down at once. Invalid without trafficRouting, and together with dynamicStableScale.
	// +optional
	ScaleDownDelaySeconds *int32 `json:"scaleDownDelaySeconds,omitempty"`
	// ScaleDownDelayRevisionLimit is how many old revisions may stay up under the delay, newest first.
	// Default: all.
	// +optional
	ScaleDownDelayRevisionLimit *int32 `json:"scaleDownDelayRevisionLimit,omitempty"`
	// AbortScaleDownDelaySeconds is how long the canary stays up after an abort with trafficRouting. Default
	// 30; 0 never scales it down. Without trafficRouting the canary goes at once.
	// +optional
	AbortScaleDownDelaySeconds *int32 `json:"abortScaleDownDelaySeconds,omitempty"`
	// DynamicStableScale shrinks the stable revision as its share falls. Default false. Invalid without
	// trafficRouting.
	// +optional
	DynamicStableScale bool `json:"dynamicStableScale,omitempty"`
	// PingPong uses two Services that take turns being stable, instead of canaryService and stableService.
	// +optional
	PingPong *PingPongSpec `json:"pingPong,omitempty"`
	// MinPodsPerReplicaSet is the least size of a ReplicaSet that is not empty, at most spec.replicas.
	// Default 1. Only with trafficRouting.
	// +optional
	MinPodsPerReplicaSet *int32 `json:"minPodsPerReplicaSet,omitempty"`
	// ReplicaProgressThreshold is how much of the new revision must be available for a step, and for
	// promotion. Default: all of it.
	// +optional
	ReplicaProgressThreshold *ReplicaProgressThreshold `json:"replicaProgressThreshold,omitempty"`
}

// PingPongSpec names two Services that take turns being stable. Both are required and must differ.
//
// +kubebuilder:validation:XValidation:rule=`self.pingService != self.pongService`,message="pingService must differ from pongService"
type PingPongSpec struct {
	// PingService is the first of the two Services.
	// +kubebuilder:validation:MinLength=1
	PingService string `json:"pingService"`
	// PongService is the second of the two Services.
	// +kubebuilder:validation:MinLength=1
	PongService string `json:"pongService"`
}

// ReplicaProgressThreshold is how much of a revision must be available for it to count as ready enough.
type ReplicaProgressThreshold struct {
	// Type is Percent or Pods. Any other value means Pods.
	// +optional
	Type ProgressThresholdType `json:"type,omitempty"`
	// Value is a percentage of the wanted pods, or a number of pods. Negative means all of them.
	// +optional
	Value int32 `json:"value,omitempty"`
}

// ProgressThresholdType is the unit of a ReplicaProgressThreshold.
type ProgressThresholdType string

// Values of ProgressThresholdType.
const (
	// ProgressThresholdPercent counts per cent of the wanted pods.
	ProgressThresholdPercent ProgressThresholdType = "Percent"
	// ProgressThresholdPods counts pods.
	ProgressThresholdPods ProgressThresholdType = "Pods"
)

// CanaryStep is one step of a canary. Exactly one field should be set; none, or more than one of setWeight,
// pause, experiment and analysis, makes the spec invalid. The order of the fields here is part of
// status.currentStepHash and must not change.
//
// +kubebuilder:validation:XValidation:rule=`[has(self.setWeight), has(self.pause), has(self.experiment), has(self.analysis)].filter(x, x).size() <= 1`,message="a step must not have more than one of setWeight, pause, experiment and analysis"
// +kubebuilder:validation:XValidation:rule=`has(self.setWeight) || has(self.pause) || has(self.experiment) || has(self.analysis) || has(self.setCanaryScale) || has(self.setHeaderRoute) || has(self.setMirrorRoute) || has(self.plugin)`,message="a step must have one of setWeight, pause, experiment, analysis, setCanaryScale, setHeaderRoute, setMirrorRoute and plugin"
type CanaryStep struct {
	// SetWeight is the share of the new revision from this step on, 0 to maxTrafficWeight (100 unless set).
	// +optional
	// +kubebuilder:validation:Minimum=0
	SetWeight *int32 `json:"setWeight,omitempty"`
	// Pause waits.
	// +optional
	Pause *RolloutPause `json:"pause,omitempty"`
	// Experiment runs extra ReplicaSets and waits for their verdict.
	// +optional
	Experiment *RolloutExperimentStep `json:"experiment,omitempty"`
	// Analysis measures and waits for the verdict.
	// +optional
	Analysis *RolloutAnalysis `json:"analysis,omitempty"`
	// SetCanaryScale sizes the canary apart from its share, until the next such step. Invalid without
	// trafficRouting.
	// +optional
	SetCanaryScale *SetCanaryScale `json:"setCanaryScale,omitempty"`
	// SetHeaderRoute sends requests with certain headers to the canary. Needs a router that can.
	// +optional
	SetHeaderRoute *SetHeaderRoute `json:"setHeaderRoute,omitempty"`
	// SetMirrorRoute sends copies of certain requests to the canary. Needs a router that can.
	// +optional
	SetMirrorRoute *SetMirrorRoute `json:"setMirrorRoute,omitempty"`
	// Plugin hands the step to a step plugin.
	// +optional
	Plugin *PluginStep `json:"plugin,omitempty"`
}

// RolloutPause is a wait before the next step.
//
// +kubebuilder:validation:XValidation:rule=`!has(self.duration) || type(self.duration) != int || self.duration >= 0`,message="duration must not be negative"
type RolloutPause struct {
	// Duration is seconds as a number, or a string such as "10", "10s", "5m" or "1h". Absent: until somebody
	// promotes. Negative or unreadable is invalid.
	// +optional
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:Pattern=`^([+]?[0-9]+|[-+]?(([0-9]+([.][0-9]*)?|[.][0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$`
	Duration *intstr.IntOrString `json:"duration,omitempty"`
}

// SetCanaryScale sizes the canary apart from its share. The first of replicas, weight and matchTrafficWeight
// that is set counts.
type SetCanaryScale struct {
	// Weight is the size as a percentage of spec.replicas, rounded up.
	// +optional
	Weight *int32 `json:"weight,omitempty"`
	// Replicas is the size in pods; it may exceed spec.replicas.
	// +optional
	Replicas *int32 `json:"replicas,omitempty"`
	// MatchTrafficWeight ends an earlier setCanaryScale: the size follows the share again. Default false.
	// +optional
	MatchTrafficWeight bool `json:"matchTrafficWeight,omitempty"`
}

// SetHeaderRoute sends all requests that match to the canary.
type SetHeaderRoute struct {
	// Name of the route; must be listed in trafficRouting.managedRoutes.
	// +optional
	Name string `json:"name,omitempty"`
	// Match says which requests; all entries must match. Empty removes the route.
	// +optional
	// +kubebuilder:validation:MaxItems=256
	Match []HeaderRoutingMatch `json:"match,omitempty"`
}

// HeaderRoutingMatch matches one header of a request.
//
// +kubebuilder:validation:XValidation:rule=`[has(self.headerValue.exact) && self.headerValue.exact != "", has(self.headerValue.prefix) && self.headerValue.prefix != "", has(self.headerValue.regex) && self.headerValue.regex != ""].filter(x, x).size() == 1`,message="headerValue must have exactly one of exact, prefix and regex"
type HeaderRoutingMatch struct {
	// HeaderName is the header to look at.
	HeaderName string `json:"headerName"`
	// HeaderValue is what its value must look like. Required; with ALB only exact is possible.
	HeaderValue *StringMatch `json:"headerValue"`
}

// SetMirrorRoute sends copies of requests that match to the canary; answers to the copies are dropped.
type SetMirrorRoute struct {
	// Name of the route; must be listed in trafficRouting.managedRoutes.
	Name string `json:"name"`
	// Match says which requests. Empty removes the route.
	// +optional
	// +kubebuilder:validation:MaxItems=256
	Match []RouteMatch `json:"match,omitempty"`
	// Percentage of the matching requests that is copied, 0 to 100. Default 100.
	// +optional
	Percentage *int32 `json:"percentage,omitempty"`
}

// RouteMatch matches a request by method, path and headers; what is absent matches everything.
//
// +kubebuilder:validation:XValidation:rule=`!has(self.method) || [has(self.method.exact) && self.method.exact != "", has(self.method.prefix) && self.method.prefix != "", has(self.method.regex) && self.method.regex != ""].filter(x, x).size() == 1`,message="method must have exactly one of exact, prefix and regex"
type RouteMatch struct {
	// Method matches the HTTP method.
	// +optional
	Method *StringMatch `json:"method,omitempty"`
	// Path matches the URL's path.
	// +optional
	Path *StringMatch `json:"path,omitempty"`
	// Headers matches headers by name.
	// +optional
	Headers map[string]StringMatch `json:"headers,omitempty"`
}

// StringMatch says what a string must look like. Exactly one field must be set.
type StringMatch struct {
	// Exact is the whole string.
	// +optional
	Exact string `json:"exact,omitempty"`
	// Prefix is how the string begins.
	// +optional
	Prefix string `json:"prefix,omitempty"`
	// Regex is a regular expression in the router's own dialect.
	// +optional
	Regex string `json:"regex,omitempty"`
}

// PluginStep hands a step to a step plugin.
type PluginStep struct {
	// Name of the plugin. An unknown one is reported and retried until the progress deadline.
	Name string `json:"name"`
	// Config is passed to the plugin as it is.
	// +optional
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	// +kubebuilder:validation:Type=object
	Config json.RawMessage `json:"config,omitempty"`
}

// RolloutAnalysis says what to measure during an update. With no templates there is no analysis. The order of
// the fields here is part of status.currentStepHash and must not change.
type RolloutAnalysis struct {
	// Templates to measure, merged into one AnalysisRun.
	// +optional
	// +kubebuilder:validation:MaxItems=256
	Templates []AnalysisTemplateRef `json:"templates,omitempty"`
	// Args override the templates' arguments. An argument that no template declares is allowed.
	// +optional
	// +kubebuilder:validation:MaxItems=256
	Args []AnalysisRunArgument `json:"args,omitempty"`
	// DryRun names metrics that are measured without counting.
	// +optional
	// +kubebuilder:validation:MaxItems=256
	DryRun []DryRun `json:"dryRun,omitempty"`
	// MeasurementRetention says how many measurements of a metric are kept.
	// +optional
	// +kubebuilder:validation:MaxItems=256
	MeasurementRetention []MeasurementRetention `json:"measurementRetention,omitempty"`
	// AnalysisRunMetadata is put on the AnalysisRun.
	// +optional
	AnalysisRunMetadata AnalysisRunMetadata `json:"analysisRunMetadata,omitzero"`
	// WaitForVerdict makes promotion wait at the end of the steps until every metric that has a count, and
	// every Job, has its verdict. Default false: the run is stopped then and judged by what it has measured.
	// Only a canary's background analysis is ever stopped by promotion, so it changes nothing elsewhere.
	// Sluice addition.
	// +optional
	WaitForVerdict bool `json:"waitForVerdict,omitempty"`
}

// RolloutAnalysisBackground is an analysis that runs beside the steps.
type RolloutAnalysisBackground struct {
	RolloutAnalysis `json:",inline"`
	// StartingStep is the index of the step at which measuring begins. Default 0.
	// +optional
	StartingStep *int32 `json:"startingStep,omitempty"`
}

// AnalysisTemplateRef names a template.
type AnalysisTemplateRef struct {
	// TemplateName is the name of an AnalysisTemplate in the same namespace, or of a ClusterAnalysisTemplate.
	// One that does not exist makes the spec invalid until it does.
	// +optional
	TemplateName string `json:"templateName"`
	// ClusterScope means a ClusterAnalysisTemplate. Default false.
	// +optional
	ClusterScope bool `json:"clusterScope,omitempty"`
}

// AnalysisRunArgument gives a template's argument its value, from the Rollout's side.
type AnalysisRunArgument struct {
	// Name of the argument.
	Name string `json:"name"`
	// Value as text. Use this or valueFrom.
	// +optional
	Value string `json:"value,omitempty"`
	// ValueFrom takes the value from the Rollout.
	// +optional
	ValueFrom *ArgumentValueFrom `json:"valueFrom,omitempty"`
}

// ArgumentValueFrom says where in the Rollout the value of an argument is found. Exactly one field should be
// set.
type ArgumentValueFrom struct {
	// PodTemplateHashValue is the hash of a revision: Stable or Latest.
	// +optional
	PodTemplateHashValue *ValueFromPodTemplateHash `json:"podTemplateHashValue,omitempty"`
	// FieldRef is a field of the Rollout.
	// +optional
	FieldRef *FieldRef `json:"fieldRef,omitempty"`
}

// FieldRef is a path to a field.
type FieldRef struct {
	// FieldPath that begins with "metadata" is read as in the downward API, for example
	// metadata.labels['app']; any other path walks the Rollout's JSON, for example
	// spec.template.spec.containers[0].image, and must end in a string, number or boolean.
	FieldPath string `json:"fieldPath"`
}

// ValueFromPodTemplateHash names a revision whose hash is wanted.
type ValueFromPodTemplateHash string

// Values of ValueFromPodTemplateHash.
const (
	// Stable is the revision that is known to be good.
	Stable ValueFromPodTemplateHash = "Stable"
	// Latest is the newest revision.
	Latest ValueFromPodTemplateHash = "Latest"
)

// AnalysisRunMetadata is metadata for AnalysisRuns.
type AnalysisRunMetadata struct {
	// Labels to put on the run.
	// +optional
	Labels map[string]string `json:"labels,omitempty"`
	// Annotations to put on the run.
	// +optional
	Annotations map[string]string `json:"annotations,omitempty"`
}

// RolloutExperimentStep is an Experiment that a step creates and waits for.
type RolloutExperimentStep struct {
	// Templates are the ReplicaSets to run.
	// +kubebuilder:validation:MaxItems=256
	Templates []RolloutExperimentTemplate `json:"templates"`
	// Duration is how long the experiment runs once all its pods are available, such as "30s" or "1h". Empty:
	// until its required analyses have ended.
	// +optional
	Duration DurationString `json:"duration,omitempty"`
	// Analyses to run during the experiment.
	// +optional
	// +kubebuilder:validation:MaxItems=256
	Analyses []RolloutExperimentStepAnalysisTemplateRef `json:"analyses,omitempty"`
	// DryRun names metrics that are measured without counting.
	// +optional
	// +kubebuilder:validation:MaxItems=256
	DryRun []DryRun `json:"dryRun,omitempty"`
	// AnalysisRunMetadata is put on the AnalysisRuns.
	// +optional
	AnalysisRunMetadata AnalysisRunMetadata `json:"analysisRunMetadata,omitzero"`
	// ScaleDownDelaySeconds is how long the experiment's pods stay after its end. Default 30.
	// +optional
	ScaleDownDelaySeconds *int32 `json:"scaleDownDelaySeconds,omitempty"`
}

// RolloutExperimentTemplate is one ReplicaSet of an experiment step.
type RolloutExperimentTemplate struct {
	// Name of the template, unique in the experiment.
	Name string `json:"name"`
	// SpecRef says whose pod template to run: canary or stable.
	SpecRef ReplicaSetSpecRef `json:"specRef"`
	// Replicas is the number of pods. Default 1.
	// +optional
	Replicas *int32 `json:"replicas,omitempty"`
	// Metadata is put on the pods.
	// +optional
	Metadata PodTemplateMetadata `json:"metadata,omitempty"`
	// Selector replaces the Rollout's selector.
	// +optional
	Selector *metav1.LabelSelector `json:"selector,omitempty"`
	// Weight is the share of requests, taken from stable's. Needs a router that can.
	// +optional
	Weight *int32 `json:"weight,omitempty"`
	// Service asks for a Service in front of the pods.
	// +optional
	Service *TemplateService `json:"service,omitempty"`
}

// ReplicaSetSpecRef names the revision whose pod template an experiment runs.
type ReplicaSetSpecRef string

// Values of ReplicaSetSpecRef.
const (
	// CanarySpecRef is the newest revision.
	CanarySpecRef ReplicaSetSpecRef = "canary"
	// StableSpecRef is the stable revision.
	StableSpecRef ReplicaSetSpecRef = "stable"
)

// RolloutExperimentStepAnalysisTemplateRef is an analysis of an experiment step.
type RolloutExperimentStepAnalysisTemplateRef struct {
	// Name of the analysis, unique in the experiment.
	Name string `json:"name"`
	// TemplateName is the template to run.
	TemplateName string `json:"templateName"`
	// ClusterScope means a ClusterAnalysisTemplate. Default false.
	// +optional
	ClusterScope bool `json:"clusterScope,omitempty"`
	// Args override the template's arguments.
	// +optional
	// +kubebuilder:validation:MaxItems=256
	Args []AnalysisRunArgument `json:"args,omitempty"`
	// RequiredForCompletion keeps the experiment going until this analysis has ended. Default false.
	// +optional
	RequiredForCompletion bool `json:"requiredForCompletion,omitempty"`
}
