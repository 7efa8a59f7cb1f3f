package cluster

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
)

func TestWhatIsWornIsWrittenAndSeenByTheNextPass(t *testing.T) {
	s := newStage(t)
	exists := s.newest()
	w, in := s.look()
	s.act(w, exists)
	rs := s.set(exists.Name)
	owner := []metav1.OwnerReference{*metav1.NewControllerRef(rs, appsv1.SchemeGroupVersion.WithKind("ReplicaSet"))}
	s.pod("a", owner, corev1.PodRunning, corev1.ConditionTrue)
	in.Rollout.Spec.Strategy.Canary.StableMetadata = &api.PodTemplateMetadata{Labels: map[string]string{"role": "stable"}}
	if err := s.live.Update(t.Context(), in.Rollout); err != nil {
		t.Fatal(err)
	}
	s.cache.catchUp(t, s.namespace)

	w, _ = s.seen("a")
	rule := api.InjectedAntiAffinity("other")
	labels := map[string]string{"role": "stable"}
	for key, value := range rs.Spec.Template.Labels {
		labels[key] = value
	}
	s.act(w, decide.ReplicaSetWears{
		Name: rs.Name, Labels: labels, Annotations: map[string]string{"a": "b"}, Notes: map[string]string{"note": "kept"},
		Affinity: &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{rule}}},
	})
	s.stale("dressing a ReplicaSet")
	now := s.set(rs.Name)
	if diff := cmp.Diff(labels, now.Spec.Template.Labels); diff != "" || now.Annotations["note"] != "kept" || now.Spec.Template.Annotations["a"] != "b" || now.Spec.Template.Spec.Affinity == nil {
		t.Errorf("it wears %+v %+v (-want +got):\n%s", now.Spec.Template.ObjectMeta, now.Spec.Template.Spec.Affinity, diff)
	}
	if now.Spec.Template.Spec.Containers[0].Image != rs.Spec.Template.Spec.Containers[0].Image {
		t.Error("the template itself was changed")
	}

	w, _ = s.seen("a")
	s.act(w, decide.ReplicaSetWears{Name: rs.Name, Labels: rs.Spec.Template.Labels, Notes: map[string]string{"note": ""}})
	s.stale("undressing a ReplicaSet")
	if now = s.set(rs.Name); now.Annotations["note"] != "" || len(now.Spec.Template.Annotations) > 0 || now.Spec.Template.Spec.Affinity != nil {
		t.Errorf("it still wears %+v %+v", now.Spec.Template.ObjectMeta, now.Spec.Template.Spec.Affinity)
	}

	w, pod := s.seen("a")
	stable := "stable"
	s.act(w, decide.PodWears{Name: "a", UID: pod.UID, Labels: map[string]*string{"role": &stable}, Annotations: map[string]*string{api.AnnotationEphemeralMetadata: &stable}})
	s.stale("dressing a pod")
	w, pod = s.seen("a")
	if pod.Labels["role"] != "stable" || pod.Annotations[api.AnnotationEphemeralMetadata] != "stable" {
		t.Errorf("the pod is seen as %+v", pod)
	}
	s.act(w, decide.PodWears{Name: "a", UID: pod.UID, Labels: map[string]*string{"role": nil}})
	if live := s.lookUp("a"); live.Labels["role"] != "" || live.Labels["app"] != "shop" {
		t.Errorf("the pod has labels %v", live.Labels)
	}
	s.cache.catchUp(t, s.namespace)
	w, _ = s.seen("a")
	s.act(w, decide.PodWears{Name: "a", UID: "another", Labels: map[string]*string{"role": &stable}})
	if live := s.lookUp("a"); live.Labels["role"] != "" {
		t.Error("a pod of the same name was dressed")
	}
}

func TestOfPodsThatSayNothingOnlyTheKeysOfAnnotationsAreKept(t *testing.T) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{"big": "value"}}}
	if _, err := podIdentity(pod); err != nil || pod.Annotations["big"] != "" {
		t.Errorf("kept: %v, %v", pod.Annotations, err)
	}
	pod.Annotations = map[string]string{"big": "value", api.AnnotationEphemeralMetadata: "{}"}
	if _, err := podIdentity(pod); err != nil || pod.Annotations["big"] != "value" {
		t.Errorf("kept: %v, %v", pod.Annotations, err)
	}
}
