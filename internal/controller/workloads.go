package controller

import (
	"context"
	"fmt"
	"sync"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/cluster"
)

// workloads reads the objects that Rollouts take their templates from. A kind is watched from the first time
// that one of it is asked for: where nobody refers to a Deployment none is cached.
type workloads struct {
	cached   cache.Cache
	scheme   *runtime.Scheme
	rollouts client.Reader
	// watch adds a source to the controller of Rollouts.
	watch   func(source.Source) error
	mu      sync.Mutex
	watched map[schema.GroupVersionKind]bool
}

// newWorkloads adds a cache of its own to the manager, which starts empty.
func newWorkloads(mgr manager.Manager, s cluster.Scope) (*workloads, error) {
	options, err := cluster.WorkloadCaches(mgr.GetScheme(), s)
	if err != nil {
		return nil, err
	}
	options.Mapper, options.HTTPClient = mgr.GetRESTMapper(), mgr.GetHTTPClient()
	cached, err := cache.New(mgr.GetConfig(), options)
	if err != nil {
		return nil, fmt.Errorf("preparing the cache of workloads: %w", err)
	}
	if err := mgr.Add(sideCache{cached}); err != nil {
		return nil, fmt.Errorf("adding the cache of workloads: %w", err)
	}
	return &workloads{cached: cached, scheme: mgr.GetScheme(), rollouts: mgr.GetCache()}, nil
}

// Get implements client.Reader.
func (w *workloads) Get(ctx context.Context, key client.ObjectKey, into client.Object, options ...client.GetOption) error {
	kind, err := apiutil.GVKForObject(into, w.scheme)
	if err != nil {
		return fmt.Errorf("reading %s from the cache: %w", key, err)
	}
	if err := w.attend(kind); err != nil {
		return err
	}
	return w.cached.Get(ctx, key, into, options...)
}

// List implements client.Reader.
func (w *workloads) List(ctx context.Context, into client.ObjectList, options ...client.ListOption) error {
	return w.cached.List(ctx, into, options...)
}

// attend has the Rollouts passed whenever the object of this kind that they refer to changes.
func (w *workloads) attend(kind schema.GroupVersionKind) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	object := cluster.Workload(kind)
	if w.watched[kind] || object == nil {
		return nil
	}
	users := handler.TypedEnqueueRequestsFromMapFunc(func(ctx context.Context, o client.Object) []reconcile.Request {
		return w.users(ctx, kind.Kind, o)
	})
	if err := w.watch(source.Kind(w.cached, object, users, predicate.TypedResourceVersionChangedPredicate[client.Object]{})); err != nil {
		return fmt.Errorf("watching %s: %w", kind.Kind, err)
	}
	if w.watched == nil {
		w.watched = map[schema.GroupVersionKind]bool{}
	}
	w.watched[kind] = true
	return nil
}

// users finds the Rollouts that refer to an object.
func (w *workloads) users(ctx context.Context, kind string, o client.Object) []reconcile.Request {
	var list api.RolloutList
	err := w.rollouts.List(ctx, &list, client.InNamespace(o.GetNamespace()),
		client.MatchingFields{cluster.IndexWorkload: cluster.WorkloadIndexKey(kind, o.GetName())})
	if err != nil {
		return nil // the cache is ending
	}
	return requests(list.Items)
}
