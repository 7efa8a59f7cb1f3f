package cluster

import (
	"context"
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
)

// AnalysisWorld is the world of one pass of one AnalysisRun.
type AnalysisWorld struct {
	cluster *Cluster
	key     types.NamespacedName
	samples func(types.UID) []decide.Taken

	run     *api.AnalysisRun // as observed; shared with the cache
	version string           // of the run, after our own writes of this pass
	saved   *api.AnalysisRunStatus
	jobs    map[string]*batchv1.Job // by name; shared with the cache
	jobPods map[string]*corev1.Pod  // of the Jobs, by name; shared with the cache
	again   time.Time
}

// Analysis returns the world of one pass. samples returns what was measured since the last save.
func (c *Cluster) Analysis(key types.NamespacedName, samples func(types.UID) []decide.Taken) *AnalysisWorld {
	return &AnalysisWorld{cluster: c, key: key, samples: samples}
}

// Observed is the run the pass saw, nil when there is none.
func (w *AnalysisWorld) Observed() *api.AnalysisRun { return w.run }

// Saved is the run with the status this pass has written, nil when it has written none.
func (w *AnalysisWorld) Saved() *api.AnalysisRun {
	if w.saved == nil {
		return nil
	}
	run := *w.run
	run.ResourceVersion = w.version
	run.Status = *w.saved
	return &run
}

// Again is when to look again although no watched object changes; zero when never.
func (w *AnalysisWorld) Again() time.Time { return w.again }

// Observe implements engine.World.
func (w *AnalysisWorld) Observe(ctx context.Context) (decide.AnalysisInput, error) {
	c := w.cluster
	run := &api.AnalysisRun{}
	if err := c.Cached.Get(ctx, w.key, run); err != nil {
		if apierrors.IsNotFound(err) {
			return decide.AnalysisInput{}, ErrGone
		}
		return decide.AnalysisInput{}, fmt.Errorf("reading analysis run %s from the cache: %w", w.key, err)
	}
	w.run, w.version = run, run.ResourceVersion
	if !run.DeletionTimestamp.IsZero() {
		return decide.AnalysisInput{}, ErrGone
	}
	if err := c.caughtUp(ctx, run.UID); err != nil {
		return decide.AnalysisInput{}, err
	}
	in := decide.AnalysisInput{Run: run.DeepCopy(), Samples: w.samples(run.UID), Now: time.Now()}
	var err error
	if in.Jobs, err = w.observeJobs(ctx, in.Now); err != nil {
		return decide.AnalysisInput{}, err
	}
	if in.Invalid, err = w.examine(ctx); err != nil {
		return decide.AnalysisInput{}, err
	}
	return in, nil
}

// Same implements engine.World.
func (w *AnalysisWorld) Same(status api.AnalysisRunStatus) bool {
	return equality.Semantic.DeepEqual(w.run.Status, status)
}

// Save implements engine.World. AnalysisRuns have no status subresource: the status is a field of
// the object like any other.
func (w *AnalysisWorld) Save(ctx context.Context, status api.AnalysisRunStatus) error {
	version, err := w.cluster.saveStatus(ctx, w.self(), &w.run.Status, &status)
	if err != nil {
		return err
	}
	w.version, w.saved = version, &status
	return nil
}

// Tell implements engine.World.
func (w *AnalysisWorld) Tell(events []decide.Event) {
	w.cluster.Events.Tell(corev1.ObjectReference{
		APIVersion:      runKind.GroupVersion().String(),
		Kind:            runKind.Kind,
		Namespace:       w.run.Namespace,
		Name:            w.run.Name,
		UID:             w.run.UID,
		ResourceVersion: w.version,
	}, events)
}

// Act implements engine.World.
func (w *AnalysisWorld) Act(ctx context.Context, action decide.Action) error {
	switch a := action.(type) {
	case decide.JobExists:
		return w.createJob(ctx, a)
	case decide.LoadStarts:
		return w.tellStart(ctx, a)
	case decide.JobGone:
		return w.removeJob(ctx, a)
	case decide.RunGone:
		return w.cluster.remove(ctx, w.self(), w.run.UID, metav1.DeletePropagationBackground)
	}
	return fmt.Errorf("an analysis run's pass cannot carry out %T", action)
}

func (w *AnalysisWorld) self() target {
	return target{
		ref:     ref{kind: runKind, namespace: w.run.Namespace, name: w.run.Name},
		version: w.version,
		owner:   w.run.UID,
	}
}
