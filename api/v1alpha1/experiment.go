package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Experiment runs ReplicaSets for a while and measures them.
//
// It has no status subresource: status is written by patching the object itself, and metadata.generation
// changes with it.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=experiments,shortName=exp,categories=sluice
// +kubebuilder:printcolumn:name="Status",type="string",JSONPath=".status.phase",description="How far the experiment is"
// +kubebuilder:printcolumn:name="Age",type="date",JSONPath=".metadata.creationTimestamp"
type Experiment struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec ExperimentSpec `json:"spec"`
	// +optional
	Status ExperimentStatus `json:"status,omitempty"`
}

// ExperimentList is a page of Experiments.
//
// +kubebuilder:object:root=true
type ExperimentList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []Experiment `json:"items"`
}

// ExperimentSpec is what to run, for how long, and what to measure.
//
// +kubebuilder:validation:XValidation:rule=`self.templates.all(t, !has(t.minReadySeconds) || t.minReadySeconds <= (has(self.progressDeadlineSeconds) ? self.progressDeadlineSeconds : 600))`,message="minReadySeconds must not exceed progressDeadlineSeconds, 600 unless set"
type ExperimentSpec struct {
	// Templates are the ReplicaSets to run.
	// +kubebuilder:validation:MaxItems=256
	Templates []TemplateSpec `json:"templates"`
	// Duration from the moment all pods are available, such as "30s" or "1h". Default: until terminated, or
	// until the required analyses have ended.
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	Duration DurationString `json:"duration,omitempty"`
	// ProgressDeadlineSeconds is how long a template may go without progress before the Experiment fails.
	// Default 600.
	// +optional
	ProgressDeadlineSeconds *int32 `json:"progressDeadlineSeconds,omitempty"`
	// Terminate ends the Experiment. Default false.
	// +optional
	Terminate bool `json:"terminate,omitempty"`
	// Analyses to run once all pods are available.
	// +optional
	// +kubebuilder:validation:MaxItems=256
	Analyses []ExperimentAnalysisTemplateRef `json:"analyses,omitempty"`
	// ScaleDownDelaySeconds is how long the pods stay after the end. Default 30.
	// +optional
	ScaleDownDelaySeconds *int32 `json:"scaleDownDelaySeconds,omitempty"`
	// DryRun names metrics that are measured without counting.
	// +optional
	// +kubebuilder:validation:MaxItems=256
	DryRun []DryRun `json:"dryRun,omitempty"`
	// MeasurementRetention says how many measurements of a metric are kept.
	// +optional
	// +kubebuilder:validation:MaxItems=256
	MeasurementRetention []MeasurementRetention `json:"measurementRetention,omitempty"`
	// AnalysisRunMetadata is put on the AnalysisRuns.
	// +optional
	AnalysisRunMetadata AnalysisRunMetadata `json:"analysisRunMetadata,omitzero"`
}

// TemplateSpec is one ReplicaSet of an Experiment.
//
// +kubebuilder:validation:XValidation:rule=`(has(self.selector.matchLabels) && size(self.selector.matchLabels) > 0) || (has(self.selector.matchExpressions) && size(self.selector.matchExpressions) > 0)`,message="selector must not be empty"
type TemplateSpec struct {
	// Name of the template, unique in the Experiment.
	// +kubebuilder:validation:MinLength=1
	Name string `json:"name"`
	// Replicas is the number of pods. Default 1.
	// +optional
	Replicas *int32 `json:"replicas,omitempty"`
	// MinReadySeconds is how long a pod must have been ready before it counts as available. Default 0. More
	// than progressDeadlineSeconds is invalid.
	// +optional
	MinReadySeconds int32 `json:"minReadySeconds,omitempty"`
	// Selector finds the pods of this template. Required and not empty.
	Selector *metav1.LabelSelector `json:"selector"`
	// Template is the pod to run.
	Template corev1.PodTemplateSpec `json:"template"`
	// Service asks for a Service in front of the pods.
	// +optional
	Service *TemplateService `json:"service,omitempty"`
}

// TemplateService asks for a Service in front of a template's pods, one port for each container port.
type TemplateService struct {
	// Name of the Service. Default: the ReplicaSet's name.
	// +optional
	Name string `json:"name,omitempty"`
}

// ExperimentAnalysisTemplateRef is one analysis of an Experiment.
type ExperimentAnalysisTemplateRef struct {
	// Name of the analysis, unique in the Experiment.
	Name string `json:"name"`
	// TemplateName is the template to run.
	TemplateName string `json:"templateName"`
	// ClusterScope means a ClusterAnalysisTemplate. Default false.
	// +optional
	ClusterScope bool `json:"clusterScope,omitempty"`
	// Args override the template's arguments.
	// +optional
	// +kubebuilder:validation:MaxItems=256
	Args []Argument `json:"args,omitempty"`
	// RequiredForCompletion keeps the Experiment going until this analysis has ended. Default false.
	// +optional
	RequiredForCompletion bool `json:"requiredForCompletion,omitempty"`
}

// ExperimentStatus is what the controller remembers about an Experiment.
type ExperimentStatus struct {
	// Phase of the Experiment.
	// +optional
	Phase AnalysisPhase `json:"phase,omitempty"`
	// Message says why.
	// +optional
	Message string `json:"message,omitempty"`
	// TemplateStatuses is one entry for each template.
	// +optional
	// +kubebuilder:validation:MaxItems=256
	TemplateStatuses []TemplateStatus `json:"templateStatuses,omitempty"`
	// AvailableAt is when all templates were available; the duration counts from it.
	// +optional
	AvailableAt *metav1.Time `json:"availableAt,omitempty"`
	// Conditions describe the Experiment.
	// +optional
	// +kubebuilder:validation:MaxItems=256
	Conditions []ExperimentCondition `json:"conditions,omitempty"`
	// AnalysisRuns is one entry for each analysis that was started.
	// +optional
	// +kubebuilder:validation:MaxItems=256
	AnalysisRuns []ExperimentAnalysisRunStatus `json:"analysisRuns,omitempty"`
}

// TemplateStatusCode is how far one template of an Experiment is.
type TemplateStatusCode string

// Values of TemplateStatusCode. Empty means not looked at yet.
const (
	// TemplateStatusProgressing: pods are coming up.
	TemplateStatusProgressing TemplateStatusCode = "Progressing"
	// TemplateStatusRunning: all pods are available.
	TemplateStatusRunning TemplateStatusCode = "Running"
	// TemplateStatusSuccessful: the time is over.
	TemplateStatusSuccessful TemplateStatusCode = "Successful"
	// TemplateStatusFailed: the pods did not come up in time.
	TemplateStatusFailed TemplateStatusCode = "Failed"
	// TemplateStatusError: the ReplicaSet could not be made.
	TemplateStatusError TemplateStatusCode = "Error"
)

// Completed says whether the code is final.
func (c TemplateStatusCode) Completed() bool {
	switch c {
	case TemplateStatusSuccessful, TemplateStatusFailed, TemplateStatusError:
		return true
	case TemplateStatusProgressing, TemplateStatusRunning:
		return false
	}
	return false
}

// TemplateStatus is what is known about one template of an Experiment.
type TemplateStatus struct {
	// Name of the template.
	Name string `json:"name"`
	// Replicas is the number of pods.
	Replicas int32 `json:"replicas"`
	// UpdatedReplicas is the number of pods of the wanted template.
	UpdatedReplicas int32 `json:"updatedReplicas"`
	// ReadyReplicas is the number of ready pods.
	ReadyReplicas int32 `json:"readyReplicas"`
	// AvailableReplicas is the number of available pods.
	AvailableReplicas int32 `json:"availableReplicas"`
	// CollisionCount changes the hash when another object already has the name it gives.
	// +optional
	CollisionCount *int32 `json:"collisionCount,omitempty"`
	// Status of the template.
	// +optional
	Status TemplateStatusCode `json:"status,omitempty"`
	// Message says why.
	// +optional
	Message string `json:"message,omitempty"`
	// LastTransitionTime is when progress was last seen; the deadline counts from it.
	// +optional
	LastTransitionTime *metav1.Time `json:"lastTransitionTime,omitempty"`
	// ServiceName of the Service in front of the pods.
	// +optional
	ServiceName string `json:"serviceName,omitempty"`
	// PodTemplateHash of the ReplicaSet.
	// +optional
	PodTemplateHash string `json:"podTemplateHash,omitempty"`
}

// ExperimentAnalysisRunStatus is an Experiment's memory of an AnalysisRun.
type ExperimentAnalysisRunStatus struct {
	// Name of the analysis.
	Name string `json:"name"`
	// AnalysisRun is the run's name.
	AnalysisRun string `json:"analysisRun"`
	// Phase of the run.
	Phase AnalysisPhase `json:"phase"`
	// Message of the run.
	// +optional
	Message string `json:"message,omitempty"`
}

// ExperimentConditionType names a condition of an Experiment.
type ExperimentConditionType string

// Values of ExperimentConditionType.
const (
	// ExperimentInvalidSpec: the spec is wrong; nothing happens.
	ExperimentInvalidSpec ExperimentConditionType = "InvalidSpec"
	// ExperimentCompleted: the Experiment has ended.
	ExperimentCompleted ExperimentConditionType = "Completed"
	// ExperimentProgressing: pods are coming up, or just did.
	ExperimentProgressing ExperimentConditionType = "Progressing"
	// ExperimentRunning: all pods are available and being measured.
	ExperimentRunning ExperimentConditionType = "Running"
	// ExperimentReplicaFailure: pods could not be created or deleted.
	ExperimentReplicaFailure ExperimentConditionType = "ReplicaFailure"
)

// ExperimentCondition is one aspect of an Experiment's state.
type ExperimentCondition struct {
	// Type of the condition.
	Type ExperimentConditionType `json:"type"`
	// Status is True, False or Unknown.
	Status corev1.ConditionStatus `json:"status"`
	// LastUpdateTime is when progress was last seen.
	LastUpdateTime metav1.Time `json:"lastUpdateTime"`
	// LastTransitionTime is when the status last changed.
	LastTransitionTime metav1.Time `json:"lastTransitionTime"`
	// Reason is one word for machines.
	Reason string `json:"reason"`
	// Message is a sentence for people.
	Message string `json:"message"`
}
