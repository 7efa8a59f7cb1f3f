package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/test/stage"
)

// The controller is killed while a Job loads the canary: the one after it goes on with that Job.
func TestAControllerKilledInMidAnalysisContinuesWhereItWas(t *testing.T) {
	sc := play(t)
	sc.apply(script(12, "http.response_time.p95: 6000"))
	sc.first(sc.rollout(judged), template(load(), query("cpu", "vector(0.001)", `interval: 3s, count: 5, successCondition: "result[0] <= 0.004"`)))
	seen := sc.record()
	sc.ship(stage.Version{Name: "2"})
	sc.must(stage.Await(t.Context(), patience, func(ctx context.Context) error {
		if jobs, err := sc.jobs(ctx); err != nil || len(jobs) == 0 || jobs[0].Status.Active == 0 {
			return fmt.Errorf("the Job does not run yet (%d, %v)", len(jobs), err)
		}
		return nil
	}))
	before := sc.run()
	killed := sc.kill(0)
	ro := sc.becomes(api.RolloutPhaseHealthy, 3*time.Minute)

	if pods, err := sc.controllers(t.Context()); err != nil || len(pods) != 1 || pods[0].Name == killed {
		t.Fatalf("the controller was not replaced: %v", err)
	}
	after := sc.run() // still the only one
	if after.Name != before.Name || after.Status.Phase != api.AnalysisPhaseSuccessful {
		t.Errorf("the run %s is %s, it was %s before", after.Name, after.Status.Phase, before.Name)
	}
	jobs, err := sc.jobs(t.Context())
	sc.must(err)
	if len(jobs) != 1 {
		t.Errorf("%d Jobs were made for one measurement", len(jobs))
	}
	if n := result(after, "load").Count; n != 1 {
		t.Errorf("the Job was measured %d times", n)
	}
	if n := result(after, "cpu").Count; n != 5 {
		t.Errorf("the query was measured %d times, want 5", n)
	}
	sc.rises(seen.of(ro.Status.StableRS))
}

func TestASecondReplicaTakesOver(t *testing.T) {
	sc := play(t)
	sc.scale(2)
	t.Cleanup(func() { sc.scaleIn(context.Background(), 1) })
	sc.first(sc.rollout(`[{setWeight: 20}, {pause: {}}]`))
	sc.ship(stage.Version{Name: "2"})
	sc.pausesAt(1, 1)
	leader := sc.leader(t.Context())
	sc.must(sc.stage.Client.Delete(t.Context(), &corev1.Pod{ObjectMeta: named(leader)}))
	deleted := time.Now()
	if _, err := sc.sluice("promote", "rollouts-demo"); err != nil {
		t.Fatal(err)
	}
	sc.until("the second replica to go on", func(ro *api.Rollout) bool { return ro.Status.Phase != api.RolloutPhasePaused })
	t.Logf("the second replica went on %s after the leader was deleted", time.Since(deleted).Round(time.Millisecond))
	sc.becomes(api.RolloutPhaseHealthy, patience)
	if next := sc.leader(t.Context()); next == leader {
		t.Errorf("%s still leads", next)
	}
}

// jobs are all Jobs of the namespace whose run is there.
func (sc *scene) jobs(ctx context.Context) ([]batchv1.Job, error) {
	var list batchv1.JobList
	err := sc.stage.Client.List(ctx, &list, client.InNamespace(stage.Namespace))
	return slices.DeleteFunc(list.Items, func(j batchv1.Job) bool { return j.DeletionTimestamp != nil }), err
}

// kill ends the controller's pod with this grace, and says which it was.
func (sc *scene) kill(seconds int64) string {
	sc.Helper()
	pods, err := sc.controllers(sc.Context())
	sc.must(err)
	if len(pods) != 1 {
		sc.Fatalf("there are %d controllers, want 1", len(pods))
	}
	sc.must(sc.stage.Client.Delete(sc.Context(), &pods[0], client.GracePeriodSeconds(seconds)))
	return pods[0].Name
}

// scale sets how many replicas of the controller there are and waits for them.
func (sc *scene) scale(replicas int32) {
	sc.Helper()
	sc.scaleIn(sc.Context(), replicas)
}

func (sc *scene) scaleIn(ctx context.Context, replicas int32) {
	sc.Helper()
	deployment := &appsv1.Deployment{ObjectMeta: named("sluice-controller")}
	patch := client.RawPatch("application/merge-patch+json", fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, replicas))
	sc.must(sc.stage.Client.Patch(ctx, deployment, patch))
	sc.must(stage.Await(ctx, patience, func(ctx context.Context) error {
		pods, err := sc.controllers(ctx)
		if err != nil {
			return err
		}
		if n := serving(pods); n != int(replicas) || len(pods) != n {
			return fmt.Errorf("%d of %d controllers are ready, want %d", n, len(pods), replicas)
		}
		return nil
	}))
}

// leader is the pod of the controller that works.
func (sc *scene) leader(ctx context.Context) string {
	sc.Helper()
	var leases coordinationv1.LeaseList
	sc.must(sc.stage.Client.List(ctx, &leases, client.InNamespace(stage.Namespace)))
	pods, err := sc.controllers(ctx)
	sc.must(err)
	for _, lease := range leases.Items {
		for _, p := range pods {
			if holder := lease.Spec.HolderIdentity; holder != nil && strings.HasPrefix(*holder, p.Name) {
				return p.Name
			}
		}
	}
	sc.Fatalf("no pod of the controller holds a lease: %d leases", len(leases.Items))
	return ""
}
