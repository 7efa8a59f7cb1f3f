package cluster

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
)

// RolloutWorld is the world of one pass of one Rollout.
type RolloutWorld struct {
	cluster *Cluster
	key     types.NamespacedName

	rollout     *api.Rollout                  // as observed; shared with the cache, but for what workload adds
	workload    client.Object                 // that the template is of; shared with its cache, nil when there is none
	version     string                        // of the Rollout, after our own writes of this pass
	replicaSets map[string]*appsv1.ReplicaSet // by name; shared with the cache or created by this pass
	written     map[string]*appsv1.ReplicaSet // by name: as the server answered this pass's last write
	pods        map[string]*corev1.Pod        // by name; shared with the cache, only where decide needs them
	runs        map[string]*api.AnalysisRun   // by name; shared with the cache
	experiments map[string]*api.Experiment    // by name; shared with the cache
	services    map[string]*corev1.Service    // by name; those the Rollout names, shared with the cache or as this pass left them
	saved       *api.RolloutStatus
	again       time.Time // when something outside the caches is to be asked again
}

// Rollout returns the world of one pass.
func (c *Cluster) Rollout(key types.NamespacedName) *RolloutWorld {
	return &RolloutWorld{cluster: c, key: key}
}

// Observed is the Rollout the pass saw, nil when there is none.
func (w *RolloutWorld) Observed() *api.Rollout { return w.rollout }

// Saved is the status this pass has written, nil when it has written none.
func (w *RolloutWorld) Saved() *api.RolloutStatus { return w.saved }

// Again is when to look again although no watched object changes; zero when never.
func (w *RolloutWorld) Again() time.Time { return w.again }

// Observe gathers what decide looks at. It never writes.
func (w *RolloutWorld) Observe(ctx context.Context) (decide.RolloutInput, error) {
	if err := w.find(ctx); err != nil {
		return decide.RolloutInput{}, err
	}
	var observed decide.Observed
	var err error
	if observed.Workload, err = w.observeWorkload(ctx); err != nil {
		return decide.RolloutInput{}, err
	}
	c, rollout := w.cluster, w.rollout
	if observed.ReplicaSets, err = w.observeReplicaSets(ctx); err != nil {
		return decide.RolloutInput{}, err
	}
	if observed.Services, err = w.observeServices(ctx); err != nil {
		return decide.RolloutInput{}, err
	}
	if observed.Former, err = w.observeFormer(ctx); err != nil {
		return decide.RolloutInput{}, err
	}
	now := time.Now()
	if observed.Pods, err = w.observePods(ctx, observed.ReplicaSets); err != nil {
		return decide.RolloutInput{}, err
	}
	observed.Trouble = w.observeTrouble(ctx, now)
	if observed.Runs, err = w.observeRuns(ctx); err != nil {
		return decide.RolloutInput{}, err
	}
	if err := w.observeExperiments(ctx, &observed); err != nil {
		return decide.RolloutInput{}, err
	}
	observed.Taken = c.lessons.taken(rollout.UID)
	for name, refusal := range c.lessons.refusals(rollout.UID, runKind) {
		if observed.RefusedRuns == nil {
			observed.RefusedRuns = map[string]string{}
		}
		observed.RefusedRuns[name] = refusal.refused
	}
	if err := w.examine(ctx, &observed); err != nil {
		return decide.RolloutInput{}, err
	}
	return decide.RolloutInput{Rollout: rollout.DeepCopy(), Observed: observed, Now: now}, nil
}

// find reads the Rollout, as new as the last pass left it.
func (w *RolloutWorld) find(ctx context.Context) error {
	rollout := &api.Rollout{}
	if err := w.cluster.Cached.Get(ctx, w.key, rollout); err != nil {
		if apierrors.IsNotFound(err) {
			return ErrGone
		}
		return fmt.Errorf("reading rollout %s from the cache: %w", w.key, err)
	}
	w.rollout, w.version = rollout, rollout.ResourceVersion
	if !rollout.DeletionTimestamp.IsZero() && !slices.Contains(rollout.Finalizers, api.FinalizerRestoreWorkload) {
		return ErrGone
	}
	if err := w.cluster.caughtUp(ctx, rollout.UID); err != nil {
		return err
	}
	return w.uncontested(ctx)
}

func (w *RolloutWorld) owned() []client.ListOption {
	return []client.ListOption{
		client.InNamespace(w.rollout.Namespace),
		client.MatchingFields{IndexOwner: string(w.rollout.UID)},
	}
}

// observeReplicaSets lists the revisions, oldest first.
func (w *RolloutWorld) observeReplicaSets(ctx context.Context) ([]decide.ReplicaSet, error) {
	var list appsv1.ReplicaSetList
	if err := w.cluster.Cached.List(ctx, &list, w.owned()...); err != nil {
		return nil, fmt.Errorf("listing the ReplicaSets of %s: %w", w.key, err)
	}
	w.replicaSets = make(map[string]*appsv1.ReplicaSet, len(list.Items))
	var revisions []decide.ReplicaSet
	for i := range list.Items {
		rs := &list.Items[i]
		if !rs.DeletionTimestamp.IsZero() {
			continue
		}
		w.replicaSets[rs.Name] = rs
		revisions = append(revisions, revision(rs))
	}
	slices.SortFunc(revisions, func(a, b decide.ReplicaSet) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.Revision, b.Revision), cmp.Compare(a.Name, b.Name))
	})
	return revisions, nil
}

// observeRuns lists the AnalysisRuns of the Rollout by name.
func (w *RolloutWorld) observeRuns(ctx context.Context) ([]*api.AnalysisRun, error) {
	var list api.AnalysisRunList
	if err := w.cluster.Cached.List(ctx, &list, w.owned()...); err != nil {
		return nil, fmt.Errorf("listing the AnalysisRuns of %s: %w", w.key, err)
	}
	w.runs = make(map[string]*api.AnalysisRun, len(list.Items))
	var runs []*api.AnalysisRun
	for i := range list.Items {
		run := &list.Items[i]
		if !run.DeletionTimestamp.IsZero() {
			continue
		}
		w.runs[run.Name] = run
		runs = append(runs, run)
	}
	slices.SortFunc(runs, func(a, b *api.AnalysisRun) int { return cmp.Compare(a.Name, b.Name) })
	return runs, nil
}

// Same implements engine.World.
func (w *RolloutWorld) Same(status api.RolloutStatus) bool {
	return equality.Semantic.DeepEqual(w.rollout.Status, status)
}

// Save implements engine.World.
func (w *RolloutWorld) Save(ctx context.Context, status api.RolloutStatus) error {
	t := w.self()
	t.status = true
	version, err := w.cluster.saveStatus(ctx, t, &w.rollout.Status, &status)
	if err != nil {
		return err
	}
	w.version, w.saved = version, &status
	w.cluster.contests.saved(w.rollout.UID, version, &status)
	return nil
}

// Tell implements engine.World.
func (w *RolloutWorld) Tell(events []decide.Event) {
	w.cluster.Events.Tell(corev1.ObjectReference{
		APIVersion:      rolloutKind.GroupVersion().String(),
		Kind:            rolloutKind.Kind,
		Namespace:       w.rollout.Namespace,
		Name:            w.rollout.Name,
		UID:             w.rollout.UID,
		ResourceVersion: w.version,
	}, events)
}

func (w *RolloutWorld) self() target {
	return target{
		ref:     ref{kind: rolloutKind, namespace: w.rollout.Namespace, name: w.rollout.Name},
		version: w.version,
		owner:   w.rollout.UID,
	}
}
