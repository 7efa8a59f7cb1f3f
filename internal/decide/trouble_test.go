package decide

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	api "sluice.dev/sluice/api/v1alpha1"
)

func waits(reason, message string) corev1.Pod {
	pod := corev1.Pod{}
	pod.Status.Phase = corev1.PodRunning
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "shop", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}}}
	return pod
}

func crashed(reason string, code int32, output string) corev1.Pod {
	pod := waits("CrashLoopBackOff", "back-off 10s restarting failed container=shop pod=web-1-x_shop(6a1)")
	pod.Status.ContainerStatuses[0].LastTerminationState.Terminated = &corev1.ContainerStateTerminated{Reason: reason, ExitCode: code, Message: output}
	return pod
}

func TestTrouble(t *testing.T) {
	homeless := corev1.Pod{}
	homeless.Status.Phase = corev1.PodPending
	homeless.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "0/3 nodes are available: 3 Insufficient cpu."}}
	ready := corev1.Pod{}
	ready.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	leaving := waits("ErrImagePull", "")
	leaving.DeletionTimestamp = &metav1.Time{Time: noon}
	deaf := corev1.Pod{}
	deaf.Status.Phase = corev1.PodRunning
	deaf.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "shop", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}}
	ended := corev1.Pod{}
	ended.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "migrate", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "OOMKilled", ExitCode: 137, Message: "password=x"}}}}
	evicted := corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodFailed, Reason: "Evicted", Message: "the node was low on memory"}}
	tests := []struct {
		name string
		pods []corev1.Pod
		want string
	}{
		{"no pods say nothing", nil, ""},
		{"pods that are ready or leave say nothing", []corev1.Pod{ready, leaving}, ""},
		{"a container that ends at once", []corev1.Pod{crashed("Error", 1, "token=abc")},
			"1 CrashLoopBackOff (container shop: back-off 10s restarting failed container; last exit code 1)"},
		{"what a container wrote is not told", []corev1.Pod{ended}, "1 OOMKilled (container migrate: exit code 137 OOMKilled)"},
		{"a command that does not exist, without the command", []corev1.Pod{waits("RunContainerError", `exec: "/serve --token=abc": no such file`)}, "1 RunContainerError (container shop)"},
		{"an image that does not exist", []corev1.Pod{waits("ImagePullBackOff", `Back-off pulling image "shop:9"`)}, `1 ImagePullBackOff (container shop: Back-off pulling image "shop:9")`},
		{"a Secret that does not exist", []corev1.Pod{waits("CreateContainerConfigError", `secret "db" not found`)}, `1 CreateContainerConfigError (container shop: secret "db" not found)`},
		{"a pod without a node", []corev1.Pod{homeless}, "1 Unschedulable (0/3 nodes are available: 3 Insufficient cpu)"},
		{"a pod that was evicted", []corev1.Pod{evicted}, "1 Evicted"},
		{"a pod whose probe does not pass", []corev1.Pod{deaf}, "1 NotReady (container shop: its readiness probe has not passed)"},
		{"a pod nobody has looked at yet", []corev1.Pod{{}}, "1 Pending"},
		{"the most frequent cause first", []corev1.Pod{homeless, waits("ErrImagePull", ""), waits("ErrImagePull", "")},
			"2 ErrImagePull (container shop), 1 Unschedulable (0/3 nodes are available: 3 Insufficient cpu)"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, Trouble(test.pods)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTroubleIsBoundedAndTheSameInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var pods []corev1.Pod
		for range rapid.IntRange(0, 8).Draw(t, "pods") {
			pods = append(pods, waits(rapid.SampledFrom([]string{"A", "B", "ErrImagePull", ""}).Draw(t, "reason"), rapid.String().Draw(t, "message")+strings.Repeat("é", 400)))
		}
		text := Trouble(pods)
		if len(text) > maxTrouble || strings.Contains(text, "\n") {
			t.Fatalf("%d bytes: %q", len(text), text)
		}
		if other := Trouble(rapid.Permutation(pods).Draw(t, "another order")); other != text {
			t.Fatalf("%q, in another order %q", text, other)
		}
	})
}

// TestTheDeadlineKeepsWhatThePodsSaid is for those who ask when the pods are gone.
func TestTheDeadlineKeepsWhatThePodsSaid(t *testing.T) {
	const said = `1 CrashLoopBackOff (container shop: last exit code 1)`
	contract := func(s *scene) string { return `ReplicaSet "` + s.fresh().Name + `" has timed out progressing.` }
	for _, abort := range []bool{false, true} {
		s := newScene()
		s.late()
		s.Rollout.Spec.ProgressDeadlineAbort = abort
		s.fresh().Available = 0
		s.Observed.Trouble = said
		if !Overdue(s.Rollout, s.Now) {
			t.Fatal("not overdue, so nobody would have asked the pods")
		}
		p := Rollout(s.RolloutInput)
		want := contract(s) + " 0 of 1 pods available: " + said
		if !strings.HasSuffix(p.Status.Message, want) {
			t.Errorf("abort %t: message %q, want it to end with %q", abort, p.Status.Message, want)
		}
		if abort && !strings.HasSuffix(p.Status.Decisions[len(p.Status.Decisions)-1].Message, want) {
			t.Errorf("decisions %+v", p.Status.Decisions)
		}
		// The pods go, and with them what they said; the message stays, and nobody asks again.
		s.Rollout.Status, s.Observed.Trouble, s.Now = p.Status, "", s.Now.Add(time.Minute)
		if Overdue(s.Rollout, s.Now) {
			t.Errorf("abort %t: the pods are asked in every pass", abort)
		}
		if again := Rollout(s.RolloutInput); again.Status.Message != p.Status.Message {
			t.Errorf("abort %t: the message becomes %q", abort, again.Status.Message)
		}
	}
}

// TestOverdue tells when the pods need not be asked.
func TestOverdue(t *testing.T) {
	tests := []struct {
		name string
		play func(*scene)
		want bool
	}{
		{"an update that does not move", func(*scene) {}, true},
		{"before the deadline", func(s *scene) { s.Now = noon.Add(-10 * time.Minute) }, false},
		{"at a pause", func(s *scene) { s.step(1) }, false},
		{"at an analysis", func(s *scene) { s.step(2) }, false},
		{"promoted, at whatever step", func(s *scene) { s.promoted() }, true},
		{"paused by hand", func(s *scene) { s.Rollout.Spec.Paused = true }, false},
		{"held", func(s *scene) { s.paused(api.PauseReasonInconclusiveAnalysis, noon) }, false},
		{"aborted", func(s *scene) { s.Rollout.Status.Abort = true }, false},
		{"with no pods wanted", func(s *scene) { s.replicas(0) }, false},
		{"once it has been told", func(s *scene) { s.progressing(corev1.ConditionFalse, api.ReasonProgressDeadlineExceeded, noon) }, false},
		{"while the spec is invalid", func(s *scene) {
			s.Rollout.Status.Conditions = append(s.Rollout.Status.Conditions, api.RolloutCondition{Type: api.RolloutInvalidSpec, Status: corev1.ConditionTrue})
		}, false},
		{"with nothing known", func(s *scene) { s.Rollout.Status = api.RolloutStatus{} }, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newScene()
			s.late()
			test.play(s)
			if got := Overdue(s.Rollout, s.Now); got != test.want {
				t.Errorf("%t, want %t", got, test.want)
			}
		})
	}
}
