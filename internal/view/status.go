package view

import (
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	api "sluice.dev/sluice/api/v1alpha1"
)

// mark is a state with its icon.
type mark struct {
	icon string
	text string
	tone Tone
}

func (m mark) String() string {
	if m.text == "" {
		return ""
	}
	return m.icon + " " + m.text
}

func good(text string) mark    { return mark{"✔", text, Good} }
func bad(text string) mark     { return mark{"✖", text, Bad} }
func warning(text string) mark { return mark{"⚠", text, Warning} }
func busy(text string) mark    { return mark{"◌", text, Busy} }
func waiting(text string) mark { return mark{"◷", text, Busy} }
func neutral(text string) mark { return mark{"•", text, Faint} }

func phaseMark(phase api.RolloutPhase) mark {
	switch phase {
	case api.RolloutPhaseHealthy:
		return good(string(phase))
	case api.RolloutPhaseDegraded:
		return bad(string(phase))
	case api.RolloutPhaseProgressing:
		return busy(string(phase))
	case api.RolloutPhasePaused:
		return mark{"॥", string(phase), Paused}
	}
	return mark{"?", string(phase), Warning}
}

func analysisMark(phase api.AnalysisPhase) mark {
	switch phase {
	case api.AnalysisPhaseSuccessful:
		return good(string(phase))
	case api.AnalysisPhaseFailed:
		return bad(string(phase))
	case api.AnalysisPhaseError:
		return warning(string(phase))
	case api.AnalysisPhaseInconclusive:
		return mark{"?", string(phase), Warning}
	case api.AnalysisPhaseRunning:
		return busy(string(phase))
	case api.AnalysisPhasePending:
		return waiting(string(phase))
	}
	return waiting("Pending") // nobody has looked at it yet
}

func replicaSetMark(rs *appsv1.ReplicaSet) mark {
	for _, condition := range rs.Status.Conditions {
		if condition.Type == appsv1.ReplicaSetReplicaFailure && condition.Status == corev1.ConditionTrue {
			return bad("ReplicaFailure")
		}
	}
	wanted := int32(1)
	if rs.Spec.Replicas != nil {
		wanted = *rs.Spec.Replicas
	}
	switch {
	case wanted == 0 && rs.Status.Replicas == 0:
		return neutral("ScaledDown")
	case rs.Status.ObservedGeneration < rs.Generation || rs.Status.AvailableReplicas != wanted || rs.Status.Replicas != wanted:
		return busy("Progressing")
	}
	return good("Healthy")
}

func jobMark(job *batchv1.Job) mark {
	for _, condition := range job.Status.Conditions {
		if condition.Status != corev1.ConditionTrue {
			continue
		}
		switch condition.Type {
		case batchv1.JobComplete:
			return good("Successful")
		case batchv1.JobFailed:
			return bad("Failed")
		case batchv1.JobSuspended:
			return mark{"॥", "Suspended", Paused}
		case batchv1.JobFailureTarget, batchv1.JobSuccessCriteriaMet: // its pods are still ending
		}
	}
	return busy("Running")
}

// podMark sums a pod up in the words of kubectl.
func podMark(pod *corev1.Pod) mark {
	reason := podReason(pod)
	switch {
	case reason == "Running":
		for _, condition := range pod.Status.Conditions {
			if condition.Type == corev1.PodReady && condition.Status != corev1.ConditionTrue {
				return busy(reason)
			}
		}
		return good(reason)
	case reason == "Completed" || reason == "Succeeded":
		return good(reason)
	case reason == "Pending" || reason == "ContainerCreating" || reason == "PodInitializing" || reason == "Terminating" || initializing(reason):
		return busy(reason)
	}
	return bad(reason)
}

func initializing(reason string) bool {
	rest, ok := strings.CutPrefix(reason, "Init:")
	return ok && (strings.Contains(rest, "/") || rest == "PodInitializing")
}

func podReason(pod *corev1.Pod) string {
	if pod.DeletionTimestamp != nil {
		if pod.Status.Reason == "NodeLost" {
			return "Unknown"
		}
		return "Terminating"
	}
	if reason := initReason(pod); reason != "" {
		return reason
	}
	reason := string(pod.Status.Phase)
	if pod.Status.Reason != "" {
		reason = pod.Status.Reason
	}
	running := false
	for i := len(pod.Status.ContainerStatuses) - 1; i >= 0; i-- {
		status := pod.Status.ContainerStatuses[i]
		running = running || status.State.Running != nil
		if text := stateReason(status.State); text != "" {
			reason = text
		}
	}
	if reason == "Completed" && running {
		return "Running"
	}
	return reason
}

// initReason says where the first init container stands that has not ended well; "" when all have.
func initReason(pod *corev1.Pod) string {
	for i, status := range pod.Status.InitContainerStatuses {
		sidecar := i < len(pod.Spec.InitContainers) && pod.Spec.InitContainers[i].RestartPolicy != nil
		if sidecar && status.Started != nil && *status.Started {
			continue
		}
		ended := status.State.Terminated
		if ended != nil && ended.ExitCode == 0 {
			continue
		}
		if text := stateReason(status.State); text != "" && text != "PodInitializing" {
			return "Init:" + text
		}
		return fmt.Sprintf("Init:%d/%d", i, len(pod.Spec.InitContainers))
	}
	return ""
}

func stateReason(state corev1.ContainerState) string {
	switch {
	case state.Waiting != nil:
		return state.Waiting.Reason
	case state.Terminated == nil:
		return ""
	case state.Terminated.Reason != "":
		return state.Terminated.Reason
	case state.Terminated.Signal != 0:
		return fmt.Sprintf("Signal:%d", state.Terminated.Signal)
	}
	return fmt.Sprintf("ExitCode:%d", state.Terminated.ExitCode)
}

// podInfo is how many containers are ready, and how often they were started again.
func podInfo(pod *corev1.Pod) string {
	ready, restarts := 0, int32(0)
	for _, status := range pod.Status.ContainerStatuses {
		if status.Ready {
			ready++
		}
		restarts += status.RestartCount
	}
	info := fmt.Sprintf("ready:%d/%d", ready, len(pod.Spec.Containers))
	if restarts > 0 {
		info += fmt.Sprintf(",restarts:%d", restarts)
	}
	return info
}
