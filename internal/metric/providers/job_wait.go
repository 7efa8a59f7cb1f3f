package providers

import (
	"fmt"
	"slices"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/judge"
	"sluice.dev/sluice/internal/metric"
)

// jobRuns is what is said of a Job whose pods tell nothing else, jobIsEmpty of one that has none.
const jobRuns, jobIsEmpty = "The Job is running.", "The Job has no pod yet."

// patience is how long a container may wait for its image or its configuration: registries and Secrets have hiccups,
// and the kubelet tries again by itself.
const patience = 15 * time.Second

// unfinished says what a Job that has not ended is waiting for, and gives up on a container that cannot start.
func unfinished(job *batchv1.Job, pods []corev1.Pod, now time.Time) metric.Progress {
	if job.DeletionTimestamp != nil {
		return metric.Progress{Waiting: "The Job is being deleted."}
	}
	if job.Spec.Suspend != nil && *job.Spec.Suspend {
		return metric.Progress{Waiting: "The Job is suspended."}
	}
	live := livePods(pods)
	for _, pod := range live {
		stuck := stuckContainer(pod)
		if stuck == nil {
			continue
		}
		if until := stuck.since.Add(patience); now.Before(until) {
			return metric.Progress{Again: until, Waiting: stuck.message()}
		}
		return metric.Progress{Done: true, Sample: about(job, judge.Sample{
			Forced: api.AnalysisPhaseInconclusive, Message: stuck.message(),
			Metadata: map[string]string{api.EvidenceReason: stuck.state.Reason},
		})}
	}
	return metric.Progress{Waiting: waitingFor(live)}
}

// livePods are those that have not ended, the oldest first, so that the words are the same from look to look.
func livePods(pods []corev1.Pod) []*corev1.Pod {
	var live []*corev1.Pod
	for i := range pods {
		if phase := pods[i].Status.Phase; phase != corev1.PodSucceeded && phase != corev1.PodFailed && pods[i].DeletionTimestamp == nil {
			live = append(live, &pods[i])
		}
	}
	slices.SortFunc(live, func(a, b *corev1.Pod) int {
		if order := a.CreationTimestamp.Compare(b.CreationTimestamp.Time); order != 0 {
			return order
		}
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return live
}

func waitingFor(live []*corev1.Pod) string {
	if len(live) == 0 {
		return jobIsEmpty
	}
	for _, pod := range live {
		for _, c := range pod.Status.Conditions {
			if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
				return shorten(fmt.Sprintf("The Job's pod has no node yet (%s): %s", c.Reason, metric.Excerpt(c.Message)))
			}
		}
	}
	for _, pod := range live {
		for _, status := range allStatuses(pod) {
			if waiting := status.State.Waiting; waiting != nil && waiting.Reason == "CrashLoopBackOff" {
				return fmt.Sprintf("Container %q of the Job ended and will be started again.", status.Name)
			}
		}
	}
	return jobRuns
}

// stuck is a container that cannot start as things are.
type stuck struct {
	container, image string
	state            *corev1.ContainerStateWaiting
	since            time.Time // not later than the first time it was seen waiting
}

func stuckContainer(pod *corev1.Pod) *stuck {
	for i, statuses := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
		for _, status := range statuses {
			if waiting := status.State.Waiting; waiting != nil && cannotStart(waiting.Reason) {
				return &stuck{status.Name, imageOf(pod, status), waiting, startable(pod, i == 0)}
			}
		}
	}
	return nil
}

func cannotStart(reason string) bool {
	switch reason {
	case "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError", "RegistryUnavailable",
		"SignatureValidationFailed", "CreateContainerConfigError", "CreateContainerError":
		return true
	default:
		return false
	}
}

// imageOf prefers the image as written: the status may hold nothing before the first pull.
func imageOf(pod *corev1.Pod, status corev1.ContainerStatus) string {
	for _, c := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		if c.Name == status.Name {
			return c.Image
		}
	}
	return status.Image
}

// startable is when the container could have started: when its pod had a node, and what had to run before it had run.
// A pod says nowhere since when a container waits.
func startable(pod *corev1.Pod, isInit bool) time.Time {
	since := pod.CreationTimestamp.Time
	later := func(t time.Time) {
		if t.After(since) {
			since = t
		}
	}
	if pod.Status.StartTime != nil {
		later(pod.Status.StartTime.Time)
	}
	for _, c := range pod.Status.Conditions {
		ready := c.Type == corev1.PodScheduled || c.Type == corev1.PodInitialized && !isInit
		if ready && c.Status == corev1.ConditionTrue {
			later(c.LastTransitionTime.Time)
		}
	}
	for _, status := range allStatuses(pod) {
		if done := status.State.Terminated; done != nil {
			later(done.FinishedAt.Time)
		}
	}
	return since
}

func (s *stuck) message() string {
	text := fmt.Sprintf("Container %q of the Job cannot start (%s): image %q", s.container, s.state.Reason, s.image)
	if s.state.Reason == "CreateContainerConfigError" || s.state.Reason == "CreateContainerError" {
		text = fmt.Sprintf("Container %q of the Job cannot start (%s)", s.container, s.state.Reason)
		if s.state.Message != "" {
			text += ": " + metric.Excerpt(s.state.Message)
		}
		return sentence(text)
	}
	return sentence(text + " cannot be pulled")
}
