package e2e

import (
	"context"
	"fmt"
	"testing"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/test/stage"
)

// A HorizontalPodAutoscaler scales the Rollout up and down while an update pauses at 20 %. Its bounds alone move
// it: there are no metrics in this cluster.
func TestAnAutoscalerScalesInMidUpdateAndTheRatioStays(t *testing.T) {
	sc := play(t)
	sc.first(sc.rollout(`[{setWeight: 20}, {pause: {}}]`))
	sc.ship(stage.Version{Name: "2"})
	sc.pausesAt(1, 1)
	sc.Cleanup(func() {
		hpa := &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: named("shop")}
		if err := client.IgnoreNotFound(sc.stage.Client.Delete(context.Background(), hpa)); err != nil {
			sc.Errorf("removing the autoscaler: %v", err)
		}
	})
	seen := sc.record()
	bounds := func(least, most int) {
		sc.Helper()
		sc.apply(fmt.Sprintf(`{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: shop, namespace: argo-rollouts},
  spec: {scaleTargetRef: {apiVersion: argoproj.io/v1alpha1, kind: Rollout, name: rollouts-demo}, minReplicas: %d, maxReplicas: %d}}`, least, most))
	}
	for _, size := range []struct{ total, canary int32 }{{10, 2}, {5, 1}} {
		bounds(int(size.total), int(size.total))
		ro := sc.until(fmt.Sprintf("%d pods, %d of them new", size.total, size.canary), func(ro *api.Rollout) bool {
			s := ro.Status
			return *ro.Spec.Replicas == size.total && s.HPAReplicas == size.total && s.UpdatedReplicas == size.canary && s.AvailableReplicas == size.total
		})
		if ro.Status.Phase != api.RolloutPhasePaused || *ro.Status.CurrentStepIndex != 1 {
			t.Errorf("scaling to %d moved the update: %s, step %d", size.total, ro.Status.Phase, *ro.Status.CurrentStepIndex)
		}
	}
	if n := seen.fewest(); n < 4 {
		t.Errorf("only %d pods served at one time, want 4 or more", n)
	}
	_, err := sc.sluice("promote", "rollouts-demo")
	sc.must(err)
	ro := sc.becomes(api.RolloutPhaseHealthy, patience)
	if *ro.Spec.Replicas != 5 || ro.Status.HPAReplicas != 5 {
		t.Errorf("at the end %d pods are wanted and %d are there", *ro.Spec.Replicas, ro.Status.HPAReplicas)
	}
}
