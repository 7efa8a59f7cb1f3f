package controller_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	api "sluice.dev/sluice/api/v1alpha1"
)

// Failure stories that need a real API server. The others are told in internal/simulate.

// TestStoryB12AnOrphanWithAPastDeadlineIsLeftAlone has a ReplicaSet that the rollout's selector matches, whose owner
// is lost and whose scale-down deadline is over.
func TestStoryB12AnOrphanWithAPastDeadlineIsLeftAlone(t *testing.T) {
	p := newPlace(t)
	p.record()
	var asked atomic.Int64
	p.start(over(wire{seen: func(*http.Request) error {
		asked.Add(1)
		return nil
	}}))
	p.create(`
apiVersion: apps/v1
kind: ReplicaSet
metadata:
  name: shop-orphan
  labels: {app: shop, rollouts-pod-template-hash: orphan}
  annotations: {scale-down-deadline: "2020-01-01T00:00:00Z", rollout.argoproj.io/revision: "7"}
spec:
  replicas: 2
  selector: {matchLabels: {app: shop, rollouts-pod-template-hash: orphan}}
  template:
    metadata: {labels: {app: shop, rollouts-pod-template-hash: orphan}}
    spec: {containers: [{name: shop, image: "shop:0"}]}
`, shop(`[{setWeight: 20}, {pause: {}}]`))
	p.becomes("Healthy")
	p.patch("shop", image("shop:2"), false)
	r := p.becomes("Paused")
	time.Sleep(2 * time.Second) // the events are on their way
	before := asked.Load()
	time.Sleep(3 * time.Second)
	if n := asked.Load() - before; n != 0 {
		t.Errorf("%d requests at rest", n)
	}
	want := map[string]int32{"orphan": 2, r.Status.StableRS: 4, r.Status.CurrentPodHash: 1}
	if diff := cmp.Diff(want, p.sizes()); diff != "" {
		t.Errorf("sizes (-want +got):\n%s", diff)
	}
	if got := r.Annotations[api.AnnotationRevision]; got != "2" {
		t.Errorf("revision %s, want 2: the orphan's number is not ours", got)
	}
}

// TestStoryE13AWriteOfAUserRightAfterOursWins has a user write right after every status the controller saves. The
// user's write arrives by the watch, and the controller's own older one must not take its place.
func TestStoryE13AWriteOfAUserRightAfterOursWins(t *testing.T) {
	p := newPlace(t)
	p.record()
	var conflicts, wrote, noise atomic.Int64
	p.start(over(wire{answered: func(r *http.Request, status int) error {
		if !writes(r) {
			return nil
		}
		wrote.Add(1)
		switch {
		case status == http.StatusConflict:
			conflicts.Add(1)
		case strings.HasSuffix(r.URL.Path, "/rollouts/shop/status") && noise.Load() < 40:
			patch := fmt.Sprintf(`{"metadata":{"annotations":{"noise":"%d"}}}`, noise.Add(1))
			return p.client.Patch(context.WithoutCancel(r.Context()), p.named("shop"), client.RawPatch(types.MergePatchType, []byte(patch)))
		}
		return nil
	}}))
	p.create(shop(`[{setWeight: 20}, {setWeight: 60}]`))
	p.becomes("Healthy")
	p.patch("shop", image("shop:2"), false)
	p.becomes("Healthy")
	p.eventually("the controller comes to rest", func() string {
		before := wrote.Load()
		time.Sleep(2 * time.Second)
		if n := wrote.Load() - before; n != 0 {
			return fmt.Sprintf("%d writes in two seconds", n)
		}
		return ""
	})
	if got, want := p.rollout("shop").Annotations["noise"], fmt.Sprint(noise.Load()); got != want {
		t.Errorf("the user wrote %s last, the object says %s", want, got)
	}
	if n := conflicts.Load(); n > 2*noise.Load() {
		t.Errorf("%d conflicts for %d writes of the user", n, noise.Load())
	}
}

// TestStoryC27AnArgumentThatCannotBeResolvedIsToldBeforeAnyPodMoves finds at once what would go wrong at the third
// step: the condition names the argument or the rule, and the template.
func TestStoryC27AnArgumentThatCannotBeResolvedIsToldBeforeAnyPodMoves(t *testing.T) {
	const analysis = `[{setWeight: 20}, {setWeight: 40}, {analysis: {templates: [{templateName: checks}]}}]`
	cases := []struct {
		name, spec string
		names      []string
	}{
		{"a required argument is missing", `
  args: [{name: service}]
  metrics: [{name: errors, provider: {prometheus: {address: "http://prom", query: "errors{service='{{args.service}}'}"}}}]`, []string{"service"}},
		{"an argument is used and never declared", `
  metrics: [{name: errors, provider: {prometheus: {address: "http://prom", query: "errors{service='{{args.nowhere}}'}"}}}]`, []string{"nowhere"}},
		{"two retention rules are for one metric", `
  measurementRetention: [{metricName: errors, limit: 3}, {metricName: errors, limit: 5}]
  metrics: [{name: errors, provider: {prometheus: {address: "http://prom", query: "errors"}}}]`, []string{"errors"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := newPlace(t)
			p.record()
			p.start(measuredBy(&gauge{}))
			p.create(`{apiVersion: argoproj.io/v1alpha1, kind: AnalysisTemplate, metadata: {name: checks}, spec: {metrics: [{name: errors, provider: {prometheus: {address: "http://prom", query: up}}}]}}`,
				shop(analysis))
			stable := p.becomes("Healthy").Status.StableRS
			p.respecify("checks", c.spec)
			p.becomes("Degraded InvalidSpec")
			p.patch("shop", image("shop:2"), false)
			r := p.becomes("Degraded InvalidSpec")
			for _, name := range append(c.names, "checks") {
				if !strings.Contains(r.Status.Message, name) {
					t.Errorf("the message does not name %q: %s", name, r.Status.Message)
				}
			}
			time.Sleep(time.Second) // what would move moves within this time
			if diff := cmp.Diff(map[string]int32{stable: 5}, p.sizes()); diff != "" {
				t.Errorf("sizes (-want +got):\n%s", diff)
			}
		})
	}
}

// respecify gives an AnalysisTemplate another spec.
func (p *place) respecify(name, spec string) {
	p.Helper()
	template := &api.AnalysisTemplate{}
	template.Namespace, template.Name = p.namespace, name
	p.rewrite(template, func() {
		template.Spec = api.AnalysisTemplateSpec{}
		if err := yaml.UnmarshalStrict([]byte(spec), &template.Spec); err != nil {
			p.Fatal(err)
		}
	}, func() error { return p.client.Update(p.Context(), template) })
}
