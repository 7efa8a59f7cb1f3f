package controller_test

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "sluice.dev/sluice/api/v1alpha1"
)

func TestAnUpdateThatRunsOutOfTimeKeepsWhatItsPodsSaid(t *testing.T) {
	p := newPlace(t)
	p.kubelet(&kubelet{available: func(rs *appsv1.ReplicaSet) int32 {
		if rs.Spec.Template.Spec.Containers[0].Image == "shop:1" {
			return *rs.Spec.Replicas
		}
		return 0
	}})
	p.start()
	p.create(strings.Replace(shop(`[{setWeight: 20}, {pause: {}}]`), "  replicas: 5\n", "  replicas: 5\n  progressDeadlineSeconds: 4\n  progressDeadlineAbort: true\n", 1))
	stable := p.becomes("Healthy").Status.StableRS
	p.patch("shop", image("shop:2"), false)
	var pod *corev1.Pod
	p.eventually("there is a canary", func() string {
		var sets appsv1.ReplicaSetList
		if err := p.client.List(t.Context(), &sets); err != nil {
			return err.Error()
		}
		for i := range sets.Items {
			rs := &sets.Items[i]
			hash := rs.Labels[api.LabelPodTemplateHash]
			if rs.Namespace != p.namespace || hash == stable || *rs.Spec.Replicas == 0 {
				continue
			}
			pod = &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
				Namespace: p.namespace, Name: rs.Name + "-x", Labels: rs.Spec.Template.Labels,
				OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(rs, appsv1.SchemeGroupVersion.WithKind("ReplicaSet"))},
			}, Spec: rs.Spec.Template.Spec}
			return ""
		}
		return "there is none"
	})
	if err := p.client.Create(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	p.setStatus(pod, func() {
		pod.Status.Phase = corev1.PodRunning
		pod.Status.ContainerStatuses = []corev1.ContainerStatus{{
			Name: "shop", Image: "shop:2", ImageID: "shop",
			State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{
				Reason: "CrashLoopBackOff", Message: "back-off 10s restarting failed container=shop pod=" + pod.Name + "_shop(1)",
			}},
			LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 2, Message: "password=hunter2"}},
		}}
	})
	r := p.becomes("Degraded RolloutAborted")
	const want = " has timed out progressing. 0 of 1 pods available: " +
		"1 CrashLoopBackOff (container shop: back-off 10s restarting failed container; last exit code 2)"
	if !strings.HasSuffix(r.Status.Message, want) {
		t.Errorf("message %q, want it to end with %q", r.Status.Message, want)
	}
	decisions := r.Status.Decisions
	if last := decisions[len(decisions)-1]; !strings.HasSuffix(last.Message, want) {
		t.Errorf("the last decision is %q", last.Message)
	}
	if strings.Contains(r.Status.Message, "hunter2") {
		t.Error("what the container wrote is told")
	}
}
