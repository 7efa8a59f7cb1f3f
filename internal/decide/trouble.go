package decide

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/judge"
)

const (
	// maxTrouble bounds what is told of pods that do not come up, in bytes.
	maxTrouble = 300
	// maxTroubles is how many causes are told, most frequent first.
	maxTroubles = 3
)

// Overdue says that the status the last turn left is past the progress deadline, so that it is worth
// asking the pods of the current revision why.
func Overdue(ro *api.Rollout, now time.Time) bool {
	if invalid := conditionOf(&ro.Status, api.RolloutInvalidSpec); invalid != nil && invalid.Status == corev1.ConditionTrue {
		return false
	}
	at := overdue(ro, &ro.Status)
	return !at.IsZero() && !now.Before(at)
}

// timedOut is what is told when the deadline passes: the sentence the reference's clients know, then
// what the pods said at that moment. They may be gone when somebody asks.
func timedOut(f facts) string {
	message := fmt.Sprintf("ReplicaSet %q has timed out progressing.", f.ro.Name+"-"+f.hash)
	fresh := f.fresh()
	if fresh == nil || f.seen.Trouble == "" {
		return message
	}
	return fmt.Sprintf("%s %d of %d pods available: %s", message, fresh.Available, fresh.Wanted, f.seen.Trouble)
}

// Trouble says in one line what keeps pods from being ready: how many for which cause, with an example.
// It tells reasons, exit codes and what the node says about starting a container; never what a
// container wrote, nor anything of its environment.
func Trouble(pods []corev1.Pod) string {
	examples, counts := map[string]string{}, map[string]int{}
	for i := range pods {
		reason, detail := complaint(&pods[i])
		if reason == "" {
			continue
		}
		counts[reason]++
		if old, known := examples[reason]; !known || old == "" || detail != "" && detail < old {
			examples[reason] = detail
		}
	}
	reasons := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	var all []string
	for _, reason := range reasons[:min(len(reasons), maxTroubles)] {
		text := fmt.Sprintf("%d %s", counts[reason], reason)
		if detail := examples[reason]; detail != "" {
			text += " (" + detail + ")"
		}
		all = append(all, text)
	}
	return judge.Trim(strings.Join(all, ", "), maxTrouble)
}

// complaint is why a pod is not ready, and a detail; "" when it is.
func complaint(pod *corev1.Pod) (reason, detail string) {
	if pod.DeletionTimestamp != nil {
		return "", ""
	}
	for _, c := range pod.Status.Conditions {
		switch {
		case c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue:
			return "", ""
		case c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse:
			return cmp.Or(c.Reason, "Unschedulable"), sentence(c.Message)
		}
	}
	if pod.Status.Phase == corev1.PodFailed && pod.Status.Reason != "" {
		return pod.Status.Reason, ""
	}
	if reason, detail := stuckContainer(pod); reason != "" {
		return reason, detail
	}
	return string(cmp.Or(pod.Status.Phase, corev1.PodPending)), ""
}

// stuckContainer is why the first container that does not serve does not; "" when all do.
func stuckContainer(pod *corev1.Pod) (reason, detail string) {
	for _, status := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		if reason, detail := stuck(&status); reason != "" {
			return reason, detail
		}
	}
	for _, status := range pod.Status.ContainerStatuses {
		if status.State.Running != nil && !status.Ready {
			return "NotReady", "container " + status.Name + ": its readiness probe has not passed"
		}
	}
	return "", ""
}

// stuck is why a container does not run; "" when it does, or has done its work.
func stuck(status *corev1.ContainerStatus) (reason, detail string) {
	var said []string
	switch state := status.State; {
	case state.Waiting != nil && state.Waiting.Reason != "PodInitializing":
		reason = cmp.Or(state.Waiting.Reason, "Waiting")
		if spoken(reason) && state.Waiting.Message != "" {
			said = append(said, sentence(state.Waiting.Message))
		}
		if last := status.LastTerminationState.Terminated; last != nil {
			said = append(said, "last "+exit(last))
		}
	case state.Terminated != nil && state.Terminated.ExitCode != 0:
		reason = cmp.Or(state.Terminated.Reason, "Error")
		said = append(said, exit(state.Terminated))
	default:
		return "", ""
	}
	detail = "container " + status.Name
	if len(said) > 0 {
		detail += ": " + strings.Join(said, "; ")
	}
	return reason, detail
}

func exit(t *corev1.ContainerStateTerminated) string {
	text := fmt.Sprintf("exit code %d", t.ExitCode)
	if t.Reason != "" && t.Reason != "Error" {
		text += " " + t.Reason
	}
	return text
}

// spoken says that what a node adds to a reason is about images, names of objects and times. What it
// adds to others quotes the command line.
func spoken(reason string) bool {
	switch reason {
	case "CrashLoopBackOff", "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "CreateContainerConfigError":
		return true
	}
	return false
}

// maxSaid bounds one detail, so that a second cause has room.
const maxSaid = 120

// sentence is a message on one line, without the pod's own name, which a node adds and which differs
// from pod to pod.
func sentence(message string) string {
	message = strings.Join(strings.Fields(message), " ")
	if before, _, ok := strings.Cut(message, " failed container="); ok {
		message = before + " failed container"
	}
	return judge.Trim(strings.TrimRight(message, "."), maxSaid)
}
