package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/test/stage"
)

// compared runs one pod of each version side by side, beside those that serve, and measures once both are there.
const compared = `[{setWeight: 20}, {experiment: {scaleDownDelaySeconds: 1,
  templates: [{name: base, specRef: stable}, {name: next, specRef: canary}],
  analyses: [{name: checks, templateName: checks, requiredForCompletion: true}]}}, {setWeight: 60}]`

// An experiment in a canary step: a good one lets the update go on, a bad one takes it back. Its pods go either way.
func TestAnExperimentInAStepDecides(t *testing.T) {
	sc := play(t)
	sc.first(sc.rollout(compared), template(good))
	seen := sc.record()

	sc.ship(stage.Version{Name: "2"})
	second := sc.becomes(api.RolloutPhaseHealthy, patience).Status.StableRS
	sc.compares(second, api.AnalysisPhaseSuccessful)

	sc.apply(template(query("cpu", "vector(0.0102)", `interval: 1s, count: 1, successCondition: "result[0] <= 0.004"`)))
	sc.ship(stage.Version{Name: "3"})
	ro := sc.goesBack(patience)
	sc.says("the message", ro.Status.Message, "xperiment")
	if ro.Status.StableRS != second {
		t.Errorf("stable is %s, want %s", ro.Status.StableRS, second)
	}
	sc.compares(ro.Status.CurrentPodHash, api.AnalysisPhaseFailed)
	if n := seen.fewest(); n < 4 {
		t.Errorf("only %d pods served at one time, want 4 or more", n)
	}
}

// compares waits until the experiment of a revision has ended so, and its pods are gone.
func (sc *scene) compares(hash string, phase api.AnalysisPhase) {
	sc.Helper()
	sc.must(stage.Await(sc.Context(), patience, func(ctx context.Context) error {
		var list api.ExperimentList
		if err := sc.stage.Client.List(ctx, &list, client.InNamespace(stage.Namespace)); err != nil {
			return err
		}
		for _, ex := range list.Items {
			if !strings.HasPrefix(ex.Name, "rollouts-demo-"+hash) {
				continue
			}
			if ex.Status.Phase != phase || len(ex.Status.TemplateStatuses) != 2 {
				return fmt.Errorf("experiment %s is %q with %d templates: %s", ex.Name, ex.Status.Phase, len(ex.Status.TemplateStatuses), ex.Status.Message)
			}
			return sc.ended(ctx, ex.Name)
		}
		return fmt.Errorf("there is no experiment of %s among %d", hash, len(list.Items))
	}))
}

// ended says which pods of an experiment are left.
func (sc *scene) ended(ctx context.Context, experiment string) error {
	var sets appsv1.ReplicaSetList
	if err := sc.stage.Client.List(ctx, &sets, client.InNamespace(stage.Namespace)); err != nil {
		return err
	}
	n := 0
	for i := range sets.Items {
		rs := &sets.Items[i]
		if rs.Annotations[api.AnnotationExperimentName] != experiment {
			continue
		}
		n++
		if rs.Status.Replicas > 0 {
			return fmt.Errorf("%s still has %d pods", rs.Name, rs.Status.Replicas)
		}
	}
	if n != 2 {
		return fmt.Errorf("experiment %s has %d ReplicaSets, want 2", experiment, n)
	}
	return nil
}
