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

// experiments passes Experiments.
type experiments struct {
	passes
	known names
}

// Reconcile is one pass of one Experiment.
func (r *experiments) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	defer r.state.begin()()
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, passWithin)
	defer cancel()

	world := r.cluster.Experiment(request.NamespacedName)
	again, err := engine.Pass(ctx, world, decide.Experiment)
	if errors.Is(err, cluster.ErrGone) {
		r.gone(request.NamespacedName, "")
		return reconcile.Result{}, nil
	}
	if seen := world.Observed(); seen != nil {
		r.gone(request.NamespacedName, seen.UID)
	}
	result, err := outcome(ctx, []time.Time{again, world.Again()}, err)
	r.meters.Passed(api.KindExperiment, request.NamespacedName, time.Since(began), err != nil)
	return result, err
}

// gone drops what is known about the object that had this name before uid.
func (r *experiments) gone(name types.NamespacedName, uid types.UID) {
	if before := r.known.now(name, uid); before != "" {
		r.cluster.Forget(before)
		r.meters.Gone(api.KindExperiment, name)
	}
}

func addExperiments(mgr manager.Manager, r *experiments, o Options) error {
	c, err := newController("experiment", mgr, r, o)
	if err != nil {
		return err
	}
	cached := mgr.GetCache()
	t := templates{cached: cached, wide: o.Scope.Namespace == "", of: func() client.ObjectList { return &api.ExperimentList{} }}
	sources := []source.Source{
		source.Kind(cached, &api.Experiment{}, &handler.TypedEnqueueRequestForObject[*api.Experiment]{}, changed[*api.Experiment]()),
		source.Kind(cached, &appsv1.ReplicaSet{}, toController[*appsv1.ReplicaSet](api.KindExperiment), changed[*appsv1.ReplicaSet]()),
		source.Kind(cached, &corev1.Service{}, toController[*corev1.Service](api.KindExperiment), changed[*corev1.Service]()),
		source.Kind(cached, &api.AnalysisRun{}, toController[*api.AnalysisRun](api.KindExperiment), changed[*api.AnalysisRun]()),
	}
	return watch(c, append(sources, t.sources()...))
}
