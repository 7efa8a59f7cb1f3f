package controller

import (
	"context"
	"errors"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/cache"
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

// taker takes measurements outside the passes that decide about them.
type taker interface {
	Want(of *api.AnalysisRun, due []decide.Due)
	Samples(uid types.UID) []decide.Taken
	Saved(of *api.AnalysisRun)
	Forget(uid types.UID)
}

// runs passes AnalysisRuns.
type runs struct {
	passes
	taker taker
	known names
}

// Reconcile is one pass of one AnalysisRun.
func (r *runs) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	defer r.state.begin()()
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, passWithin)
	defer cancel()

	world := r.cluster.Analysis(request.NamespacedName, r.taker.Samples)
	again, err := engine.Pass(ctx, world, decide.Analysis)
	if errors.Is(err, cluster.ErrGone) {
		r.gone(request.NamespacedName, "")
		return reconcile.Result{}, nil
	}
	if seen := world.Observed(); seen != nil {
		r.gone(request.NamespacedName, seen.UID)
	}
	if errors.Is(err, cluster.ErrLeft) {
		return reconcile.Result{}, nil
	}
	r.measure(world, err)
	result, err := outcome(ctx, []time.Time{again, world.Again()}, err)
	r.meters.Passed(api.KindAnalysisRun, request.NamespacedName, time.Since(began), err != nil)
	return result, err
}

// measure lets what is due be taken, by the status that is on the server now. A pass that could not
// save knows nothing about that.
func (r *runs) measure(world *cluster.AnalysisWorld, err error) {
	switch {
	case world.Saved() != nil:
		r.taker.Saved(world.Saved())
		r.taker.Want(world.Saved(), decide.Reads(world.Saved()))
	case err == nil:
		r.taker.Want(world.Observed(), decide.Reads(world.Observed()))
	}
}

// gone drops what is known about the object that had this name before uid.
func (r *runs) gone(name types.NamespacedName, uid types.UID) {
	if before := r.known.now(name, uid); before != "" {
		r.cluster.Forget(before)
		r.taker.Forget(before)
		r.meters.Gone(api.KindAnalysisRun, name)
	}
}

// freed are the runs that may get the place of a load test whose Job has changed, as it does when it ends.
func (r *runs) freed(job client.Object) []reconcile.Request {
	if job.GetLabels()[api.LabelLoadTest] == "" {
		return nil
	}
	var requests []reconcile.Request
	for _, name := range r.cluster.LoadsWaiting() {
		requests = append(requests, reconcile.Request{NamespacedName: name})
	}
	return requests
}

// runSources are what AnalysisRuns are passed for, besides themselves.
type runSources struct {
	jobs cache.Cache
	bell *bell
}

func addRuns(mgr manager.Manager, r *runs, from runSources, o Options) error {
	c, err := newController("analysisrun", mgr, r, o)
	if err != nil {
		return err
	}
	cached := mgr.GetCache()
	// Pods belong to Jobs, which belong to runs: the label leads straight to the run.
	byLabel := func(ctx context.Context, o client.Object) []reconcile.Request {
		var list api.AnalysisRunList
		err := cached.List(ctx, &list, client.InNamespace(o.GetNamespace()),
			client.MatchingFields{cluster.IndexUID: o.GetLabels()[api.LabelAnalysisRunUID]})
		if err != nil || len(list.Items) == 0 {
			return nil
		}
		return []reconcile.Request{{NamespacedName: client.ObjectKeyFromObject(&list.Items[0])}}
	}
	ended := func(ctx context.Context, o client.Object) []reconcile.Request {
		return append(byLabel(ctx, o), r.freed(o)...)
	}
	return watch(c, []source.Source{
		source.Kind(cached, &api.AnalysisRun{}, &handler.TypedEnqueueRequestForObject[*api.AnalysisRun]{}, changed[*api.AnalysisRun]()),
		source.Kind(from.jobs, client.Object(&batchv1.Job{}), handler.TypedEnqueueRequestsFromMapFunc(ended), changed[client.Object]()),
		source.Kind(from.jobs, client.Object(&corev1.Pod{}), handler.TypedEnqueueRequestsFromMapFunc(byLabel), changed[client.Object]()),
		from.bell.source(),
	})
}
