package providers

import (
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/metric"
)

// A Job of one pod is over when its pod is, where nothing but that pod decides.
func TestAPodThatSettlesItsJobIsNotWaitedForTwice(t *testing.T) {
	job := func(change func(*batchv1.JobSpec)) *batchv1.Job {
		j := &batchv1.Job{Spec: batchv1.JobSpec{BackoffLimit: new(int32(0))}}
		j.Namespace, j.Name = "shop", "j"
		change(&j.Spec)
		return j
	}
	same := func(*batchv1.JobSpec) {}
	good := pod("p", corev1.PodSucceeded, exited("main", 0, 99, "", `{"v":1,"verdict":"pass"}`))
	bad := pod("p", corev1.PodFailed, exited("main", 1, 99, "Error", ""))
	killed := pod("p", corev1.PodFailed, exited("main", 143, 99, "Error", ""))
	gone := bad
	gone.DeletionTimestamp = new(at(99))
	evicted := bad
	evicted.Status.Reason = "Evicted"
	for _, c := range []struct {
		name string
		job  *batchv1.Job
		pods []corev1.Pod
		want any // the result, nil while it is open
	}{
		{"a pod that succeeded", job(same), []corev1.Pod{good}, 0.0},
		{"a pod that succeeded after one that failed", job(func(s *batchv1.JobSpec) { s.BackoffLimit = nil }), []corev1.Pod{bad, good}, 0.0},
		{"a pod that failed and is not tried again", job(same), []corev1.Pod{bad}, 1.0},
		{"a pod that failed and is tried again", job(func(s *batchv1.JobSpec) { s.BackoffLimit = nil }), []corev1.Pod{bad}, nil},
		{"a pod that somebody ended", job(same), []corev1.Pod{killed}, nil},
		{"a pod that is deleted", job(same), []corev1.Pod{gone}, nil},
		{"a pod that was evicted", job(same), []corev1.Pod{evicted}, nil},
		{"one of several pods", job(func(s *batchv1.JobSpec) { s.Completions = new(int32(2)) }), []corev1.Pod{good}, nil},
		{"a pod whose failure a policy decides about", job(func(s *batchv1.JobSpec) { s.PodFailurePolicy = &batchv1.PodFailurePolicy{} }), []corev1.Pod{bad}, nil},
		{"a pod that runs", job(same), []corev1.Pod{pod("p", corev1.PodRunning)}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Job{}.Poll(metric.Seen{Job: c.job, Pods: c.pods, Now: at(100).Time, Log: &metric.Log{}, Metric: api.Metric{Provider: api.MetricProvider{Job: &api.JobMetric{}}}})
			if got.Done != (c.want != nil) || got.Done && got.Sample.Result != c.want {
				t.Errorf("done %t with %v, want %v", got.Done, got.Sample.Result, c.want)
			}
		})
	}
}
