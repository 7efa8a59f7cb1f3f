package controller_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
)

const roles = `{"spec":{"strategy":{"canary":{
	"canaryMetadata":{"labels":{"role":"canary"},"annotations":{"example.com/watch":"closely"}},
	"stableMetadata":{"labels":{"role":"stable"}},
	"antiAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{}}}}}}`

// look is how many pods of a revision wear what, and whether they are kept off the nodes of another one.
func (p *place) look(hash string) string {
	p.Helper()
	var pods corev1.PodList
	if err := p.client.List(p.Context(), &pods, client.InNamespace(p.namespace), client.MatchingLabels{api.LabelPodTemplateHash: hash}); err != nil {
		p.Fatal(err)
	}
	look, n := "", 0
	for _, pod := range pods.Items {
		if pod.DeletionTimestamp != nil {
			continue
		}
		this := strings.TrimSpace(pod.Labels["role"] + " " + pod.Annotations["example.com/watch"])
		if n > 0 && this != look {
			return "different"
		}
		look = this
		n++
	}
	return strings.TrimSpace(fmt.Sprint(n, " ", look))
}

func (p *place) looks(want map[string]string) {
	p.Helper()
	p.eventually("pods wear what belongs to their role", func() string {
		for hash, look := range want {
			if got := p.look(hash); got != look {
				return fmt.Sprintf("those of %s: %q, want %q", hash, got, look)
			}
		}
		return ""
	})
}

// uids are the pods of a revision.
func (p *place) uids(hash string) map[types.UID]*corev1.Pod {
	p.Helper()
	var pods corev1.PodList
	if err := p.client.List(p.Context(), &pods, client.InNamespace(p.namespace), client.MatchingLabels{api.LabelPodTemplateHash: hash}); err != nil {
		p.Fatal(err)
	}
	all := map[types.UID]*corev1.Pod{}
	for i := range pods.Items {
		all[pods.Items[i].UID] = &pods.Items[i]
	}
	return all
}

// revisions are the ReplicaSets there are.
func (p *place) revisions() []appsv1.ReplicaSet {
	p.Helper()
	var list appsv1.ReplicaSetList
	if err := p.client.List(p.Context(), &list, client.InNamespace(p.namespace)); err != nil {
		p.Fatal(err)
	}
	return list.Items
}

func TestLivePodsWearWhatBelongsToTheirRole(t *testing.T) {
	p := newPlace(t)
	p.node()
	var written atomic.Int64
	p.start(over(wire{seen: func(r *http.Request) error {
		if writes(r) {
			written.Add(1)
		}
		return nil
	}}))
	p.create(shop(`[{setWeight: 20}, {pause: {}}]`))
	stable := p.becomes("Healthy").Status.StableRS
	first := p.uids(stable)
	p.patch("shop", roles, false)
	p.looks(map[string]string{stable: "5 stable"})
	p.patch("shop", image("shop:2"), false)
	canary := p.becomes("Paused CanaryPauseStep").Status.CurrentPodHash
	p.looks(map[string]string{stable: "4 stable", canary: "1 canary closely"})
	for uid, pod := range p.uids(canary) {
		rule := pod.Spec.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution[0]
		if rule.LabelSelector.MatchExpressions[0].Values[0] != stable || rule.TopologyKey != "kubernetes.io/hostname" {
			t.Errorf("pod %s is kept apart by %+v", uid, rule)
		}
	}
	time.Sleep(300 * time.Millisecond)
	before := written.Load()
	time.Sleep(1500 * time.Millisecond)
	if n := written.Load() - before; n > 0 {
		t.Errorf("%d writes at rest", n)
	}
	canaries := p.uids(canary)
	p.patch("shop", `{"status":{"pauseConditions":null}}`, true)
	p.becomes("Healthy")
	p.looks(map[string]string{stable: "0", canary: "5 stable"})
	for uid := range canaries {
		if p.uids(canary)[uid] == nil {
			t.Errorf("pod %s was replaced", uid)
		}
	}
	p.patch("shop", `{"spec":{"strategy":{"canary":{"canaryMetadata":null,"stableMetadata":null,"antiAffinity":null}}}}`, false)
	p.looks(map[string]string{canary: "5"})
	p.eventually("nothing is left of it", func() string {
		sets := p.revisions()
		for _, rs := range sets {
			left := rs.Annotations[api.AnnotationEphemeralMetadata] + rs.Spec.Template.Annotations[api.AnnotationEphemeralMetadata]
			if left != "" || rs.Spec.Template.Spec.Affinity != nil {
				return fmt.Sprintf("%s: %q, %+v", rs.Name, left, rs.Spec.Template.Spec.Affinity)
			}
		}
		if len(sets) != 2 {
			return fmt.Sprintf("there are %d revisions", len(sets))
		}
		return ""
	})
	for uid := range p.uids(stable) {
		if first[uid] == nil {
			t.Errorf("pod %s of the first revision is new", uid)
		}
	}
}

// TestARollbackWithinTheWindowTakesNoSteps: the template that is applied again is that of a revision made before.
func TestARollbackWithinTheWindowTakesNoSteps(t *testing.T) {
	p := newPlace(t)
	p.record()
	p.start()
	p.create(strings.Replace(shop(`[{setWeight: 20}, {pause: {}}]`), "  replicas: 5", "  replicas: 5\n  rollbackWindow: {revisions: 1}", 1))
	first := p.becomes("Healthy").Status.StableRS
	time.Sleep(1100 * time.Millisecond) // the server's times have whole seconds
	p.patch("shop", image("shop:2"), false)
	p.becomes("Paused CanaryPauseStep")
	p.patch("shop", `{"status":{"pauseConditions":null}}`, true)
	p.becomes("Healthy")
	p.patch("shop", image("shop:1"), false)
	r := p.becomes("Healthy")
	if r.Status.StableRS != first || p.decided("FastRollback") == "" || r.Status.Duration.CompletionStatus != api.CompletionFastRolledBack {
		t.Errorf("stable is %s, want %s; the record is %+v; decisions are %+v", r.Status.StableRS, first, r.Status.Duration, r.Status.Decisions)
	}
}
