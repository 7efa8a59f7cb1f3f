package e2e

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/test/stage"
)

const migrated = 3

// A Deployment serves; a Rollout takes over from it pod by pod; a new version comes through the Deployment's
// template; the Rollout is deleted, and the Deployment serves again. At no moment serve fewer than three pods.
func TestADeploymentHandsOverAndServesAgainAfterwards(t *testing.T) {
	sc := play(t)
	ro := &api.Rollout{}
	sc.must(yaml.UnmarshalStrict([]byte(sc.rollout(`[{setWeight: 34}, {pause: {}}]`)), ro))
	shop := &appsv1.Deployment{
		TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"}, ObjectMeta: named("shop"),
		Spec: appsv1.DeploymentSpec{Replicas: new(int32(migrated)), Selector: ro.Spec.Selector, Template: ro.Spec.Template},
	}
	t.Cleanup(func() {
		_ = client.IgnoreNotFound(sc.stage.Client.Delete(context.Background(), &appsv1.Deployment{ObjectMeta: named("shop")}))
	})
	sc.apply(manifest(t, shop))
	sc.served("the Deployment to serve", migrated, migrated)
	fewest := sc.watchServing()

	ro.Spec.Template, ro.Spec.Selector, ro.Spec.Replicas = corev1.PodTemplateSpec{}, nil, new(int32(migrated))
	ro.Spec.WorkloadRef = &api.ObjectRef{APIVersion: "apps/v1", Kind: "Deployment", Name: "shop", ScaleDown: api.ScaleDownProgressively}
	sc.apply(manifest(t, ro))
	first := sc.becomes(api.RolloutPhaseHealthy, patience).Status.StableRS
	sc.served("the Deployment to have handed over", migrated, 0)
	if n := fewest(); n < migrated {
		t.Errorf("%d pods served at one moment of the migration, want %d at least", n, migrated)
	}

	_, err := sc.sluice("set", "image", "rollouts-demo", "rollouts-demo=local/shop:1")
	sc.must(err)
	_, err = sc.kubectl("-n", stage.Namespace, "set", "env", "deployment/shop", "SHOP_VERSION=2")
	sc.must(err)
	sc.until("the update to pause with one canary pod", func(ro *api.Rollout) bool {
		return ro.Status.Phase == api.RolloutPhasePaused && ro.Status.CurrentPodHash != first
	})
	_, err = sc.sluice("promote", "rollouts-demo")
	sc.must(err)
	second := sc.until("the second version to be stable", func(ro *api.Rollout) bool {
		return ro.Status.Phase == api.RolloutPhaseHealthy && ro.Status.StableRS != first
	})
	if second.Annotations[api.AnnotationWorkloadGeneration] != second.Status.WorkloadObservedGeneration {
		t.Errorf("the workload's generation is %s, known is %s", second.Annotations[api.AnnotationWorkloadGeneration], second.Status.WorkloadObservedGeneration)
	}
	sc.served("the Deployment to have no pods after the update either", migrated, 0)

	sc.must(sc.stage.Client.Delete(t.Context(), ro))
	sc.must(stage.Await(t.Context(), patience, func(ctx context.Context) error {
		if err := sc.stage.Client.Get(ctx, client.ObjectKeyFromObject(ro), ro); !apierrors.IsNotFound(err) {
			return fmt.Errorf("the Rollout is still there (%v): %s", err, ro.Status.Message)
		}
		return nil
	}))
	sc.served("the Deployment to serve again", migrated, migrated)
	if n := fewest(); n < migrated {
		t.Errorf("%d pods served at one moment, want %d at least", n, migrated)
	}
}

// served waits until this many pods serve in all, and the Deployment wants and has this many of them.
func (sc *scene) served(what string, all, own int32) {
	sc.Helper()
	sc.must(stage.Await(sc.Context(), patience, func(ctx context.Context) error {
		d := &appsv1.Deployment{ObjectMeta: named("shop")}
		if err := sc.stage.Client.Get(ctx, client.ObjectKeyFromObject(d), d); err != nil {
			return err
		}
		n, err := sc.servingNow(ctx)
		if err != nil {
			return err
		}
		if *d.Spec.Replicas != own || d.Status.AvailableReplicas != own || n < int(all) {
			return fmt.Errorf("waiting for %s: it wants %d, has %d available; %d pods serve in all", what, *d.Spec.Replicas, d.Status.AvailableReplicas, n)
		}
		return nil
	}))
}

func (sc *scene) servingNow(ctx context.Context) (int, error) {
	var pods corev1.PodList
	err := sc.stage.Client.List(ctx, &pods, client.InNamespace(stage.Namespace), client.MatchingLabels{"app": "rollouts-demo"})
	return serving(pods.Items), err
}

// watchServing follows how few pods serve, until the story ends.
func (sc *scene) watchServing() (fewest func() int) {
	sc.Helper()
	var mu sync.Mutex
	least := 1 << 20
	ctx, stop := context.WithCancel(context.Background())
	var busy sync.WaitGroup
	busy.Go(func() {
		for ctx.Err() == nil {
			if n, err := sc.servingNow(ctx); err == nil {
				mu.Lock()
				least = min(least, n)
				mu.Unlock()
			}
			time.Sleep(100 * time.Millisecond)
		}
	})
	sc.Cleanup(func() { stop(); busy.Wait() })
	return func() int {
		mu.Lock()
		defer mu.Unlock()
		return least
	}
}
