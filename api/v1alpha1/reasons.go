package v1alpha1

// Reasons of a Rollout's conditions. Other tools compare them; they never change.
const (
	// ReasonInvalidSpec on InvalidSpec.
	ReasonInvalidSpec = "InvalidSpec"
	// ReasonNewReplicaSetCreated on Progressing: a revision got its ReplicaSet.
	ReasonNewReplicaSetCreated = "NewReplicaSetCreated"
	// ReasonFoundNewReplicaSet on Progressing: an existing ReplicaSet is the newest revision.
	ReasonFoundNewReplicaSet = "FoundNewReplicaSet"
	// ReasonReplicaSetUpdated on Progressing: pods come and go.
	ReasonReplicaSetUpdated = "ReplicaSetUpdated"
	// ReasonReplicaSetNotAvailable on Progressing: pods of a complete update went away.
	ReasonReplicaSetNotAvailable = "ReplicaSetNotAvailable"
	// ReasonNewReplicaSetAvailable on Progressing: the update is complete.
	ReasonNewReplicaSetAvailable = "NewReplicaSetAvailable"
	// ReasonReplicaSetCreateError on Progressing: a ReplicaSet was refused.
	ReasonReplicaSetCreateError = "ReplicaSetCreateError"
	// ReasonProgressDeadlineExceeded on Progressing: no progress for too long.
	ReasonProgressDeadlineExceeded = "ProgressDeadlineExceeded"
	// ReasonRolloutPaused on Progressing and Paused.
	ReasonRolloutPaused = "RolloutPaused"
	// ReasonRolloutResumed on Progressing and Paused.
	ReasonRolloutResumed = "RolloutResumed"
	// ReasonRolloutRetry on Progressing: an aborted update starts over.
	ReasonRolloutRetry = "RolloutRetry"
	// ReasonRolloutAborted on Progressing.
	ReasonRolloutAborted = "RolloutAborted"
	// ReasonAvailable on Available.
	ReasonAvailable = "AvailableReason"
	// ReasonRolloutHealthy on Healthy, whether it is True or False.
	ReasonRolloutHealthy = "RolloutHealthy"
	// ReasonRolloutCompleted on Completed, whether it is True or False.
	ReasonRolloutCompleted = "RolloutCompleted"
)

// Reasons of events on a Rollout. Notification triggers are named after them; they never change.
const (
	EventRolloutAddedToInformer     = "RolloutAddedToInformer"
	EventRolloutUpdated             = "RolloutUpdated"
	EventNewReplicaSetCreated       = "NewReplicaSetCreated"
	EventRolloutNotCompleted        = "RolloutNotCompleted"
	EventScalingReplicaSet          = "ScalingReplicaSet"
	EventScalingWorkload            = "ScalingWorkload" // of workloadRef; Sluice addition
	EventRolloutCompleted           = "RolloutCompleted"
	EventRolloutStepCompleted       = "RolloutStepCompleted"
	EventRolloutPaused              = "RolloutPaused"
	EventRolloutResumed             = "RolloutResumed"
	EventRolloutAborted             = "RolloutAborted"
	EventSkipSteps                  = "SkipSteps"
	EventSwitchService              = "SwitchService"
	EventTrafficWeightUpdated       = "TrafficWeightUpdated"
	EventTrafficRoutingError        = "TrafficRoutingError"
	EventWeightVerifyError          = "WeightVerifyError"
	EventTargetGroupVerified        = "TargetGroupVerified"
	EventTargetGroupUnverified      = "TargetGroupUnverified"
	EventTargetGroupVerifyError     = "TargetGroupVerifyError"
	EventLoadBalancerNotFound       = "LoadBalancerNotFound"
	EventReplicaSetCreateError      = "ReplicaSetCreateError"
	EventReplicaSetUpdateError      = "ReplicaSetUpdateError"
	EventRolloutReconciliationError = "ReconciliationError"
	EventStepPluginTransition       = "StepPluginTransition"
	EventRolloutDeleted             = "RolloutDeleted"
	EventExperimentCreated          = "ExperimentCreated"
	EventCreatingCanaryIngress      = "CreatingCanaryIngress"
	EventPatchingCanaryIngress      = "PatchingCanaryIngress"
	EventPatchingALBIngress         = "PatchingALBIngress"
	EventUpdatedVirtualService      = "Updated VirtualService" // with a space, as in the reference
	EventUpdatedDestinationRule     = "UpdatedDestinationRule"
	EventVirtualServiceNotFound     = "VirtualServiceNotFound"
	EventDestinationRuleNotFound    = "DestinationRuleNotFound"
	EventTrafficSplitCreated        = "TrafficSplitCreated"
	EventTrafficSplitNotCreated     = "TrafficSplitNotCreated"
	EventTraefikServiceUpdateError  = "TraefikServiceUpdateError"
)

// Prefixes of event reasons that end in a phase: EventAnalysisRunPrefix + Failed is AnalysisRunFailed.
const (
	// EventAnalysisRunPrefix on Rollouts, AnalysisRuns and Experiments.
	EventAnalysisRunPrefix = "AnalysisRun"
	// EventExperimentPrefix on Rollouts and Experiments.
	EventExperimentPrefix = "Experiment"
	// EventMetricPrefix on AnalysisRuns.
	EventMetricPrefix = "Metric"
	// EventTemplatePrefix on Experiments.
	EventTemplatePrefix = "Template"
	// EventAnalysisRunTerminating on Experiments is not a phase.
	EventAnalysisRunTerminating = "AnalysisRunTerminating"
)
