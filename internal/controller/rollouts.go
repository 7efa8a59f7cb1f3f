package controller

import (
	"context"
	"errors"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/cluster"
	"sluice.dev/sluice/internal/decide"
	"sluice.dev/sluice/internal/engine"
)

// rollouts passes Rollouts.
type rollouts struct {
	passes
	known names
}

// Reconcile is one pass of one Rollout.
func (r *rollouts) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	defer r.state.begin()()
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, passWithin)
	defer cancel()

	world := r.cluster.Rollout(request.NamespacedName)
	again, err := engine.Pass(ctx, world, decide.Rollout)
	if errors.Is(err, cluster.ErrGone) {
		r.gone(ctx, request.NamespacedName, "")
		return reconcile.Result{}, nil
	}
	if seen := world.Observed(); seen != nil {
		r.gone(ctx, request.NamespacedName, seen.UID)
		if saved := world.Saved(); saved != nil {
			r.meters.Saved(seen.Status.Duration, saved.Duration)
		}
	}
	result, err := outcome(ctx, []time.Time{again, world.Again()}, err)
	r.meters.Passed(api.KindRollout, request.NamespacedName, time.Since(began), err != nil)
	return result, err
}

// gone drops what is known about the object that had this name before uid.
func (r *rollouts) gone(ctx context.Context, name types.NamespacedName, uid types.UID) {
	if before := r.known.now(name, uid); before != "" {
		r.cluster.Deleted(ctx, name, before)
		r.cluster.Forget(before)
		r.meters.Gone(api.KindRollout, name)
	}
}

func addRollouts(mgr manager.Manager, r *rollouts, w *workloads, o Options) error {
	c, err := newController("rollout", mgr, r, o)
	if err != nil {
		return err
	}
	w.watch = c.Watch
	cached := mgr.GetCache()
	t := templates{cached: cached, wide: o.Scope.Namespace == "", of: func() client.ObjectList { return &api.RolloutList{} }}
	sources := []source.Source{
		source.Kind(cached, &api.Rollout{}, &handler.TypedEnqueueRequestForObject[*api.Rollout]{}, changed[*api.Rollout]()),
		source.Kind(cached, &appsv1.ReplicaSet{}, toController[*appsv1.ReplicaSet](api.KindRollout), changed[*appsv1.ReplicaSet]()),
		source.Kind(cached, &api.AnalysisRun{}, toController[*api.AnalysisRun](api.KindRollout), changed[*api.AnalysisRun]()),
		source.Kind(cached, &corev1.Service{}, handler.TypedEnqueueRequestsFromMapFunc(namers(cached)), changed[*corev1.Service]()),
		source.Kind(cached, &api.Experiment{}, toController[*api.Experiment](api.KindRollout), changed[*api.Experiment]()),
	}
	return watch(c, append(sources, t.sources()...))
}
