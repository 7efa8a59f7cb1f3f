package v1alpha1

import (
	"encoding/json"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// RolloutStatus is what the controller remembers about a Rollout. Clients change it too: abort, promoteFull,
// pauseConditions, controllerPause and currentStepIndex are also commands. Whoever reads it must not trust it:
// values that make no sense are rebuilt from what is observed.
type RolloutStatus struct {
	// Abort stops the update and goes back to the stable revision.
	// +optional
	Abort bool `json:"abort,omitempty"`
	// PauseConditions are why the controller paused. Clients clear them to resume.
	// +optional
	// +kubebuilder:validation:MaxItems=256
	PauseConditions []PauseCondition `json:"pauseConditions,omitempty"`
	// ControllerPause is true from the first pause condition until the controller has seen that somebody
	// cleared them.
	// +optional
	ControllerPause bool `json:"controllerPause,omitempty"`
	// AbortedAt is when the controller noticed the abort.
	// +optional
	AbortedAt *metav1.Time `json:"abortedAt,omitempty"`
	// CurrentPodHash is the hash of the newest revision.
	// +optional
	CurrentPodHash string `json:"currentPodHash,omitempty"`
	// CurrentStepHash is the hash of the canary's steps; a change starts the steps over.
	// +optional
	CurrentStepHash string `json:"currentStepHash,omitempty"`
	// Replicas is the number of pods of all revisions.
	// +optional
	Replicas int32 `json:"replicas,omitempty"`
	// UpdatedReplicas is the number of pods of the newest revision.
	// +optional
	UpdatedReplicas int32 `json:"updatedReplicas,omitempty"`
	// ReadyReplicas is the number of ready pods; with blueGreen, of the active revision only.
	// +optional
	ReadyReplicas int32 `json:"readyReplicas,omitempty"`
	// AvailableReplicas is the number of available pods; with blueGreen, of the active revision only.
	// +optional
	AvailableReplicas int32 `json:"availableReplicas,omitempty"`
	// CurrentStepIndex is the step being taken, counted from 0; the number of steps once all are done. Absent
	// when there are no steps.
	// +optional
	CurrentStepIndex *int32 `json:"currentStepIndex,omitempty"`
	// CollisionCount changes the hash when another object already has the name it gives.
	// +optional
	CollisionCount *int32 `json:"collisionCount,omitempty"`
	// ObservedGeneration is the metadata.generation this status belongs to, as a string.
	// +optional
	ObservedGeneration string `json:"observedGeneration,omitempty"`
	// Conditions describe the Rollout; see the RolloutConditionType constants.
	// +optional
	// +kubebuilder:validation:MaxItems=256
	Conditions []RolloutCondition `json:"conditions,omitempty"`
	// Canary holds what only a canary needs.
	// +optional
	Canary CanaryStatus `json:"canary,omitempty"`
	// BlueGreen holds what only a blue-green update needs.
	// +optional
	BlueGreen BlueGreenStatus `json:"blueGreen,omitempty"`
	// HPAReplicas is the number of pods an autoscaler should see: all of them; with blueGreen, the active ones.
	// +optional
	HPAReplicas int32 `json:"HPAReplicas,omitempty"`
	// Selector finds the pods behind HPAReplicas, as text.
	// +optional
	Selector string `json:"selector,omitempty"`
	// StableRS is the hash of the revision that is known to be good.
	// +optional
	StableRS string `json:"stableRS,omitempty"`
	// RestartedAt is the spec.restartAt that was carried out last.
	// +optional
	RestartedAt *metav1.Time `json:"restartedAt,omitempty"`
	// PromoteFull skips the remaining steps, pauses and analysis of this update.
	// +optional
	PromoteFull bool `json:"promoteFull,omitempty"`
	// Phase sums the Rollout up. Only valid when observedGeneration equals metadata.generation.
	// +optional
	Phase RolloutPhase `json:"phase,omitempty"`
	// Message says why the Rollout is in its phase.
	// +optional
	Message string `json:"message,omitempty"`
	// WorkloadObservedGeneration is the generation of the referenced workload this status belongs to, as a
	// string.
	// +optional
	WorkloadObservedGeneration string `json:"workloadObservedGeneration,omitempty"`
	// ALB names the AWS resources of a single Ingress.
	// +optional
	ALB *ALBStatus `json:"alb,omitempty"`
	// ALBs name the AWS resources of several Ingresses.
	// +optional
	// +kubebuilder:validation:MaxItems=256
	ALBs []ALBStatus `json:"albs,omitempty"`
	// Duration is when the update began and ended.
	// +optional
	Duration *RolloutDuration `json:"duration,omitempty"`
	// Attempt counts how often the update to currentPodHash was started over, by retry or by other
	// steps. Default 0. It tells the AnalysisRuns of one attempt from those of another.
	// Sluice addition.
	// +optional
	Attempt int32 `json:"attempt,omitempty"`
	// Decisions are the last ten decisions, oldest first, each at most 1 KiB. Sluice addition.
	// +optional
	// +kubebuilder:validation:MaxItems=10
	Decisions []Decision `json:"decisions,omitempty"`
}

// MaxDecisions is how many decisions RolloutStatus keeps.
const MaxDecisions = 10

// Decision is one thing the controller decided, and why. Sluice addition.
type Decision struct {
	// At is when it was decided.
	At metav1.Time `json:"at"`
	// Reason is one word for machines.
	Reason string `json:"reason"`
	// Message is a sentence for people.
	// +optional
	Message string `json:"message,omitempty"`
	// Revision is the hash of the revision it was about.
	// +optional
	Revision string `json:"revision,omitempty"`
	// RevisionNumber is the number that revision had then: one that comes back into use gets another.
	// +optional
	RevisionNumber int64 `json:"revisionNumber,omitempty"`
	// Step is the index of the step, counted from 0, at which it was decided.
	// +optional
	Step *int32 `json:"step,omitempty"`
	// NextStep is the index of the step that somebody moved the update to, when the decision is about that.
	// The steps from step up to nextStep were skipped.
	// +optional
	NextStep *int32 `json:"nextStep,omitempty"`
	// Weight is the share of the canary that the decision asked for.
	// +optional
	Weight *int32 `json:"weight,omitempty"`
	// Evidence is what was measured, the deciding measurement first.
	// +optional
	// +kubebuilder:validation:MaxItems=20
	Evidence []Evidence `json:"evidence,omitempty"`
}

// Evidence is a measurement that a decision rests on. Secrets are redacted. Sluice addition.
type Evidence struct {
	// Run is the AnalysisRun or Experiment.
	// +optional
	Run string `json:"run,omitempty"`
	// Metric is the metric's name.
	// +optional
	Metric string `json:"metric,omitempty"`
	// Phase is what the measurement came to.
	// +optional
	Phase AnalysisPhase `json:"phase,omitempty"`
	// Value is what was measured, as text.
	// +optional
	Value string `json:"value,omitempty"`
	// Condition is the expression that decided.
	// +optional
	Condition string `json:"condition,omitempty"`
	// Threshold says by how much the value missed or met the condition, for example "0.0091 > 0.004".
	// +optional
	Threshold string `json:"threshold,omitempty"`
	// Limit says which limit the metric broke, for example "failed (1) > failureLimit (0)".
	// +optional
	Limit string `json:"limit,omitempty"`
	// Message is what the provider said.
	// +optional
	Message string `json:"message,omitempty"`
	// At is when the value was measured.
	// +optional
	At *metav1.Time `json:"at,omitempty"`
}

// RolloutPhase sums up a Rollout in one word.
type RolloutPhase string

// Values of RolloutPhase. Other tools take them as health states; there must never be others.
const (
	// RolloutPhaseHealthy: the update is complete and all pods are available.
	RolloutPhaseHealthy RolloutPhase = "Healthy"
	// RolloutPhaseDegraded: aborted, out of time, or invalid.
	RolloutPhaseDegraded RolloutPhase = "Degraded"
	// RolloutPhaseProgressing: on the way.
	RolloutPhaseProgressing RolloutPhase = "Progressing"
	// RolloutPhasePaused: waiting for time to pass or for somebody.
	RolloutPhasePaused RolloutPhase = "Paused"
)

// PauseReason is why the controller paused.
type PauseReason string

// Values of PauseReason.
const (
	// PauseReasonCanaryPauseStep: a pause step.
	PauseReasonCanaryPauseStep PauseReason = "CanaryPauseStep"
	// PauseReasonBlueGreenPause: the pause before a blue-green switch.
	PauseReasonBlueGreenPause PauseReason = "BlueGreenPause"
	// PauseReasonInconclusiveAnalysis: an AnalysisRun could not tell good from bad.
	PauseReasonInconclusiveAnalysis PauseReason = "InconclusiveAnalysisRun"
	// PauseReasonInconclusiveExperiment: an Experiment could not tell good from bad.
	PauseReasonInconclusiveExperiment PauseReason = "InconclusiveExperiment"
)

// PauseCondition is one reason for a pause.
type PauseCondition struct {
	// Reason for the pause.
	Reason PauseReason `json:"reason"`
	// StartTime of the pause; durations count from it.
	StartTime metav1.Time `json:"startTime"`
}

// RolloutConditionType names a condition of a Rollout.
type RolloutConditionType string

// Values of RolloutConditionType.
const (
	// RolloutInvalidSpec: the spec, or something it names, is wrong; the update does not move forward.
	RolloutInvalidSpec RolloutConditionType = "InvalidSpec"
	// RolloutAvailable: enough pods can serve.
	RolloutAvailable RolloutConditionType = "Available"
	// RolloutProgressing: the update makes progress, or just did.
	RolloutProgressing RolloutConditionType = "Progressing"
	// RolloutReplicaFailure: pods could not be created or deleted.
	RolloutReplicaFailure RolloutConditionType = "ReplicaFailure"
	// RolloutPaused: a pause by the controller or by hand.
	RolloutPaused RolloutConditionType = "Paused"
	// RolloutCompleted: the newest revision is the stable one.
	RolloutCompleted RolloutConditionType = "Completed"
	// RolloutHealthy: complete and all pods available.
	RolloutHealthy RolloutConditionType = "Healthy"
)

// RolloutCondition is one aspect of a Rollout's state.
type RolloutCondition struct {
	// Type of the condition.
	Type RolloutConditionType `json:"type"`
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

// CanaryStatus is what only a canary needs to remember.
type CanaryStatus struct {
	// CurrentStepAnalysisRunStatus is the run of the current analysis step.
	// +optional
	CurrentStepAnalysisRunStatus *RolloutAnalysisRunStatus `json:"currentStepAnalysisRunStatus,omitempty"`
	// CurrentBackgroundAnalysisRunStatus is the run beside the steps.
	// +optional
	CurrentBackgroundAnalysisRunStatus *RolloutAnalysisRunStatus `json:"currentBackgroundAnalysisRunStatus,omitempty"`
	// CurrentExperiment is the Experiment of the current step.
	// +optional
	CurrentExperiment string `json:"currentExperiment,omitempty"`
	// Weights are the shares the router has.
	// +optional
	Weights *TrafficWeights `json:"weights,omitempty"`
	// StablePingPong says which of the pingPong Services is stable.
	// +optional
	StablePingPong PingPongType `json:"stablePingPong,omitempty"`
	// StepPluginStatuses is one entry for each operation of each plugin step.
	// +optional
	// +kubebuilder:validation:MaxItems=768
	StepPluginStatuses []StepPluginStatus `json:"stepPluginStatuses,omitempty"`
}

// PingPongType is one of the two pingPong Services.
type PingPongType string

// Values of PingPongType.
const (
	// PPPing is pingService.
	PPPing PingPongType = "ping"
	// PPPong is pongService.
	PPPong PingPongType = "pong"
)

// TrafficWeights are the shares of requests, together maxTrafficWeight.
type TrafficWeights struct {
	// Canary is the share of the new revision.
	Canary WeightDestination `json:"canary"`
	// Stable is the share of the stable revision.
	Stable WeightDestination `json:"stable"`
	// Additional are the shares of experiments.
	// +optional
	// +kubebuilder:validation:MaxItems=256
	Additional []WeightDestination `json:"additional,omitempty"`
	// Verified says whether the router was seen to do what it was told. Absent where that cannot be seen.
	// +optional
	Verified *bool `json:"verified,omitempty"`
}

// WeightDestination is one share.
type WeightDestination struct {
	// Weight out of maxTrafficWeight.
	Weight int32 `json:"weight"`
	// ServiceName that gets the requests.
	// +optional
	ServiceName string `json:"serviceName,omitempty"`
	// PodTemplateHash of the revision behind it.
	// +optional
	PodTemplateHash string `json:"podTemplateHash,omitempty"`
}

// RolloutAnalysisRunStatus is a Rollout's memory of an AnalysisRun.
type RolloutAnalysisRunStatus struct {
	// Name of the run.
	Name string `json:"name"`
	// Status is the run's phase.
	Status AnalysisPhase `json:"status"`
	// Message of the run.
	// +optional
	Message string `json:"message,omitempty"`
}

// StepPluginOperation is what a step plugin was asked to do.
type StepPluginOperation string

// Values of StepPluginOperation.
const (
	// StepPluginOperationRun carries the step out.
	StepPluginOperationRun StepPluginOperation = "Run"
	// StepPluginOperationTerminate ends a step that is no longer needed.
	StepPluginOperationTerminate StepPluginOperation = "Terminate"
	// StepPluginOperationAbort takes a step back.
	StepPluginOperationAbort StepPluginOperation = "Abort"
)

// StepPluginPhase is how far a step plugin's operation is.
type StepPluginPhase string

// Values of StepPluginPhase.
const (
	// StepPluginPhaseRunning: ask again later.
	StepPluginPhaseRunning StepPluginPhase = "Running"
	// StepPluginPhaseSuccessful: done.
	StepPluginPhaseSuccessful StepPluginPhase = "Successful"
	// StepPluginPhaseFailed: the step says no.
	StepPluginPhaseFailed StepPluginPhase = "Failed"
	// StepPluginPhaseError: the plugin could not tell.
	StepPluginPhaseError StepPluginPhase = "Error"
)

// StepPluginStatus is one operation of one plugin step.
type StepPluginStatus struct {
	// Index of the step.
	Index int32 `json:"index"`
	// Name of the plugin.
	Name string `json:"name"`
	// Operation that was asked for.
	// +optional
	Operation StepPluginOperation `json:"operation,omitempty"`
	// Phase of the operation.
	// +optional
	Phase StepPluginPhase `json:"phase,omitempty"`
	// Message of the plugin.
	// +optional
	Message string `json:"message,omitempty"`
	// StartedAt is when it was first called.
	// +optional
	StartedAt *metav1.Time `json:"startedAt,omitempty"`
	// UpdatedAt is when it was last called.
	// +optional
	UpdatedAt *metav1.Time `json:"updatedAt,omitempty"`
	// FinishedAt is when it ended.
	// +optional
	FinishedAt *metav1.Time `json:"finishedAt,omitempty"`
	// Backoff is how long to wait before the next call.
	// +optional
	Backoff DurationString `json:"backoff,omitempty"`
	// Executions counts calls.
	// +optional
	Executions int32 `json:"executions,omitempty"`
	// Disabled means the plugin was turned off and the step counted as done.
	// +optional
	Disabled bool `json:"disabled,omitempty"`
	// Status is the plugin's own memory, handed back to it as it is.
	// +optional
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	// +kubebuilder:validation:Type=object
	Status json.RawMessage `json:"status,omitempty"`
}

// BlueGreenStatus is what only a blue-green update needs to remember.
type BlueGreenStatus struct {
	// PreviewSelector is the hash that previewService selects.
	// +optional
	PreviewSelector string `json:"previewSelector,omitempty"`
	// ActiveSelector is the hash that activeService selects.
	// +optional
	ActiveSelector string `json:"activeSelector,omitempty"`
	// ScaleUpPreviewCheckPoint is true once a preview smaller than spec.replicas may grow to full size.
	// +optional
	ScaleUpPreviewCheckPoint bool `json:"scaleUpPreviewCheckPoint,omitempty"`
	// PrePromotionAnalysisRunStatus is the run before the switch.
	// +optional
	PrePromotionAnalysisRunStatus *RolloutAnalysisRunStatus `json:"prePromotionAnalysisRunStatus,omitempty"`
	// PostPromotionAnalysisRunStatus is the run after the switch.
	// +optional
	PostPromotionAnalysisRunStatus *RolloutAnalysisRunStatus `json:"postPromotionAnalysisRunStatus,omitempty"`
}

// ALBStatus names the AWS resources behind an Ingress.
type ALBStatus struct {
	// LoadBalancer of the Ingress.
	// +optional
	LoadBalancer AWSResourceRef `json:"loadBalancer,omitempty"`
	// CanaryTargetGroup is the target group of the new revision.
	// +optional
	CanaryTargetGroup AWSResourceRef `json:"canaryTargetGroup,omitempty"`
	// StableTargetGroup is the target group of the stable revision.
	// +optional
	StableTargetGroup AWSResourceRef `json:"stableTargetGroup,omitempty"`
	// Ingress the resources belong to.
	// +optional
	Ingress string `json:"ingress,omitempty"`
}

// AWSResourceRef names an AWS resource.
type AWSResourceRef struct {
	// Name of the resource.
	// +optional
	Name string `json:"name"`
	// ARN of the resource.
	// +optional
	ARN string `json:"arn"`
	// FullName of the resource, as CloudWatch uses it.
	// +optional
	FullName string `json:"fullName"`
}

// CompletionStatus is how an update ended.
type CompletionStatus string

// Values of CompletionStatus.
const (
	// CompletionPromoted: all steps were taken.
	CompletionPromoted CompletionStatus = "Promoted"
	// CompletionFastPromoted: promoted in full by hand.
	CompletionFastPromoted CompletionStatus = "FastPromoted"
	// CompletionAborted: aborted.
	CompletionAborted CompletionStatus = "Aborted"
	// CompletionSuperseded: another revision took its place.
	CompletionSuperseded CompletionStatus = "Superseded"
	// CompletionRolledBack: went back to an earlier revision.
	CompletionRolledBack CompletionStatus = "RolledBack"
	// CompletionFastRolledBack: went back to an earlier revision without steps.
	CompletionFastRolledBack CompletionStatus = "FastRolledBack"
)

// RolloutDuration is when the latest update began, waited and ended.
type RolloutDuration struct {
	// RolloutStartedAt is when the new revision was first seen, or when it was retried.
	// +optional
	RolloutStartedAt *metav1.Time `json:"rolloutStartedAt,omitempty"`
	// FinishedAt is when the update ended.
	// +optional
	FinishedAt *metav1.Time `json:"finishedAt,omitempty"`
	// CompletionStatus is how the update ended.
	// +optional
	CompletionStatus CompletionStatus `json:"completionStatus,omitempty"`
	// ManualPauseStartedAt is when the present wait for a person began.
	// +optional
	ManualPauseStartedAt *metav1.Time `json:"manualPauseStartedAt,omitempty"`
	// TotalManualPauseDurationSeconds is how long the update waited for a person before that.
	// +optional
	TotalManualPauseDurationSeconds int64 `json:"totalManualPauseDurationSeconds,omitempty"`
}
