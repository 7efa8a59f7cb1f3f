package v1alpha1

import (
	"encoding/json"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Rollout keeps a number of identical pods running and replaces them, when their template changes, in the way
// its strategy describes.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:subresource:scale:specpath=.spec.replicas,statuspath=.status.HPAReplicas,selectorpath=.status.selector
// +kubebuilder:resource:path=rollouts,shortName=ro,categories=sluice
// +kubebuilder:printcolumn:name="Desired",type="integer",JSONPath=".spec.replicas",description="Pods that are wanted"
// +kubebuilder:printcolumn:name="Current",type="integer",JSONPath=".status.replicas",description="Pods of all revisions"
// +kubebuilder:printcolumn:name="Up-to-date",type="integer",JSONPath=".status.updatedReplicas",description="Pods of the newest revision"
// +kubebuilder:printcolumn:name="Available",type="integer",JSONPath=".status.availableReplicas",description="Pods ready for at least minReadySeconds"
// +kubebuilder:printcolumn:name="Age",type="date",JSONPath=".metadata.creationTimestamp"
type Rollout struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec RolloutSpec `json:"spec"`
	// +optional
	Status RolloutStatus `json:"status,omitempty"`
}

// RolloutList is a page of Rollouts.
//
// +kubebuilder:object:root=true
type RolloutList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []Rollout `json:"items"`
}

// RolloutSpec is what a user wants to run and how an update of it proceeds.
//
// +kubebuilder:validation:XValidation:rule=`has(self.workloadRef) || has(self.selector)`,message="selector is required unless workloadRef is set"
// +kubebuilder:validation:XValidation:rule=`has(self.workloadRef) || !has(self.selector) || (has(self.selector.matchLabels) && size(self.selector.matchLabels) > 0) || (has(self.selector.matchExpressions) && size(self.selector.matchExpressions) > 0)`,message="selector must not be empty"
// +kubebuilder:validation:XValidation:rule=`has(self.strategy) && (has(self.strategy.blueGreen) != has(self.strategy.canary))`,message="strategy must have exactly one of blueGreen and canary"
// +kubebuilder:validation:XValidation:rule=`!has(self.workloadRef) || !has(self.template) || !has(self.template.metadata) || ((!has(self.template.metadata.labels) || size(self.template.metadata.labels) == 0) && (!has(self.template.metadata.annotations) || size(self.template.metadata.annotations) == 0))`,message="template must be empty when workloadRef is set"
// +kubebuilder:validation:XValidation:rule=`(has(self.progressDeadlineSeconds) ? self.progressDeadlineSeconds : 600) > (has(self.minReadySeconds) ? self.minReadySeconds : 0)`,message="progressDeadlineSeconds, 600 unless set, must be larger than minReadySeconds"
// +kubebuilder:validation:XValidation:rule=`!has(self.strategy) || !has(self.strategy.blueGreen) || !has(self.strategy.blueGreen.scaleDownDelayRevisionLimit) || self.strategy.blueGreen.scaleDownDelayRevisionLimit <= (has(self.revisionHistoryLimit) ? self.revisionHistoryLimit : 10)`,message="scaleDownDelayRevisionLimit must be at most revisionHistoryLimit, 10 unless set"
type RolloutSpec struct {
	// TemplateResolvedFromRef is true while Template was copied from WorkloadRef. It never leaves the process:
	// marshalling then drops the template.
	TemplateResolvedFromRef bool `json:"-"`
	// SelectorResolvedFromRef is true while Selector was copied from WorkloadRef. It never leaves the process:
	// marshalling then drops the selector.
	SelectorResolvedFromRef bool `json:"-"`

	// Replicas is the number of pods that should serve. Default 1, which the controller writes into the spec
	// so that an autoscaler finds a number. Negative is invalid.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Replicas *int32 `json:"replicas,omitempty"`
	// Selector finds the pods of this Rollout. Required unless workloadRef is set, must match the template's
	// labels, cannot be empty and cannot be changed.
	// +optional
	// +kubebuilder:validation:XValidation:rule=`self == oldSelf`,message="selector is immutable"
	Selector *metav1.LabelSelector `json:"selector,omitempty"`
	// Template is the pod to run. Must stay empty, labels and annotations included, when workloadRef is set.
	// +optional
	Template corev1.PodTemplateSpec `json:"template,omitzero"`
	// WorkloadRef takes the template, and the selector if there is none here, from another object.
	// +optional
	WorkloadRef *ObjectRef `json:"workloadRef,omitempty"`
	// MinReadySeconds is how long a pod must have been ready before it counts as available. Default 0.
	// Negative is invalid.
	// +optional
	// +kubebuilder:validation:Minimum=0
	MinReadySeconds int32 `json:"minReadySeconds,omitempty"`
	// RollbackWindow lets a rollback to one of the latest revisions skip steps and analysis. Off by default.
	// +optional
	RollbackWindow *RollbackWindowSpec `json:"rollbackWindow,omitempty"`
	// Strategy says how an update proceeds. Exactly one of its fields must be set.
	// +optional
	Strategy RolloutStrategy `json:"strategy,omitzero"`
	// RevisionHistoryLimit is the number of old ReplicaSets that are kept for going back. Default 10; 0 keeps
	// none. Negative is invalid.
	// +optional
	// +kubebuilder:validation:Minimum=0
	RevisionHistoryLimit *int32 `json:"revisionHistoryLimit,omitempty"`
	// Paused stops all movement: no step is taken, no Service is switched, no canary ReplicaSet is scaled.
	// Default false.
	// +optional
	Paused bool `json:"paused,omitempty"`
	// ProgressDeadlineSeconds is how long an update may go without progress before the Rollout is Degraded.
	// Default 600. Must be larger than minReadySeconds.
	// +optional
	// +kubebuilder:validation:Minimum=0
	ProgressDeadlineSeconds *int32 `json:"progressDeadlineSeconds,omitempty"`
	// ProgressDeadlineAbort aborts the update when the progress deadline passes. Default false: the update
	// goes on and may recover.
	// +optional
	ProgressDeadlineAbort bool `json:"progressDeadlineAbort,omitempty"`
	// RestartAt asks for every pod created before this time to be evicted and replaced. A time in the future
	// is waited for.
	// +optional
	RestartAt *metav1.Time `json:"restartAt,omitempty"`
	// Analysis limits how many finished AnalysisRuns and Experiments of this Rollout are kept.
	// +optional
	Analysis *AnalysisRunStrategy `json:"analysis,omitempty"`
}

// HasTemplate says that the user wrote a template, however little it says. An empty map or list says nothing.
func (s *RolloutSpec) HasTemplate() bool {
	return !s.TemplateResolvedFromRef && !equality.Semantic.DeepEqual(s.Template, corev1.PodTemplateSpec{})
}

// SetResolvedSelector fills in the selector of the referenced workload for use in this process only.
func (s *RolloutSpec) SetResolvedSelector(selector *metav1.LabelSelector) {
	s.SelectorResolvedFromRef = true
	s.Selector = selector
}

// SetResolvedTemplate fills in the template of the referenced workload for use in this process only.
func (s *RolloutSpec) SetResolvedTemplate(template corev1.PodTemplateSpec) {
	s.TemplateResolvedFromRef = true
	s.Template = template
}

// MarshalJSON writes the spec without what was resolved from workloadRef, so that a copy of another object's
// template is never saved as the user's own.
func (s RolloutSpec) MarshalJSON() ([]byte, error) {
	type plain RolloutSpec // without this method, which would call itself
	if !s.SelectorResolvedFromRef && !s.TemplateResolvedFromRef {
		return json.Marshal(plain(s))
	}
	// Outer fields hide the embedded ones of the same JSON name.
	written := struct {
		plain
		Selector *metav1.LabelSelector   `json:"selector,omitempty"`
		Template *corev1.PodTemplateSpec `json:"template,omitempty"`
	}{plain: plain(s)}
	if !s.SelectorResolvedFromRef {
		written.Selector = s.Selector
	}
	if !s.TemplateResolvedFromRef {
		written.Template = &s.Template
	}
	return json.Marshal(written)
}

// ObjectRef names the workload whose pod template a Rollout runs.
type ObjectRef struct {
	// APIVersion of the workload: apps/v1 for Deployment and ReplicaSet, v1 for PodTemplate. Anything else
	// makes the Rollout's spec invalid.
	// +optional
	APIVersion string `json:"apiVersion,omitempty"`
	// Kind of the workload: Deployment, ReplicaSet or PodTemplate.
	// +optional
	Kind string `json:"kind,omitempty"`
	// Name of the workload in the Rollout's namespace. An object that does not exist makes the spec invalid
	// until it does.
	// +optional
	Name string `json:"name,omitempty"`
	// ScaleDown says what happens to the workload's own pods: never (default), onsuccess or progressively.
	// +optional
	ScaleDown ScaleDownMode `json:"scaleDown,omitempty"`
}

// ScaleDownMode says when a referenced Deployment gives up its own pods. Unknown values mean never.
type ScaleDownMode string

// Values of ScaleDownMode.
const (
	// ScaleDownNever leaves the Deployment alone.
	ScaleDownNever ScaleDownMode = "never"
	// ScaleDownOnSuccess scales the Deployment to 0 once the Rollout is Healthy.
	ScaleDownOnSuccess ScaleDownMode = "onsuccess"
	// ScaleDownProgressively takes away one pod of the Deployment for each ready pod of the Rollout.
	ScaleDownProgressively ScaleDownMode = "progressively"
)

// RollbackWindowSpec bounds what counts as going back to a recent revision.
type RollbackWindowSpec struct {
	// Revisions is how many revisions back a rollback may reach and still skip steps and analysis. Default 0:
	// none.
	// +optional
	Revisions int32 `json:"revisions,omitempty"`
}

// AnalysisRunStrategy limits the history of finished AnalysisRuns and Experiments of one Rollout.
type AnalysisRunStrategy struct {
	// SuccessfulRunHistoryLimit is the number of newest Successful ones to keep. Default 5.
	// +optional
	SuccessfulRunHistoryLimit *int32 `json:"successfulRunHistoryLimit,omitempty"`
	// UnsuccessfulRunHistoryLimit is the number of newest Failed, Error and Inconclusive ones to keep.
	// Default 5.
	// +optional
	UnsuccessfulRunHistoryLimit *int32 `json:"unsuccessfulRunHistoryLimit,omitempty"`
}

// RolloutStrategy says how an update proceeds. Setting none or both of its fields makes the spec invalid.
type RolloutStrategy struct {
	// BlueGreen starts the new revision beside the old one and then switches a Service.
	// +optional
	BlueGreen *BlueGreenStrategy `json:"blueGreen,omitempty"`
	// Canary gives the new revision a growing share.
	// +optional
	Canary *CanaryStrategy `json:"canary,omitempty"`
}

// PodTemplateMetadata is metadata that pods carry only while they play a role, or only in an experiment.
type PodTemplateMetadata struct {
	// Labels to add. They win over the template's labels of the same key.
	// +optional
	Labels map[string]string `json:"labels,omitempty"`
	// Annotations to add. They win over the template's annotations of the same key.
	// +optional
	Annotations map[string]string `json:"annotations,omitempty"`
}

// AntiAffinity keeps pods of the new revision off the nodes of the stable one during an update. Exactly one
// field must be set.
//
// +kubebuilder:validation:XValidation:rule=`has(self.preferredDuringSchedulingIgnoredDuringExecution) != has(self.requiredDuringSchedulingIgnoredDuringExecution)`,message="antiAffinity must have exactly one of its two forms"
type AntiAffinity struct {
	// PreferredDuringSchedulingIgnoredDuringExecution lets the scheduler break the rule when it must.
	// +optional
	PreferredDuringSchedulingIgnoredDuringExecution *PreferredDuringSchedulingIgnoredDuringExecution `json:"preferredDuringSchedulingIgnoredDuringExecution,omitempty"`
	// RequiredDuringSchedulingIgnoredDuringExecution leaves pods Pending rather than break the rule.
	// +optional
	RequiredDuringSchedulingIgnoredDuringExecution *RequiredDuringSchedulingIgnoredDuringExecution `json:"requiredDuringSchedulingIgnoredDuringExecution,omitempty"`
}

// PreferredDuringSchedulingIgnoredDuringExecution is the soft form of anti-affinity.
type PreferredDuringSchedulingIgnoredDuringExecution struct {
	// Weight of the rule for the scheduler, 1 to 100. Anything else is invalid.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	Weight int32 `json:"weight"`
}

// RequiredDuringSchedulingIgnoredDuringExecution is the hard form of anti-affinity; it has no settings.
type RequiredDuringSchedulingIgnoredDuringExecution struct{}
