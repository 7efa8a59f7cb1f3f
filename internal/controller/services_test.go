package controller_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	api "sluice.dev/sluice/api/v1alpha1"
)

// service is a Service that a rollout has pointed at a revision.
func pointedService(name, rollout, hash string) string {
	return `apiVersion: v1
kind: Service
metadata: {name: ` + name + `, annotations: {argo-rollouts.argoproj.io/managed-by-rollouts: ` + rollout + `}}
spec: {ports: [{port: 80}], selector: {app: shop, rollouts-pod-template-hash: ` + hash + `}}`
}

// pointing is which revision a Service selects, and who is said to manage it.
type pointing struct{ Hash, By string }

func (p *place) pointing(service string) pointing {
	p.Helper()
	var s corev1.Service
	if err := p.client.Get(p.Context(), types.NamespacedName{Namespace: p.namespace, Name: service}, &s); err != nil {
		p.Fatal(err)
	}
	return pointing{s.Spec.Selector[api.LabelPodTemplateHash], s.Annotations[api.AnnotationManagedBy]}
}

func (p *place) points(service string, want pointing) {
	p.Helper()
	p.eventually("Service "+service, func() string { return cmp.Diff(want, p.pointing(service)) })
}

func TestAServiceIsFreeWhenItsRolloutIsGone(t *testing.T) {
	p := newPlace(t)
	p.record()
	p.start()
	p.create(
		strings.Replace(shop(`[{setWeight: 20}]`), "canary:", "canary:\n      stableService: kept\n      canaryService: renamed\n      trafficRouting: {smi: {}}", 1),
		pointedService("kept", "shop", "one"), pointedService("renamed", "shop", "one"), pointedService("orphan", "never-there", "one"),
	)
	p.points("orphan", pointing{})
	p.patch("shop", `{"spec":{"strategy":{"canary":{"canaryService":"another"}}}}`, false)
	p.points("renamed", pointing{})
	if got := p.pointing("kept"); got != (pointing{"one", "shop"}) {
		t.Errorf("the one it still names is %+v", got)
	}
	if err := p.client.Delete(t.Context(), p.rollout("shop")); err != nil {
		t.Fatal(err)
	}
	p.points("kept", pointing{})
}
