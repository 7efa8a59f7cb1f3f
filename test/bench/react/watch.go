package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/test/stage"
)

// sightings are when the API server told of each part of a reaction; zero is not yet.
type sightings struct {
	judged  time.Time // an AnalysisRun Failed
	aborted time.Time // the Rollout is aborted
	grown   time.Time // the stable ReplicaSet wants more pods
	scaled  time.Time // the canary's ReplicaSet wants fewer pods
}

func (s sightings) complete() bool {
	return !s.judged.IsZero() && !s.aborted.IsZero() && !s.grown.IsZero() && !s.scaled.IsZero()
}

// watcher follows the API server's own account of what is written. It keeps the first sighting of
// each part since begin.
type watcher struct {
	mu       sync.Mutex
	now      sightings
	done     chan struct{}      // closed when now is complete
	failed   map[types.UID]bool // names are used again once a run is deleted
	aborted  bool
	replicas map[string]int32
	err      error
}

func newWatcher() *watcher {
	return &watcher{failed: map[types.UID]bool{}, replicas: map[string]int32{}, done: make(chan struct{})}
}

// begin forgets earlier sightings; the channel is closed when there is one of everything, or when
// the watch broke.
func (w *watcher) begin() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now, w.done = sightings{}, make(chan struct{})
	if w.err != nil {
		close(w.done)
	}
	return w.done
}

func (w *watcher) seen() (sightings, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now, w.err
}

// follow watches until ctx ends.
func (w *watcher) follow(ctx context.Context, c client.WithWatch) error {
	for _, list := range []client.ObjectList{&appsv1.ReplicaSetList{}, &api.AnalysisRunList{}, &api.RolloutList{}} {
		events, err := c.Watch(ctx, list, client.InNamespace(stage.Namespace))
		if err != nil {
			return fmt.Errorf("watching %T: %w", list, err)
		}
		go func() {
			for event := range events.ResultChan() {
				w.hear(event, time.Now())
			}
			w.broke(fmt.Errorf("the watch of %T ended", list))
		}()
	}
	return nil
}

func (w *watcher) broke(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = err
		if !w.now.complete() {
			close(w.done)
		}
	}
}

func (w *watcher) hear(event watch.Event, at time.Time) {
	if event.Type != watch.Added && event.Type != watch.Modified {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	before := w.now.complete()
	w.take(event.Object, at)
	if !before && w.now.complete() && w.err == nil {
		close(w.done)
	}
}

func (w *watcher) take(object runtime.Object, at time.Time) {
	switch o := object.(type) {
	case *api.AnalysisRun:
		if o.Status.Phase == api.AnalysisPhaseFailed && !w.failed[o.UID] {
			w.failed[o.UID] = true
			first(&w.now.judged, at)
		}
	case *api.Rollout:
		if o.Status.Abort && !w.aborted {
			first(&w.now.aborted, at)
		}
		w.aborted = o.Status.Abort
	case *appsv1.ReplicaSet:
		// Only the canary shrinks in a rollback: the stable side grows.
		switch before := w.replicas[o.Name]; {
		case *o.Spec.Replicas > before:
			first(&w.now.grown, at)
		case *o.Spec.Replicas < before:
			first(&w.now.scaled, at)
		}
		w.replicas[o.Name] = *o.Spec.Replicas
	}
}

func first(t *time.Time, at time.Time) {
	if t.IsZero() {
		*t = at
	}
}
