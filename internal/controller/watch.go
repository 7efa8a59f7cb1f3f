package controller

import (
	"context"
	"fmt"
	"sync"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrl "sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/cluster"
	"sluice.dev/sluice/internal/decide"
)

const defaultWorkers = 10

func newController(name string, mgr manager.Manager, r reconcile.Reconciler, o Options) (ctrl.Controller, error) {
	workers := o.Workers
	if workers <= 0 {
		workers = defaultWorkers
	}
	var (
		no, yes = false, true
	)
	c, err := ctrl.New(name, mgr, ctrl.Options{
		Reconciler:              r,
		MaxConcurrentReconciles: workers,
		RateLimiter:             backOff(),
		UsePriorityQueue:        &no,  // what was listed at start is as urgent as what changed since
		EnableWarmup:            &yes, // a follower knows the world already when it takes over
		SkipNameValidation:      &yes, // several controllers in one process are separate
	})
	if err != nil {
		return nil, fmt.Errorf("preparing the %s controller: %w", name, err)
	}
	return c, nil
}

func watch(c ctrl.Controller, sources []source.Source) error {
	for _, s := range sources {
		if err := c.Watch(s); err != nil {
			return fmt.Errorf("adding a watch: %w", err)
		}
	}
	return nil
}

// changed ignores repetitions of what was seen already.
func changed[T client.Object]() predicate.TypedPredicate[T] {
	return predicate.TypedResourceVersionChangedPredicate[T]{}
}

// toController maps an object to the one of our API that controls it.
func toController[T client.Object](kind string) handler.TypedEventHandler[T, reconcile.Request] {
	return handler.TypedEnqueueRequestsFromMapFunc(func(_ context.Context, o T) []reconcile.Request {
		owner := metav1.GetControllerOfNoCopy(o)
		if owner == nil || owner.Kind != kind || owner.APIVersion != api.SchemeGroupVersion.String() {
			return nil
		}
		return []reconcile.Request{{NamespacedName: types.NamespacedName{Namespace: o.GetNamespace(), Name: owner.Name}}}
	})
}

// templates finds the Rollouts or Experiments that use a template, directly or through other templates.
type templates struct {
	cached cache.Cache
	// wide says that ClusterAnalysisTemplates are looked at.
	wide bool
	// of makes an empty list of the kind that uses them.
	of func() client.ObjectList
}

// sources are the changes of templates, each of which is passed on to their users.
func (t templates) sources() []source.Source {
	all := []source.Source{
		source.Kind(t.cached, &api.AnalysisTemplate{}, handler.TypedEnqueueRequestsFromMapFunc(t.users), changed[*api.AnalysisTemplate]()),
	}
	if t.wide {
		all = append(all, source.Kind(t.cached, &api.ClusterAnalysisTemplate{},
			handler.TypedEnqueueRequestsFromMapFunc(t.clusterUsers), changed[*api.ClusterAnalysisTemplate]()))
	}
	return all
}

func (t templates) users(ctx context.Context, o *api.AnalysisTemplate) []reconcile.Request {
	return t.find(ctx, o.Namespace, decide.TemplateKey{Name: o.Name})
}

func (t templates) clusterUsers(ctx context.Context, o *api.ClusterAnalysisTemplate) []reconcile.Request {
	return t.find(ctx, "", decide.TemplateKey{Name: o.Name, Cluster: true})
}

// place is a template as seen from one namespace; "" = from all.
type place struct {
	namespace string
	key       decide.TemplateKey
}

func (t templates) find(ctx context.Context, namespace string, key decide.TemplateKey) []reconcile.Request {
	visited, found := map[place]bool{}, map[reconcile.Request]bool{}
	var requests []reconcile.Request
	for next := []place{{namespace, key}}; len(next) > 0; next = next[1:] {
		at := next[0]
		if visited[at] {
			continue
		}
		visited[at] = true
		by := []client.ListOption{
			client.InNamespace(at.namespace),
			client.MatchingFields{cluster.IndexTemplate: cluster.TemplateIndexKey(at.key)},
		}
		users := t.of()
		if err := t.cached.List(ctx, users, by...); err != nil {
			continue // the cache is ending
		}
		_ = meta.EachListItem(users, func(o runtime.Object) error {
			user, ok := o.(client.Object)
			if !ok {
				return nil
			}
			if request := (reconcile.Request{NamespacedName: client.ObjectKeyFromObject(user)}); !found[request] {
				found[request] = true
				requests = append(requests, request)
			}
			return nil
		})
		next = append(next, t.including(ctx, at, by)...)
	}
	return requests
}

// including lists the templates that include the one at a place. A ClusterAnalysisTemplate may name a
// namespaced one too: it is then that of the Rollout's namespace.
func (t templates) including(ctx context.Context, at place, by []client.ListOption) []place {
	var places []place
	var list api.AnalysisTemplateList
	if err := t.cached.List(ctx, &list, by...); err == nil {
		for _, template := range list.Items {
			places = append(places, place{template.Namespace, decide.TemplateKey{Name: template.Name}})
		}
	}
	if !t.wide {
		return places
	}
	var wide api.ClusterAnalysisTemplateList
	if err := t.cached.List(ctx, &wide, client.MatchingFields{cluster.IndexTemplate: cluster.TemplateIndexKey(at.key)}); err == nil {
		for _, template := range wide.Items {
			places = append(places, place{at.namespace, decide.TemplateKey{Name: template.Name, Cluster: true}})
		}
	}
	return places
}

// bell puts runs whose samples have arrived into the queue, at once.
type bell struct {
	mu    sync.Mutex
	queue workqueue.TypedRateLimitingInterface[reconcile.Request]
}

// ring never blocks.
func (b *bell) ring(run types.NamespacedName) {
	b.mu.Lock()
	queue := b.queue
	b.mu.Unlock()
	if queue != nil {
		queue.Add(reconcile.Request{NamespacedName: run})
	}
}

// source hands the bell its queue.
func (b *bell) source() source.Source {
	return source.Func(func(_ context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.queue = queue
		return nil
	})
}
