package controller

import (
	"context"
	"errors"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/cluster"
)

// services gives Services back that no Rollout names any more.
type services struct {
	passes
	cached cache.Cache
	known  names
}

// Reconcile looks at one Service.
func (s *services) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	defer s.state.begin()()
	ctx, cancel := context.WithTimeout(ctx, passWithin)
	defer cancel()

	uid, err := s.cluster.ReleaseService(ctx, request.NamespacedName)
	if before := s.known.now(request.NamespacedName, uid); before != "" {
		s.cluster.Forget(before)
	}
	if errors.Is(err, cluster.ErrGone) {
		return reconcile.Result{}, nil
	}
	return outcome(ctx, []time.Time{}, err)
}

// managedBy finds the Services that say that a Rollout manages them.
func (s *services) managedBy(ctx context.Context, rollout *api.Rollout) []reconcile.Request {
	var list corev1.ServiceList
	err := s.cached.List(ctx, &list, client.InNamespace(rollout.Namespace), client.MatchingFields{cluster.IndexManager: rollout.Name})
	if err != nil {
		return nil // the cache is ending
	}
	return requests(list.Items)
}

// managed picks the Services that somebody is said to manage, or was until now.
func managed() predicate.TypedPredicate[*corev1.Service] {
	is := func(service *corev1.Service) bool { return service.Annotations[api.AnnotationManagedBy] != "" }
	p := predicate.NewTypedPredicateFuncs(is)
	p.UpdateFunc = func(e event.TypedUpdateEvent[*corev1.Service]) bool { return is(e.ObjectOld) || is(e.ObjectNew) }
	return p
}

func addServices(mgr manager.Manager, s *services, o Options) error {
	c, err := newController("service", mgr, s, o)
	if err != nil {
		return err
	}
	return watch(c, []source.Source{
		source.Kind(s.cached, &corev1.Service{}, &handler.TypedEnqueueRequestForObject[*corev1.Service]{}, changed[*corev1.Service](), managed()),
		// Its generation changes when it names other Services, and when it is being deleted.
		source.Kind(s.cached, &api.Rollout{}, handler.TypedEnqueueRequestsFromMapFunc(s.managedBy), predicate.TypedGenerationChangedPredicate[*api.Rollout]{}),
	})
}

// namers finds the Rollouts that name a Service, and the one that is said to manage it: it keeps pods behind it
// until it is given back.
func namers(cached client.Reader) handler.TypedMapFunc[*corev1.Service, reconcile.Request] {
	return func(ctx context.Context, service *corev1.Service) []reconcile.Request {
		var list api.RolloutList
		err := cached.List(ctx, &list, client.InNamespace(service.Namespace), client.MatchingFields{cluster.IndexService: service.Name})
		if err != nil {
			return nil // the cache is ending
		}
		all := requests(list.Items)
		if by := service.Annotations[api.AnnotationManagedBy]; by != "" {
			all = append(all, reconcile.Request{NamespacedName: types.NamespacedName{Namespace: service.Namespace, Name: by}})
		}
		return all
	}
}

func requests[T any, P interface {
	*T
	client.Object
}](items []T) []reconcile.Request {
	var all []reconcile.Request
	for i := range items {
		o := P(&items[i])
		all = append(all, reconcile.Request{NamespacedName: types.NamespacedName{Namespace: o.GetNamespace(), Name: o.GetName()}})
	}
	return all
}
