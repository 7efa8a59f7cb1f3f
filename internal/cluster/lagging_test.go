package cluster

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
)

// lagging is a cache that shows what the server had when it last caught up.
type lagging struct {
	live client.Client
	mu   sync.Mutex
	sets appsv1.ReplicaSetList
	runs api.AnalysisRunList
	jobs batchv1.JobList
	pods corev1.PodList
	all  api.RolloutList
	svcs corev1.ServiceList
}

func (l *lagging) catchUp(t *testing.T, namespace string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, list := range []client.ObjectList{&l.sets, &l.runs, &l.jobs, &l.pods, &l.all, &l.svcs} {
		if err := l.live.List(t.Context(), list, client.InNamespace(namespace)); err != nil {
			t.Fatal(err)
		}
	}
}

// Get implements client.Reader.
func (l *lagging) Get(_ context.Context, key client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch into := into.(type) {
	case *api.Rollout:
		return pick(l.all.Items, key, into)
	case *api.AnalysisRun:
		return pick(l.runs.Items, key, into)
	case *appsv1.ReplicaSet:
		return pick(l.sets.Items, key, into)
	case *corev1.Pod:
		return pick(l.pods.Items, key, into)
	case *corev1.Service:
		return pick(l.svcs.Items, key, into)
	case *batchv1.Job:
		return pick(l.jobs.Items, key, into)
	}
	return apierrors.NewNotFound(api.Resource(fmt.Sprintf("%T", into)), key.Name)
}

func pick[T any, P interface {
	*T
	client.Object
}](items []T, key client.ObjectKey, into P) error {
	for i := range items {
		if client.ObjectKeyFromObject(P(&items[i])) == key {
			*into = items[i]
			return nil
		}
	}
	return apierrors.NewNotFound(api.Resource("object"), key.Name)
}

// List implements client.Reader; it knows the indexes.
func (l *lagging) List(_ context.Context, into client.ObjectList, options ...client.ListOption) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var o client.ListOptions
	o.ApplyOptions(options)
	matches := func(object client.Object) bool {
		if o.FieldSelector == nil {
			return true
		}
		for _, r := range o.FieldSelector.Requirements() {
			key := map[string]client.IndexerFunc{IndexOwner: controllerUID, IndexRun: measuredFor, IndexService: servicesOf, IndexManager: managerOf}[r.Field]
			if !slices.Contains(key(object), r.Value) {
				return false
			}
		}
		return true
	}
	switch into := into.(type) {
	case *appsv1.ReplicaSetList:
		into.Items = filter(l.sets.Items, matches)
	case *api.AnalysisRunList:
		into.Items = filter(l.runs.Items, matches)
	case *batchv1.JobList:
		into.Items = filter(l.jobs.Items, matches)
	case *api.RolloutList:
		into.Items = filter(l.all.Items, matches)
	case *corev1.ServiceList:
		into.Items = filter(l.svcs.Items, matches)
	case *corev1.PodList:
		into.Items = filter(l.pods.Items, matches)
	case *api.ExperimentList:
		into.Items = nil // these Rollouts have none
	default:
		return fmt.Errorf("no list of %T", into)
	}
	return nil
}

func filter[T any, P interface {
	*T
	client.Object
}](items []T, keep func(client.Object) bool) []T {
	var kept []T
	for i := range items {
		if keep(P(&items[i])) {
			kept = append(kept, items[i])
		}
	}
	return kept
}

// forgetRollout makes the cache not know a rollout.
func (l *lagging) forgetRollout(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all.Items = slices.DeleteFunc(l.all.Items, func(r api.Rollout) bool { return r.Name == name })
}
