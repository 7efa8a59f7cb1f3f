package cli

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/view"
)

// scene reads a rollout and everything around it in two rounds of requests: what the rollout selects
// can only be asked for once the rollout is known. What the person may not list is left out, and named.
func (c *cluster) scene(ctx context.Context, name string) (view.Scene, error) {
	var (
		ro     *api.Rollout
		runs   api.AnalysisRunList
		jobs   batchv1.JobList
		sets   appsv1.ReplicaSetList
		pods   corev1.PodList
		trials api.ExperimentList
		hidden [5]string
	)
	err := together(
		func() (err error) { ro, err = c.rollout(ctx, name); return err },
		func() error { return unless(&hidden[0], &runs, c.listWith(ctx, &runs, api.LabelPodTemplateHash)) },
		func() error {
			return unless(&hidden[4], &trials, c.listWith(ctx, &trials, api.LabelPodTemplateHash))
		},
		func() error { return unless(&hidden[1], &jobs, c.listWith(ctx, &jobs, api.LabelAnalysisRunUID)) },
	)
	if err != nil {
		return view.Scene{}, err
	}
	selector, err := selectorOf(ro)
	if err != nil {
		return view.Scene{}, err
	}
	err = together(
		func() error { return unless(&hidden[2], &sets, c.listSelected(ctx, &sets, selector)) },
		func() error { return unless(&hidden[3], &pods, c.listSelected(ctx, &pods, selector)) },
	)
	if err != nil {
		return view.Scene{}, err
	}
	return view.Scene{
		Rollout: ro, ReplicaSets: sets.Items, Pods: pods.Items, Runs: runs.Items, Jobs: jobs.Items, Experiments: trials.Items, Now: time.Now(),
		Hidden: slices.DeleteFunc(hidden[:], func(kind string) bool { return kind == "" }),
	}, nil
}

// unless notes a kind as hidden when the error is that it may not be listed, and returns other errors.
func unless(hidden *string, list client.ObjectList, err error) error {
	if apierrors.IsForbidden(err) {
		*hidden = what(list)
		return nil
	}
	return err
}

// selectorOf is what finds a rollout's ReplicaSets and pods; nothing when its spec has no selector.
func selectorOf(ro *api.Rollout) (labels.Selector, error) {
	if ro.Spec.Selector != nil {
		selector, err := metav1.LabelSelectorAsSelector(ro.Spec.Selector)
		if err != nil {
			return nil, fmt.Errorf("reading spec.selector of rollout %s: %w", ro.Name, err)
		}
		return selector, nil
	}
	if ro.Status.Selector == "" {
		return labels.Nothing(), nil
	}
	selector, err := labels.Parse(ro.Status.Selector)
	if err != nil {
		return nil, fmt.Errorf("reading status.selector of rollout %s: %w", ro.Name, err)
	}
	return selector, nil
}

func (c *cluster) listWith(ctx context.Context, list client.ObjectList, label string) error {
	return c.listed(c.List(ctx, list, client.InNamespace(c.namespace), client.HasLabels{label}), list)
}

func (c *cluster) listSelected(ctx context.Context, list client.ObjectList, selector labels.Selector) error {
	if selector.Empty() {
		return nil // an empty selector would find the pods of everybody
	}
	return c.listed(c.List(ctx, list, client.InNamespace(c.namespace), client.MatchingLabelsSelector{Selector: selector}), list)
}

func (c *cluster) listed(err error, list client.ObjectList) error {
	if err == nil {
		return nil
	}
	return c.listError(err, what(list))
}

func (c *cluster) listError(err error, what string) error {
	if missingKind(err) {
		return errNoCRDs
	}
	return fmt.Errorf("listing %s%s: %w", what, rollouts.in(c.namespace), err)
}

func what(list client.ObjectList) string {
	switch list.(type) {
	case *api.AnalysisRunList:
		return "analysis runs"
	case *api.ExperimentList:
		return "experiments"
	case *batchv1.JobList:
		return "jobs"
	case *appsv1.ReplicaSetList:
		return "replica sets"
	case *corev1.PodList:
		return "pods"
	}
	return "rollouts"
}

// together does all at once. The error of the first in the list counts: the rollout's own comes
// before those of its surroundings.
func together(tasks ...func() error) error {
	errs := make([]error, len(tasks))
	var group sync.WaitGroup
	for i, task := range tasks {
		group.Go(func() { errs[i] = task() })
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
