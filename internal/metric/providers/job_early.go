package providers

import (
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Exit codes of containers that were told to end; why they were is for the Job to say.
const (
	exitKilled     = 137
	exitTerminated = 143
)

// settled is how a Job will end where its pods leave nothing open, nil otherwise. Kubernetes takes one or two seconds more
// to say so, in which a bad version would go on getting requests.
func settled(job *batchv1.Job, pods []corev1.Pod) *batchv1.JobCondition {
	spec := &job.Spec
	if more(spec.Completions) || more(spec.Parallelism) || spec.PodFailurePolicy != nil || spec.SuccessPolicy != nil ||
		spec.ManagedBy != nil || job.DeletionTimestamp != nil || len(job.Status.Conditions) > 0 {
		return nil
	}
	kind, reason := batchv1.JobComplete, ""
	pod := lastPod(pods, true)
	if pod == nil {
		pod = lastPod(pods, false)
		if pod == nil || spec.BackoffLimit == nil || *spec.BackoffLimit != 0 || len(pods) != 1 || told(pod) {
			return nil
		}
		kind, reason = batchv1.JobFailed, batchv1.JobReasonBackoffLimitExceeded
	}
	return &batchv1.JobCondition{Type: kind, Status: corev1.ConditionTrue, Reason: reason, LastTransitionTime: metav1.NewTime(endedAt(pod))}
}

func more(n *int32) bool { return n != nil && *n != 1 }

// told says whether a pod may have been ended by somebody else: the Job's deadline, the cluster, a person.
func told(pod *corev1.Pod) bool {
	if pod.DeletionTimestamp != nil || pod.Status.Reason != "" || disruption(pod) != "" {
		return true
	}
	ended := 0
	for _, status := range allStatuses(pod) {
		if done := status.State.Terminated; done != nil {
			ended++
			if done.ExitCode == exitKilled || done.ExitCode == exitTerminated {
				return true
			}
		}
	}
	return ended == 0
}
