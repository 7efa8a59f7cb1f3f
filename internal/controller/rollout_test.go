package controller_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
)

func coreKind(kind string) schema.GroupVersionKind {
	if kind == "ReplicaSet" || kind == "Deployment" {
		return appsv1.SchemeGroupVersion.WithKind(kind)
	}
	return corev1.SchemeGroupVersion.WithKind(kind)
}

// shop is a rollout of five pods with these steps.
func shop(steps string) string {
	return `
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: shop}
spec:
  replicas: 5
  revisionHistoryLimit: 2
  selector: {matchLabels: {app: shop}}
  strategy:
    canary:
      steps: ` + steps + `
  template:
    metadata: {labels: {app: shop}}
    spec:
      containers:
      - {name: shop, image: "shop:1"}
`
}

func image(version string) string {
	return fmt.Sprintf(`{"spec":{"template":{"spec":{"containers":[{"name":"shop","image":%q}]}}}}`, version)
}

// phase is what people see first.
func phase(r *api.Rollout) string {
	if fmt.Sprint(r.Generation) != r.Status.ObservedGeneration {
		return "not observed"
	}
	return strings.TrimSpace(string(r.Status.Phase) + " " + r.Status.Message)
}

func (p *place) becomes(want string) *api.Rollout {
	p.Helper()
	var r *api.Rollout
	p.eventually("the rollout becomes "+want, func() string {
		r = p.rollout("shop")
		if got := phase(r); !strings.HasPrefix(got, want) {
			return fmt.Sprintf("it is %q, step %v, sizes %v", got, r.Status.CurrentStepIndex, p.sizes())
		}
		return ""
	})
	return r
}

// history notes every size a revision is given, in order.
type history struct {
	mu    sync.Mutex
	sizes map[string][]int32
}

func (h *history) note(rs *appsv1.ReplicaSet) {
	h.mu.Lock()
	defer h.mu.Unlock()
	hash := rs.Labels[api.LabelPodTemplateHash]
	if known := h.sizes[hash]; len(known) == 0 || known[len(known)-1] != *rs.Spec.Replicas {
		h.sizes[hash] = append(known, *rs.Spec.Replicas)
	}
}

func (h *history) of(hash string) []int32 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.sizes[hash])
}

// record watches sizes through a kubelet that makes every pod available.
func (p *place) record() *history {
	h := &history{sizes: map[string][]int32{}}
	p.kubelet(&kubelet{available: func(rs *appsv1.ReplicaSet) int32 {
		h.note(rs)
		return *rs.Spec.Replicas
	}})
	return h
}

func TestAnUpdateGoesStepByStepToTheEnd(t *testing.T) {
	p := newPlace(t)
	sizes := p.record()
	p.start()
	p.create(shop(`[{setWeight: 20}, {pause: {duration: 1}}, {setWeight: 40}, {setWeight: 60}, {setWeight: 100}]`))
	first := p.becomes("Healthy")
	if got := p.sizes(); len(got) != 1 || got[first.Status.StableRS] != 5 {
		t.Fatalf("the first version has %v pods, want 5 at once", got)
	}
	p.patch("shop", image("shop:2"), false)
	second := p.becomes("Healthy")

	if first.Status.StableRS == second.Status.StableRS || second.Status.StableRS != second.Status.CurrentPodHash {
		t.Errorf("stable is %q, was %q, newest is %q", second.Status.StableRS, first.Status.StableRS, second.Status.CurrentPodHash)
	}
	if diff := cmp.Diff([]int32{0, 1, 2, 3, 5}, sizes.of(second.Status.StableRS)); diff != "" {
		t.Errorf("sizes of the canary (-want +got):\n%s", diff)
	}
	if got := p.sizes()[first.Status.StableRS]; got != 0 {
		t.Errorf("the old version keeps %d pods", got)
	}
	p.eventually("people are told", func() string { return p.missingEvents("RolloutUpdated", "RolloutPaused", "RolloutCompleted") })
}

func (p *place) missingEvents(reasons ...string) string {
	var list corev1.EventList
	if err := p.client.List(p.Context(), &list, client.InNamespace(p.namespace)); err != nil {
		return err.Error()
	}
	told := map[string]bool{}
	for _, e := range list.Items {
		if e.Source.Component != "rollouts-controller" || e.InvolvedObject.Name != "shop" {
			return "an event of another source: " + e.Source.Component
		}
		told[e.Reason] = true
	}
	for _, reason := range reasons {
		if !told[reason] {
			return "no event " + reason
		}
	}
	return ""
}

func TestAnAbortedUpdateGoesBack(t *testing.T) {
	p := newPlace(t)
	p.record()
	p.start()
	p.create(shop(`[{setWeight: 40}, {pause: {}}]`))
	stable := p.becomes("Healthy").Status.StableRS
	p.patch("shop", image("shop:2"), false)
	canary := p.becomes("Paused").Status.CurrentPodHash
	if diff := cmp.Diff(map[string]int32{stable: 3, canary: 2}, p.sizes()); diff != "" {
		t.Errorf("sizes at the pause (-want +got):\n%s", diff)
	}
	p.patch("shop", `{"status":{"abort":true}}`, true)
	p.becomes("Degraded RolloutAborted")
	p.eventually("the stable version serves alone", func() string {
		return cmp.Diff(map[string]int32{stable: 5, canary: 0}, p.sizes())
	})
}

func TestARestartedControllerGoesOnWhereItWas(t *testing.T) {
	p := newPlace(t)
	sizes := p.record()
	controller := p.start()
	p.create(shop(`[{setWeight: 20}, {pause: {}}, {setWeight: 60}]`))
	p.becomes("Healthy")
	p.patch("shop", image("shop:2"), false)
	p.becomes("Paused")
	controller.stop()
	p.patch("shop", `{"status":{"pauseConditions":null}}`, true)
	p.start()
	end := p.becomes("Healthy")
	if diff := cmp.Diff([]int32{0, 1, 3, 5}, sizes.of(end.Status.StableRS)); diff != "" {
		t.Errorf("sizes of the canary (-want +got):\n%s", diff)
	}
}

// One that is only moved to another instance is not deleted.
func TestADeletedRolloutIsToldOnce(t *testing.T) {
	p := newPlace(t)
	p.record()
	p.start()
	p.create(shop(`[{setWeight: 20}]`), strings.Replace(shop(`[]`), "metadata: {name: shop", "metadata: {name: moved", 1))
	r := p.becomes("Healthy")
	p.eventually("the other one is served", func() string { return phaseOtherThan("Healthy", p.rollout("moved")) })
	p.patch("moved", `{"metadata":{"labels":{"`+api.LabelInstanceID+`":"theirs"}}}`, false)
	if err := p.client.Delete(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	told := func() (messages []string) {
		var events corev1.EventList
		if err := p.client.List(t.Context(), &events, client.InNamespace(p.namespace)); err != nil {
			t.Fatal(err)
		}
		for _, e := range events.Items {
			if e.Reason == api.EventRolloutDeleted {
				messages = append(messages, e.Message)
			}
		}
		return messages
	}
	p.eventually("its end is told", func() string {
		if len(told()) == 0 {
			return "no event tells it"
		}
		return ""
	})
	if diff := cmp.Diff([]string{"Rollout " + p.namespace + "/shop is deleted."}, told()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
