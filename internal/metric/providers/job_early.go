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
	if !plain(job) {
		return nil
	}
	if pod := lastPod(pods, true); pod != nil {
		return ending(batchv1.JobComplete, "", pod)
	}
	only := job.Spec.BackoffLimit != nil && *job.Spec.BackoffLimit == 0 && len(pods) == 1
	if pod := lastPod(pods, false); pod != nil && only && !told(pod) {
		return ending(batchv1.JobFailed, batchv1.JobReasonBackoffLimitExceeded, pod)
	}
	return nil
}

func ending(kind batchv1.JobConditionType, reason string, pod *corev1.Pod) *batchv1.JobCondition {
	return &batchv1.JobCondition{Type: kind, Status: corev1.ConditionTrue, Reason: reason, LastTransitionTime: metav1.NewTime(endedAt(pod))}
}

// plain says whether a Job is one pod that must succeed, about which Kubernetes has not decided anything yet.
func plain(job *batchv1.Job) bool {
	spec := &job.Spec
	several := more(spec.Completions) || more(spec.Parallelism)
	ruled := spec.PodFailurePolicy != nil || spec.SuccessPolicy != nil || spec.ManagedBy != nil
	return !several && !ruled && job.DeletionTimestamp == nil && len(job.Status.Conditions) == 0
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
