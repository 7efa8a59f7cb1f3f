package cluster

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
)

// observeExperiments lists the Experiments of the Rollout by name.
func (w *RolloutWorld) observeExperiments(ctx context.Context, observed *decide.Observed) error {
	var list api.ExperimentList
	if err := w.cluster.Cached.List(ctx, &list, w.owned()...); err != nil {
		return fmt.Errorf("listing the Experiments of %s: %w", w.key, err)
	}
	w.experiments = make(map[string]*api.Experiment, len(list.Items))
	for i := range list.Items {
		if ex := &list.Items[i]; ex.DeletionTimestamp.IsZero() {
			w.experiments[ex.Name] = ex
			observed.Experiments = append(observed.Experiments, ex)
		}
	}
	slices.SortFunc(observed.Experiments, func(a, b *api.Experiment) int { return cmp.Compare(a.Name, b.Name) })
	observed.RefusedExperiments = w.cluster.refusedOf(w.rollout.UID, experimentKind)
	return nil
}

func (w *RolloutWorld) parent() parent { return parent{w.rollout, rolloutKind} }

// actOnExperiment carries out what is stated about the Rollout's Experiments.
func (w *RolloutWorld) actOnExperiment(ctx context.Context, action decide.Action) error {
	p := w.parent()
	switch a := action.(type) {
	case decide.ExperimentExists:
		if w.experiments[a.Name] != nil {
			return nil
		}
		made := &api.Experiment{ObjectMeta: p.made(a.Name, p.marked(a.Labels), a.Annotations), Spec: *a.Spec.DeepCopy()}
		return w.cluster.bring(ctx, p, p.child(experimentKind, a.Name), made)
	case decide.ExperimentStopped:
		ex := w.experiments[a.Name]
		if ex == nil || ex.Spec.Terminate {
			return nil
		}
		_, err := w.cluster.patch(ctx, p.target(experimentKind, ex), map[string]any{
			"metadata": map[string]any{"annotations": map[string]any{api.AnnotationStoppedBy: api.StoppedByRollout}},
			"spec":     map[string]any{"terminate": true},
		})
		return err
	case decide.ExperimentGone:
		if ex := w.experiments[a.Name]; ex != nil {
			return w.cluster.remove(ctx, p.target(experimentKind, ex), ex.UID, metav1.DeletePropagationBackground)
		}
		return nil
	}
	return fmt.Errorf("a rollout's pass cannot carry out %T", action)
}
