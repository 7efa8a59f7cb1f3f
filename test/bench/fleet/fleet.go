package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/config/crd"
)

const namespace = "fleet"

// senders is how many requests this program has under way at once. It is a client like any other, and
// with more it would measure the queue in front of the API server.
const senders = 8

// fleet is the Rollouts, and what stands in for the ReplicaSet controller and the nodes.
type fleet struct {
	client  client.WithWatch
	size    int
	stop    context.CancelFunc
	pending sync.WaitGroup
}

func newFleet(ctx context.Context, config *rest.Config, size int) (*fleet, error) {
	if err := crd.Install(ctx, config); err != nil {
		return nil, err
	}
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, api.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, fmt.Errorf("registering kinds: %w", err)
		}
	}
	c, err := client.NewWithWatch(config, client.Options{Scheme: scheme})
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	if err := c.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}); err != nil {
		return nil, fmt.Errorf("making a namespace: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	f := &fleet{client: c, size: size}
	f.stop = func() { cancel(); f.pending.Wait() }
	if err := f.serve(ctx); err != nil {
		cancel()
		return nil, err
	}
	return f, nil
}

// serve makes every ReplicaSet what it wants to be, as soon as it wants it.
func (f *fleet) serve(ctx context.Context) error {
	events, err := f.client.Watch(ctx, &appsv1.ReplicaSetList{}, client.InNamespace(namespace))
	if err != nil {
		return fmt.Errorf("watching ReplicaSets: %w", err)
	}
	for range senders {
		f.pending.Go(func() {
			for event := range events.ResultChan() {
				if rs, ok := event.Object.(*appsv1.ReplicaSet); ok && ctx.Err() == nil {
					f.satisfy(ctx, rs)
				}
			}
		})
	}
	f.pending.Go(func() { <-ctx.Done(); events.Stop() })
	return nil
}

// satisfy says that a ReplicaSet has what it wants. That somebody else has changed it meanwhile is no
// matter: another event is on its way.
func (f *fleet) satisfy(ctx context.Context, rs *appsv1.ReplicaSet) {
	wants := *rs.Spec.Replicas
	if rs.Status.ObservedGeneration == rs.Generation && rs.Status.AvailableReplicas == wants {
		return
	}
	patch := fmt.Sprintf(`{"metadata":{"resourceVersion":%q},"status":{"observedGeneration":%d,"replicas":%d,"readyReplicas":%[3]d,"availableReplicas":%[3]d}}`,
		rs.ResourceVersion, rs.Generation, wants)
	_ = f.client.Status().Patch(ctx, rs.DeepCopy(), client.RawPatch(types.MergePatchType, []byte(patch)))
}

func (f *fleet) rollout(n int) *api.Rollout {
	labels := map[string]string{"app": name(n)}
	seconds := intstr.FromInt32(1)
	return &api.Rollout{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name(n)},
		Spec: api.RolloutSpec{
			Replicas: new(int32(2)),
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "shop", Image: "shop:1"}}},
			},
			Strategy: api.RolloutStrategy{Canary: &api.CanaryStrategy{
				Steps: []api.CanaryStep{{Pause: &api.RolloutPause{Duration: &seconds}}},
			}},
		},
	}
}

func name(n int) string { return fmt.Sprintf("shop-%03d", n) }

// deploy brings the first version of all up.
func (f *fleet) deploy(ctx context.Context) error {
	if err := f.each(func(n int) error { return f.client.Create(ctx, f.rollout(n)) }); err != nil {
		return err
	}
	return f.allHealthy(ctx, "1")
}

// update gives all of them a new version, as fast as the API server takes it.
func (f *fleet) update(ctx context.Context) error {
	err := f.each(func(n int) error {
		ro := &api.Rollout{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name(n)}}
		return f.client.Patch(ctx, ro, client.RawPatch(types.JSONPatchType,
			[]byte(`[{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"shop:2"}]`)))
	})
	if err != nil {
		return err
	}
	return f.allHealthy(ctx, "2")
}

// each does something for every Rollout, several at a time.
func (f *fleet) each(do func(n int) error) error {
	numbers, errs := make(chan int), make(chan error, senders)
	for range senders {
		go func() {
			var failed error
			for n := range numbers {
				if err := do(n); err != nil && failed == nil {
					failed = fmt.Errorf("%s: %w", name(n), err)
				}
			}
			errs <- failed
		}()
	}
	for n := range f.size {
		numbers <- n
	}
	close(numbers)
	var failed error
	for range senders {
		if err := <-errs; err != nil {
			failed = err
		}
	}
	return failed
}

// allHealthy waits until every Rollout is Healthy at this revision. It watches: asking again and again
// would be work for the API server that belongs to nobody.
func (f *fleet) allHealthy(ctx context.Context, revision string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	var list api.RolloutList
	if err := f.client.List(ctx, &list, client.InNamespace(namespace)); err != nil {
		return fmt.Errorf("listing: %w", err)
	}
	left := map[string]bool{}
	note := func(ro *api.Rollout) {
		if healthy(ro, revision) {
			delete(left, ro.Name)
		} else {
			left[ro.Name] = true
		}
	}
	for i := range list.Items {
		note(&list.Items[i])
	}
	events, err := f.client.Watch(ctx, &api.RolloutList{}, client.InNamespace(namespace),
		&client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: list.ResourceVersion}})
	if err != nil {
		return fmt.Errorf("watching: %w", err)
	}
	defer events.Stop()
	for len(left) > 0 {
		event, open := <-events.ResultChan()
		if !open {
			return fmt.Errorf("the watch ended with %d of %d Rollouts unfinished", len(left), f.size)
		}
		if ro, ok := event.Object.(*api.Rollout); ok {
			note(ro)
		}
	}
	return nil
}

func healthy(ro *api.Rollout, revision string) bool {
	return ro.Status.Phase == api.RolloutPhaseHealthy && ro.Annotations[api.AnnotationRevision] == revision &&
		ro.Status.ObservedGeneration == fmt.Sprint(ro.Generation)
}
