package providers

import (
	"encoding/json"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/load/result"
)

// jobEnd is how the container that speaks for a Job ended.
type jobEnd struct {
	container string
	reporter  string                           // the container that reports, which may be another one
	message   string                           // its termination message
	state     *corev1.ContainerStateTerminated // nil when it cannot be known
	pod       string
	report    map[string]any // what it reported
	problem   string         // why it has not, where a format was promised
	words     string         // what it wrote instead of a report, when that may be shown
	withheld  bool           // what it wrote may not be shown
}

// lastPod is the pod that ended the Job: of those that ended as the Job did, the one that ended last. A Job that was
// cut short may have none.
func lastPod(pods []corev1.Pod, succeeded bool) *corev1.Pod {
	want := corev1.PodFailed
	if succeeded {
		want = corev1.PodSucceeded
	}
	var last *corev1.Pod
	for i := range pods {
		pod := &pods[i]
		if pod.Status.Phase == want && (last == nil || endedAt(pod).After(endedAt(last))) {
			last = pod
		}
	}
	return last
}

func endedAt(pod *corev1.Pod) time.Time {
	end := pod.CreationTimestamp.Time
	for _, status := range pod.Status.ContainerStatuses {
		if done := status.State.Terminated; done != nil && done.FinishedAt.After(end) {
			end = done.FinishedAt.Time
		}
	}
	return end
}

// endOf reads the container named by annotation, on the Job or its template, else the first app container. Of a failed
// pod whose first container did well it is the one that failed that counts: it is what ended the Job.
func endOf(job *batchv1.Job, pod *corev1.Pod) jobEnd {
	if pod == nil || len(pod.Spec.Containers) == 0 {
		return jobEnd{}
	}
	name := reporterOf(job, pod)
	end := jobEnd{container: name, reporter: name, pod: pod.Name, state: terminated(pod, name), withheld: job.Annotations[annotationLastWords] == "withheld"}
	if end.state == nil {
		return jobEnd{}
	}
	end.message = end.state.Message
	if pod.Status.Phase == corev1.PodFailed && end.state.ExitCode == 0 {
		if other, state := firstFailure(pod); state != nil {
			end.container, end.state = other, state
		}
	}
	if readReport(end.message) == nil && !end.withheld {
		end.words = end.state.Message
	}
	return end
}

// reporterOf is the container that speaks for a Job.
func reporterOf(job *batchv1.Job, pod *corev1.Pod) string {
	if name, named := job.Annotations[api.AnnotationResultContainer]; named {
		return name
	}
	if name, named := job.Spec.Template.Annotations[api.AnnotationResultContainer]; named {
		return name
	}
	if len(pod.Spec.Containers) == 0 {
		return ""
	}
	return pod.Spec.Containers[0].Name
}

func allStatuses(pod *corev1.Pod) []corev1.ContainerStatus {
	all := append([]corev1.ContainerStatus{}, pod.Status.ContainerStatuses...)
	return append(all, pod.Status.InitContainerStatuses...)
}

func terminated(pod *corev1.Pod, container string) *corev1.ContainerStateTerminated {
	for _, status := range allStatuses(pod) {
		if status.Name == container {
			return status.State.Terminated
		}
	}
	return nil
}

func firstFailure(pod *corev1.Pod) (string, *corev1.ContainerStateTerminated) {
	for _, status := range allStatuses(pod) {
		if done := status.State.Terminated; done != nil && done.ExitCode != 0 {
			return status.Name, done
		}
	}
	return "", nil
}

// readReport reads a termination message that is a JSON object; logs that took its place are none. A load test's
// result gets the long names that conditions use.
func readReport(message string) map[string]any {
	message = strings.TrimSpace(message)
	if !strings.HasPrefix(message, "{") {
		return nil
	}
	if test, err := result.Parse([]byte(message)); err == nil {
		return test.Tree()
	}
	var report map[string]any
	if json.Unmarshal([]byte(message), &report) != nil {
		return nil
	}
	return report
}

// inconclusive reports whether a report says that nothing can be concluded, and why: {"inconclusive": true} or
// {"verdict": "inconclusive", "why": "…"}.
func inconclusive(report map[string]any) (why string, says bool) {
	flag, _ := report["inconclusive"].(bool)
	verdict, _ := report["verdict"].(string)
	if !flag && verdict != "inconclusive" {
		return "", false
	}
	for _, key := range []string{"why", "reason", "message"} {
		if text, _ := report[key].(string); text != "" {
			return shorten("The Job's report is inconclusive: " + text), true
		}
	}
	return "The Job's report is inconclusive.", true
}
