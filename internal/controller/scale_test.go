package controller_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
)

// scale is what an autoscaler reads.
func (p *place) scale() *autoscalingv1.Scale {
	p.Helper()
	scale := &autoscalingv1.Scale{}
	if err := p.client.SubResource("scale").Get(p.Context(), p.named("shop"), scale); err != nil {
		p.Fatal(err)
	}
	return scale
}

// scaleTo does what an autoscaler does.
func (p *place) scaleTo(replicas int32) {
	p.Helper()
	shop := p.named("shop")
	var scale *autoscalingv1.Scale
	p.rewrite(shop, func() { scale = p.scale(); scale.Spec.Replicas = replicas }, func() error {
		return p.client.SubResource("scale").Update(p.Context(), shop, client.WithSubResourceBody(scale))
	})
}

// selected counts the pods an autoscaler would take the average of.
func (p *place) selected() int32 {
	p.Helper()
	selector, err := labels.Parse(p.scale().Status.Selector)
	if err != nil || selector.Empty() {
		p.Fatalf("the selector of the scale is %q: %v", p.scale().Status.Selector, err)
	}
	var pods corev1.PodList
	if err := p.client.List(p.Context(), &pods, client.InNamespace(p.namespace), client.MatchingLabelsSelector{Selector: selector}); err != nil {
		p.Fatal(err)
	}
	n := int32(0)
	for i := range pods.Items {
		if pods.Items[i].DeletionTimestamp == nil {
			n++
		}
	}
	return n
}

// statuses watches every status of the rollout that is ever saved, until the test ends.
func (p *place) statuses(check func(*api.Rollout)) {
	p.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	events, err := p.client.Watch(ctx, &api.RolloutList{}, client.InNamespace(p.namespace))
	if err != nil {
		p.Fatal(err)
	}
	var busy sync.WaitGroup
	busy.Go(func() {
		for event := range events.ResultChan() {
			if r, ok := event.Object.(*api.Rollout); ok && r.Status.ObservedGeneration != "" {
				check(r)
			}
		}
	})
	p.Cleanup(func() { cancel(); events.Stop(); busy.Wait() })
}

func TestAnAutoscalerSeesAllPodsAndKeepsTheRatio(t *testing.T) {
	p := newPlace(t)
	p.node()
	p.statuses(func(r *api.Rollout) {
		s := r.Status
		if s.Selector != "app=shop" || s.HPAReplicas != s.Replicas {
			t.Errorf("an autoscaler sees %d pods by %q, there are %d", s.HPAReplicas, s.Selector, s.Replicas)
		}
		if s.StableRS != "" && s.CurrentPodHash != s.StableRS && s.HPAReplicas < 3 {
			t.Errorf("an autoscaler sees %d pods in mid-update, there are never fewer than 3", s.HPAReplicas)
		}
	})
	p.start()
	p.create(shop(`[{setWeight: 40}, {pause: {}}, {setWeight: 60}]`))
	stable := p.becomes("Healthy").Status.StableRS
	p.patch("shop", image("shop:2"), false)
	canary := p.becomes("Paused").Status.CurrentPodHash
	for _, size := range []struct{ total, stable, canary int32 }{{5, 3, 2}, {10, 6, 4}, {3, 2, 1}, {5, 3, 2}} {
		p.scaleTo(size.total)
		p.eventually(fmt.Sprintf("%d pods keep the ratio", size.total), func() string {
			return cmp.Diff(map[string]int32{stable: size.stable, canary: size.canary}, p.sizes())
		})
		p.eventually("the autoscaler sees them", func() string {
			now := p.scale()
			if now.Spec.Replicas != size.total || now.Status.Replicas != size.total || p.selected() != size.total {
				return fmt.Sprintf("it wants %d, is told of %d and finds %d", now.Spec.Replicas, now.Status.Replicas, p.selected())
			}
			return ""
		})
		r := p.becomes("Paused CanaryPauseStep")
		if *r.Status.CurrentStepIndex != 1 {
			t.Errorf("scaling to %d moved the update to step %d", size.total, *r.Status.CurrentStepIndex)
		}
	}
	p.patch("shop", `{"status":{"pauseConditions":null}}`, true)
	p.becomes("Healthy")
	p.scaleTo(7)
	p.eventually("the new version is scaled", func() string {
		return cmp.Diff(map[string]int32{stable: 0, canary: 7}, p.sizes())
	})
}
