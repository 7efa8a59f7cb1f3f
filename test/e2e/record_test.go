package e2e

import (
	"context"
	"slices"
	"sync"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/test/stage"
)

// record notes what the pods went through: every size a revision was given, and the fewest pods
// that served at any time.
type record struct {
	mu      sync.Mutex
	sizes   map[string][]int32
	serving map[string]bool
	least   int
}

var shopPods = client.MatchingLabels{"app": "rollouts-demo"}

// record watches from now on until the test ends.
func (sc *scene) record() *record {
	sc.Helper()
	r := &record{sizes: map[string][]int32{}, serving: map[string]bool{}}
	var pods corev1.PodList
	var sets appsv1.ReplicaSetList
	sc.must(sc.stage.Client.List(sc.Context(), &pods, client.InNamespace(stage.Namespace), shopPods))
	sc.must(sc.stage.Client.List(sc.Context(), &sets, client.InNamespace(stage.Namespace), shopPods))
	for i := range pods.Items {
		r.serving[pods.Items[i].Name] = ready(&pods.Items[i])
	}
	r.least = r.count()
	for i := range sets.Items {
		r.resized(&sets.Items[i])
	}
	sc.follow(&corev1.PodList{}, pods.ResourceVersion, func(event watch.Event) { r.pod(event) })
	sc.follow(&appsv1.ReplicaSetList{}, sets.ResourceVersion, func(event watch.Event) {
		if rs, ok := event.Object.(*appsv1.ReplicaSet); ok && event.Type != watch.Deleted {
			r.resized(rs)
		}
	})
	return r
}

// follow calls note for every change of the shop's objects after a version. A watch that ends before
// the test has missed something.
func (sc *scene) follow(list client.ObjectList, version string, note func(watch.Event)) {
	sc.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	options := &client.ListOptions{Namespace: stage.Namespace, Raw: &metav1.ListOptions{ResourceVersion: version}}
	shopPods.ApplyToList(options)
	events, err := sc.stage.Client.Watch(ctx, list, options)
	sc.must(err)
	var busy sync.WaitGroup
	busy.Go(func() {
		for event := range events.ResultChan() {
			note(event)
		}
		if ctx.Err() == nil {
			sc.Error("the watch ended before its time")
		}
	})
	sc.Cleanup(func() {
		cancel()
		events.Stop()
		busy.Wait()
	})
}

func (r *record) pod(event watch.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p, ok := event.Object.(*corev1.Pod); ok {
		r.serving[p.Name] = ready(p) && event.Type != watch.Deleted
		r.least = min(r.least, r.count())
	}
}

func (r *record) count() (n int) {
	for _, serves := range r.serving {
		if serves {
			n++
		}
	}
	return n
}

func (r *record) resized(rs *appsv1.ReplicaSet) {
	r.mu.Lock()
	defer r.mu.Unlock()
	hash := rs.Labels[api.LabelPodTemplateHash]
	if known := r.sizes[hash]; len(known) == 0 || known[len(known)-1] != *rs.Spec.Replicas {
		r.sizes[hash] = append(known, *rs.Spec.Replicas)
	}
}

// of are the sizes of a revision, in order, without the nothing it begins with.
func (r *record) of(hash string) []int32 {
	r.mu.Lock()
	defer r.mu.Unlock()
	sizes := slices.Clone(r.sizes[hash])
	if len(sizes) > 0 && sizes[0] == 0 {
		sizes = sizes[1:]
	}
	return sizes
}

// rises checks that a canary began with one pod and grew, never shrinking, to all five. Between its
// steps it grows as fast as the surge allows, which depends on when pods come and go.
func (sc *scene) rises(sizes []int32) {
	sc.Helper()
	if len(sizes) == 0 || sizes[0] != 1 || sizes[len(sizes)-1] != 5 || !slices.IsSorted(sizes) {
		sc.Errorf("the sizes of the canary were %v, want 1 at first, then more and more up to 5", sizes)
	}
}

// fewest is how many pods served when it were fewest.
func (r *record) fewest() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.least
}
