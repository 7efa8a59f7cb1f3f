package cluster

import (
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
)

// settled says that nothing of a Job with one pod runs, or will run again, although its own status does not say so yet:
// that comes a second or two after its pod has ended. Such a Job is over, and nobody must take it away as unfinished.
func settled(job *batchv1.Job, pods []corev1.Pod) bool {
	if len(pods) == 0 || slices.ContainsFunc(pods, active) || job.Spec.Completions != nil && *job.Spec.Completions != 1 {
		return false
	}
	succeeded := slices.ContainsFunc(pods, func(p corev1.Pod) bool { return p.Status.Phase == corev1.PodSucceeded })
	return succeeded || job.Spec.BackoffLimit != nil && *job.Spec.BackoffLimit == 0
}
