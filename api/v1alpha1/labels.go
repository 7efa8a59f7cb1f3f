package v1alpha1

// Labels. Their keys and values are read by other tools and never change.
const (
	// LabelPodTemplateHash tells revisions apart; on ReplicaSets, their selectors and pods, Services'
	// selectors, AnalysisRuns and Experiments.
	LabelPodTemplateHash = "rollouts-pod-template-hash"
	// LabelInstanceID says which controller is responsible, on Rollouts, AnalysisRuns and Experiments. Absent
	// means the controller without an instance id.
	LabelInstanceID = "argo-rollouts.argoproj.io/controller-instance-id"
	// LabelRolloutType says what an AnalysisRun is for; see the RolloutType constants.
	LabelRolloutType = "rollout-type"
	// LabelStepIndex is the step of an AnalysisRun or Experiment, counted from 0.
	LabelStepIndex = "step-index"
	// LabelAnalysisRunUID is the UID of the run a Job and its pods belong to.
	LabelAnalysisRunUID = "analysisrun.argoproj.io/uid"
	// LabelLoadTest marks the Jobs of load tests and their pods; the value is "true". Sluice addition.
	LabelLoadTest = "sluice.dev/load-test"
)

// Values of LabelRolloutType.
const (
	// RolloutTypeStep is a run of an analysis step.
	RolloutTypeStep = "Step"
	// RolloutTypeBackground is a run beside the steps.
	RolloutTypeBackground = "Background"
	// RolloutTypePrePromotion is a run before a blue-green switch.
	RolloutTypePrePromotion = "PrePromotion"
	// RolloutTypePostPromotion is a run after a blue-green switch.
	RolloutTypePostPromotion = "PostPromotion"
)

// Annotations. Their keys and values are read by other tools and never change.
const (
	// AnnotationRevision numbers revisions from 1; on Rollouts, ReplicaSets, AnalysisRuns and Experiments.
	AnnotationRevision = "rollout.argoproj.io/revision"
	// AnnotationRevisionHistory lists earlier numbers of a ReplicaSet, separated by commas.
	AnnotationRevisionHistory = "rollout.argoproj.io/revision-history"
	// AnnotationDesiredReplicas is spec.replicas when a ReplicaSet was last scaled.
	AnnotationDesiredReplicas = "rollout.argoproj.io/desired-replicas"
	// AnnotationScaleDownDeadline is when a ReplicaSet is scaled to 0, RFC 3339. It has no prefix.
	AnnotationScaleDownDeadline = "scale-down-deadline"
	// AnnotationEphemeralMetadata is, as JSON, the metadata that was added for a role.
	AnnotationEphemeralMetadata = "rollout.argoproj.io/ephemeral-metadata"
	// AnnotationCoveredMetadata is, as JSON, what a ReplicaSet's template had itself under the keys of its ephemeral
	// metadata; it is there whenever Sluice added some. Sluice addition.
	AnnotationCoveredMetadata = "sluice.dev/covered-metadata"
	// AnnotationWorkloadGeneration is the generation of the referenced workload that a Rollout runs.
	AnnotationWorkloadGeneration = "rollout.argoproj.io/workload-generation"
	// AnnotationReplicasBefore is, on a Deployment that a Rollout takes over, how many pods it wanted before any
	// were taken. It is there only while some are. Sluice addition.
	AnnotationReplicasBefore = "sluice.dev/replicas-before"
	// AnnotationReplicasSet is, on such a Deployment, how many pods Sluice has left it. When spec.replicas differs
	// somebody else has scaled it since. Sluice addition.
	AnnotationReplicasSet = "sluice.dev/replicas-set"
	// AnnotationManagedBy names the Rollout that changes a Service, Ingress or DestinationRule.
	AnnotationManagedBy = "argo-rollouts.argoproj.io/managed-by-rollouts"
	// AnnotationManagedALB lists the annotations that were put on an ALB Ingress.
	AnnotationManagedALB = "rollouts.argoproj.io/managed-alb-annotations"
	// AnnotationExperimentName is the Experiment a ReplicaSet belongs to.
	AnnotationExperimentName = "experiment.argoproj.io/name"
	// AnnotationExperimentTemplateName is the template a ReplicaSet belongs to.
	AnnotationExperimentTemplateName = "experiment.argoproj.io/template-name"
	// AnnotationAnalysisRunName is the run a Job belongs to.
	AnnotationAnalysisRunName = "analysisrun.argoproj.io/name"
	// AnnotationAnalysisRunNamespace is the namespace of the run a Job belongs to.
	AnnotationAnalysisRunNamespace = "analysisrun.argoproj.io/namespace"
	// AnnotationMetricName is the metric a Job belongs to.
	AnnotationMetricName = "analysisrun.argoproj.io/metric-name"
	// AnnotationResultContainer names the container of a Job's pod whose exit code and report count. Default:
	// the first app container. Sluice addition.
	AnnotationResultContainer = "sluice.dev/result-container"
	// AnnotationLoadScript is the script of a load test, on its pods. Sluice addition.
	AnnotationLoadScript = "sluice.dev/load-script"
	// AnnotationLoadStart is when the load of a test with several pods begins, RFC 3339 with nanoseconds, on its pods.
	// Sluice addition.
	AnnotationLoadStart = "sluice.dev/load-start"
	// AnnotationResultBudget is how many bytes a load test's result may have, in podMetadata. Default 4096; 2048
	// where containers are injected, because all containers of a pod share what Kubernetes keeps. Sluice addition.
	AnnotationResultBudget = "sluice.dev/result-budget"
	// AnnotationStoppedBy says on an AnalysisRun whose spec.terminate is set that its Rollout set it: the
	// only value is StoppedByRollout. Sluice addition.
	AnnotationStoppedBy = "sluice.dev/stopped-by"
	// AnnotationNotified is the notification engine's own memory; it is not copied to ReplicaSets.
	AnnotationNotified = "notified.notifications.argoproj.io"
	// AnnotationSubscribePrefix begins subscriptions: prefix + trigger + "." + service.
	AnnotationSubscribePrefix = "notifications.argoproj.io/subscribe."
	// AnnotationLastApplied is what kubectl apply was given; it is not copied to ReplicaSets.
	AnnotationLastApplied = "kubectl.kubernetes.io/last-applied-configuration"
)

// FinalizerRestoreWorkload keeps a deleted Rollout until the Deployment that gave up its pods for it has them
// back. It is there only while some are taken. Sluice addition.
const FinalizerRestoreWorkload = "sluice.dev/restore-workload"

// StoppedByRollout is the value of AnnotationStoppedBy. A run without it was stopped by hand, and is not
// Successful before it has measured what its metrics ask for.
const StoppedByRollout = "rollout"
