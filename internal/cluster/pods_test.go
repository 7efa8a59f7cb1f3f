package cluster

import (
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	"sluice.dev/sluice/internal/decide"
)

// restarting is a stage whose rollout has one ReplicaSet, a pod "a" that is ready, a pod "b" that is not,
// one that has ended and one of somebody else, and which is to be restarted.
func restarting(t *testing.T) *stage {
	t.Helper()
	s := newStage(t)
	exists := s.newest()
	w, in := s.look()
	s.act(w, exists)
	rs := s.set(exists.Name)
	owner := []metav1.OwnerReference{*metav1.NewControllerRef(rs, appsv1.SchemeGroupVersion.WithKind("ReplicaSet"))}
	s.pod("a", owner, corev1.PodRunning, corev1.ConditionTrue)
	s.pod("b", owner, corev1.PodRunning, corev1.ConditionFalse)
	s.pod("ended", owner, corev1.PodFailed, corev1.ConditionFalse)
	s.pod("other", nil, corev1.PodRunning, corev1.ConditionTrue)
	rollout := in.Rollout
	rollout.Spec.RestartAt = &metav1.Time{Time: time.Now().Add(-time.Minute)}
	if err := s.live.Update(t.Context(), rollout); err != nil {
		t.Fatal(err)
	}
	s.cache.catchUp(t, s.namespace)
	return s
}

func (s *stage) pod(name string, owner []metav1.OwnerReference, phase corev1.PodPhase, ready corev1.ConditionStatus) {
	s.Helper()
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: name, OwnerReferences: owner, Labels: map[string]string{"app": "shop"}},
		Spec:       corev1.PodSpec{NodeName: "node", Containers: []corev1.Container{{Name: "c", Image: "i"}}},
	}
	if err := s.live.Create(s.Context(), pod); err != nil {
		s.Fatal(err)
	}
	s.condition(name, phase, ready)
}

func (s *stage) condition(name string, phase corev1.PodPhase, ready corev1.ConditionStatus) {
	s.Helper()
	pod := s.lookUp(name)
	pod.Status.Phase = phase
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: ready, LastTransitionTime: metav1.Now()}}
	if err := s.live.Status().Update(s.Context(), pod); err != nil {
		s.Fatal(err)
	}
}

func (s *stage) lookUp(name string) *corev1.Pod {
	s.Helper()
	pod := &corev1.Pod{}
	if err := s.live.Get(s.Context(), types.NamespacedName{Namespace: s.namespace, Name: name}, pod); err != nil {
		s.Fatal(err)
	}
	return pod
}

// seen is a pod as the next pass observes it.
func (s *stage) seen(name string) (*RolloutWorld, decide.Pod) {
	s.Helper()
	w, in := s.look()
	for _, pod := range in.Observed.Pods {
		if pod.Name == name {
			return w, pod
		}
	}
	s.Fatalf("pod %s is not among %+v", name, in.Observed.Pods)
	return nil, decide.Pod{}
}

func gone(p decide.Pod) decide.PodGone { return decide.PodGone{Name: p.Name, UID: p.UID} }

// disruptions adds a PodDisruptionBudget over the shop's pods that allows so many; −1 = not known yet.
func (s *stage) disruptions(name string, allowed int32) {
	s.Helper()
	two := intstr.FromInt32(2)
	pdb := &policyv1.PodDisruptionBudget{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: name},
		Spec:       policyv1.PodDisruptionBudgetSpec{MinAvailable: &two, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "shop"}}},
	}
	if err := s.live.Create(s.Context(), pdb); err != nil {
		s.Fatal(err)
	}
	if allowed < 0 {
		return
	}
	pdb.Status = policyv1.PodDisruptionBudgetStatus{DisruptionsAllowed: allowed, DesiredHealthy: 2, CurrentHealthy: 2, ObservedGeneration: pdb.Generation}
	if err := s.live.Status().Update(s.Context(), pdb); err != nil {
		s.Fatal(err)
	}
}

func TestPodsAreLookedAtDuringARestartAndAfter(t *testing.T) {
	s := restarting(t)
	_, in := s.look()
	if n := len(in.Observed.Pods); n != 2 {
		t.Errorf("%d pods are seen, want a and b: %+v", n, in.Observed.Pods)
	}
	for _, p := range in.Observed.Pods {
		if p.Hash != in.Observed.ReplicaSets[0].Hash || p.UID == "" || p.CreatedAt.IsZero() || p.ReadyAt.IsZero() != (p.Name == "b") {
			t.Errorf("pod %+v", p)
		}
	}
	rollout := in.Rollout.DeepCopy()
	rollout.Status.RestartedAt = rollout.Spec.RestartAt
	if err := s.live.Status().Update(t.Context(), rollout); err != nil {
		t.Fatal(err)
	}
	s.cache.catchUp(t, s.namespace)
	if _, in := s.look(); len(in.Observed.Pods) != 2 {
		t.Errorf("after the restart these pods are seen: %+v", in.Observed.Pods)
	}
}

func TestTheNextPassSeesThatAPodIsOnItsWayOut(t *testing.T) {
	s := restarting(t)
	w, a := s.seen("a")
	s.act(w, gone(a))
	s.stale("an eviction")
	if _, a := s.seen("a"); !a.Deleting {
		t.Errorf("the pod is not being deleted: %+v", a)
	}
	w, a = s.seen("a")
	mark := s.requests.mark()
	s.act(w, gone(a))
	if asked := s.requests.since(mark); len(asked) > 0 {
		t.Errorf("stating it again asks %v", asked)
	}
}

func TestAPodThatHasBecomeReadyIsNotEvictedAsOneThatServesNobody(t *testing.T) {
	s := restarting(t)
	w, b := s.seen("b")
	s.condition("b", corev1.PodRunning, corev1.ConditionTrue)
	if _, stale := IsStale(w.Act(t.Context(), gone(b))); !stale || s.lookUp("b").DeletionTimestamp != nil {
		t.Errorf("stale is %v, deleted at %v", stale, s.lookUp("b").DeletionTimestamp)
	}
	s.stale("a conflict")
	w, b = s.seen("b")
	if b.ReadyAt.IsZero() {
		t.Errorf("the pod is ready: %+v", b)
	}
	s.act(w, gone(b))
	if s.lookUp("b").DeletionTimestamp == nil {
		t.Error("it was not evicted when it was asked for as one that serves")
	}
}

func TestWhatTheServerSaysAgainstAnEvictionIsObserved(t *testing.T) {
	cases := []struct {
		name    string
		budgets map[string]int32
		want    string
	}{
		{"a budget that is used up", map[string]int32{"one": 0}, "The disruption budget one needs 2 healthy pods and has 2 currently"},
		{"a budget that is not worked out yet, within seconds", map[string]int32{"new": -1}, "The server gave no answer within 3s, as while a PodDisruptionBudget is new"},
		{"more budgets than the server can deal with", map[string]int32{"one": 9, "two": 9}, "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := restarting(t)
			for name, allowed := range c.budgets {
				s.disruptions(name, allowed)
			}
			w, a := s.seen("a")
			began := time.Now()
			if _, stale := IsStale(w.Act(t.Context(), gone(a))); !stale {
				t.Error("nobody is told")
			}
			if took := time.Since(began); took > evictionWithin+2*time.Second {
				t.Errorf("it took %s", took)
			}
			_, a = s.seen("a")
			if a.Refused == "" || !strings.Contains(a.Refused, c.want) || a.RefusedAt.Before(began) || !a.RefusedSince.After(began) || a.Deleting {
				t.Errorf("observed is %+v, want %q", a, c.want)
			}
			for name := range c.budgets {
				if err := s.live.Delete(t.Context(), &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: name}}); err != nil {
					t.Fatal(err)
				}
			}
			w, a = s.seen("a")
			s.act(w, gone(a))
			s.cache.catchUp(t, s.namespace)
			if _, a = s.seen("a"); !a.Deleting || a.Refused != "" {
				t.Errorf("after the budgets have gone: %+v", a)
			}
		})
	}
}
