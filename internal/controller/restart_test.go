package controller_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sluice.dev/sluice/internal/controller"
)

// node makes real pods for the ReplicaSets of a place, and ends those that are deleted.
type node struct {
	*place
	mu     sync.Mutex
	fewest int32 // of pods that were ready together since watching began; -1 = not watching
	pods   map[types.UID]time.Time
}

// node works until the test ends.
func (p *place) node() *node {
	n := &node{place: p, fewest: -1}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			n.work(ctx)
			time.Sleep(20 * time.Millisecond)
		}
	}()
	p.Cleanup(func() { cancel(); <-done })
	return n
}

func (n *node) work(ctx context.Context) {
	var sets appsv1.ReplicaSetList
	var pods corev1.PodList
	if n.client.List(ctx, &sets, client.InNamespace(n.namespace)) != nil || n.client.List(ctx, &pods, client.InNamespace(n.namespace)) != nil {
		return
	}
	ready, alive := int32(0), map[types.UID]time.Time{}
	for i := range sets.Items {
		ready += n.serve(ctx, &sets.Items[i], pods.Items, alive)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.pods = alive
	if n.fewest >= 0 {
		n.fewest = min(n.fewest, ready)
	}
}

// serve does for one ReplicaSet what its controller and the kubelet do, and counts its ready pods.
func (n *node) serve(ctx context.Context, rs *appsv1.ReplicaSet, pods []corev1.Pod, alive map[types.UID]time.Time) (ready int32) {
	active := int32(0)
	for i := range pods {
		pod := &pods[i]
		if owner := metav1.GetControllerOfNoCopy(pod); owner == nil || owner.UID != rs.UID {
			continue
		}
		if pod.DeletionTimestamp != nil {
			_ = n.client.Delete(ctx, pod, client.GracePeriodSeconds(0))
			continue
		}
		if active == *rs.Spec.Replicas {
			_ = n.client.Delete(ctx, pod, client.GracePeriodSeconds(0))
			continue
		}
		active++
		alive[pod.UID] = pod.CreationTimestamp.Time
		if pod.Status.Phase != corev1.PodRunning {
			n.start(ctx, pod)
			continue
		}
		ready++
	}
	for i := active; i < *rs.Spec.Replicas; i++ {
		pod := &corev1.Pod{ObjectMeta: *rs.Spec.Template.ObjectMeta.DeepCopy(), Spec: *rs.Spec.Template.Spec.DeepCopy()}
		pod.Namespace, pod.GenerateName, pod.Spec.NodeName = rs.Namespace, rs.Name+"-", "node"
		pod.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(rs, appsv1.SchemeGroupVersion.WithKind("ReplicaSet"))}
		_ = n.client.Create(ctx, pod)
	}
	if rs.Status.Replicas != *rs.Spec.Replicas || rs.Status.AvailableReplicas != ready || rs.Status.ObservedGeneration != rs.Generation {
		next := rs.DeepCopy()
		next.Status = appsv1.ReplicaSetStatus{
			Replicas: *rs.Spec.Replicas, ReadyReplicas: ready, AvailableReplicas: ready, ObservedGeneration: rs.Generation,
		}
		_ = n.client.Status().Patch(ctx, next, client.MergeFrom(rs))
	}
	return ready
}

func (n *node) start(ctx context.Context, pod *corev1.Pod) {
	now := metav1.Now()
	next := pod.DeepCopy()
	next.Status.Phase = corev1.PodRunning
	next.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: now}}
	_ = n.client.Status().Patch(ctx, next, client.MergeFrom(pod))
}

// watch counts anew how many pods serve together at least.
func (n *node) watch(from int32) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.fewest = from
}

// seen is the pods that live, by UID with the time they were made, and the fewest that ever served together.
func (n *node) seen() (map[types.UID]time.Time, int32) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.pods, n.fewest
}

// budget is a PodDisruptionBudget over the shop that allows so many disruptions. Nobody but the test
// keeps its status.
func (p *place) budget(allowed int32) func(allowed int32) {
	p.Helper()
	all := intstr.FromInt32(5)
	pdb := &policyv1.PodDisruptionBudget{
		ObjectMeta: metav1.ObjectMeta{Namespace: p.namespace, Name: "shop-budget"},
		Spec:       policyv1.PodDisruptionBudgetSpec{MinAvailable: &all, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "shop"}}},
	}
	if err := p.client.Create(p.Context(), pdb); err != nil {
		p.Fatal(err)
	}
	set := func(allowed int32) {
		status := policyv1.PodDisruptionBudgetStatus{
			DisruptionsAllowed: allowed, DesiredHealthy: 5, CurrentHealthy: 5, ExpectedPods: 5, ObservedGeneration: pdb.Generation,
		}
		for range 20 { // evictions count it down
			err := p.client.Get(p.Context(), client.ObjectKeyFromObject(pdb), pdb)
			pdb.Status = status
			if err == nil {
				err = p.client.Status().Update(p.Context(), pdb)
			}
			if err == nil {
				return
			}
		}
		p.Fatal("the budget cannot be changed")
	}
	set(allowed)
	return set
}

// restart asks for every pod of now to be replaced, and returns when.
func (p *place) restart() *metav1.Time {
	at := metav1.NewTime(time.Now().Add(time.Second).Truncate(time.Second)) // after the second the pods were made in
	p.patch("shop", fmt.Sprintf(`{"spec":{"restartAt":%q}}`, at.UTC().Format(time.RFC3339)), false)
	return &at
}

func (p *place) decided(reason string) string {
	for _, d := range p.rollout("shop").Status.Decisions {
		if d.Reason == reason {
			return d.Message
		}
	}
	return ""
}

func TestARestartEvictsPodsAsFarAsBudgetsAllow(t *testing.T) {
	p := newPlace(t)
	n := p.node()
	var evictions, others sync.Map
	p.start(over(wire{seen: func(r *http.Request) error {
		if writes(r) && strings.Contains(r.URL.Path, "/pods/") {
			into := &others
			if strings.HasSuffix(r.URL.Path, "/eviction") {
				into = &evictions
			}
			into.Store(r.Method+" "+r.URL.Path, true)
		}
		return nil
	}}))
	p.create(shop(`[{setWeight: 20}, {pause: {}}]`))
	p.becomes("Healthy")
	allow := p.budget(0)
	before, _ := n.seen()
	at := p.restart()
	p.eventually("the refusal is told", func() string {
		if got := p.decided("EvictionRefused"); !strings.Contains(got, "The disruption budget shop-budget needs 5 healthy pods and has 5 currently") {
			return fmt.Sprintf("decisions are %+v", p.rollout("shop").Status.Decisions)
		}
		return ""
	})
	p.becomes("Progressing rollout is restarting")
	if now, _ := n.seen(); len(now) != 5 || lost(before, now) != 0 {
		t.Errorf("%d of 5 pods went although the budget allows none", lost(before, now))
	}
	n.watch(5)
	allow(100)
	r := p.becomes("Healthy")
	if r.Status.RestartedAt == nil || r.Status.RestartedAt.Unix() != at.Unix() {
		t.Errorf("restartedAt is %v, want %v", r.Status.RestartedAt, at)
	}
	if now, fewest := n.seen(); len(now) != 5 || lost(before, now) != 5 || fewest != 4 {
		t.Errorf("%d of 5 pods were replaced, and as few as %d served", lost(before, now), fewest)
	}
	if count(&evictions) < 5 || count(&others) > 0 {
		t.Errorf("%d pods were evicted, and %d written otherwise", count(&evictions), count(&others))
	}
}

func lost(before, now map[types.UID]time.Time) (n int) {
	for uid := range before {
		if _, there := now[uid]; !there {
			n++
		}
	}
	return n
}

func count(m *sync.Map) (n int) {
	m.Range(func(any, any) bool { n++; return true })
	return n
}

// TestARestartSurvivesItsController kills the controller after every few writes.
func TestARestartSurvivesItsController(t *testing.T) {
	p := newPlace(t)
	n := p.node()
	running := p.start()
	p.create(shop(`[{setWeight: 40}, {pause: {}}]`))
	p.becomes("Healthy")
	p.patch("shop", image("shop:2"), false)
	p.becomes("Paused CanaryPauseStep")
	before, _ := n.seen()
	at := p.restart()
	n.watch(5)
	p.eventually("some pods are replaced", func() string {
		if now, _ := n.seen(); lost(before, now) < 2 {
			return fmt.Sprintf("%d are", lost(before, now))
		}
		return ""
	})
	running.stop()
	p.start(func(o *controller.Options) { o.Version = "next" })
	p.eventually("the restart ends", func() string {
		if r := p.rollout("shop"); r.Status.RestartedAt == nil || r.Status.RestartedAt.Unix() != at.Unix() {
			return fmt.Sprintf("restartedAt is %v", r.Status.RestartedAt)
		}
		return ""
	})
	p.eventually("all pods serve again", func() string {
		if r := p.rollout("shop"); r.Status.AvailableReplicas != 5 {
			return fmt.Sprintf("%d do", r.Status.AvailableReplicas)
		}
		return ""
	})
	now, fewest := n.seen()
	if lost(before, now) != 5 || fewest < 4 {
		t.Errorf("%d of 5 pods were replaced, and as few as %d served", lost(before, now), fewest)
	}
	if r := p.rollout("shop"); phase(r) != "Paused CanaryPauseStep" || *r.Status.CurrentStepIndex != 1 || p.sizes()[r.Status.CurrentPodHash] != 2 {
		t.Errorf("the update has moved: %s, step %d, sizes %v", phase(r), *r.Status.CurrentStepIndex, p.sizes())
	}
	for _, d := range p.rollout("shop").Status.Decisions {
		if d.Reason == "RestartStarted" && strings.Contains(d.Message, "5 pods") {
			return
		}
	}
	t.Errorf("no decision tells of the restart: %+v", p.rollout("shop").Status.Decisions)
}
