package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/test/stage"
)

// recovery is how long a corrected mistake may stay on the object: 2 s are promised, the rest is for
// a busy machine.
const recovery = 5 * time.Second

func TestMistakesAreToldAndForgottenWhenCorrected(t *testing.T) {
	const passes = `successCondition: "result[0] <= 0.004"`
	restore := func(sc *scene) { sc.apply(template(good)) }
	sc := play(t)
	sc.first(sc.rollout(judged), template(good))
	for _, c := range []struct {
		title   string
		mistake func(sc *scene)
		correct func(sc *scene)
		told    []string
	}{
		{
			"a template that does not exist",
			func(sc *scene) { sc.delete(&api.AnalysisTemplate{}, "checks") }, restore, []string{`"checks"`},
		},
		{
			"an argument that nobody gives",
			func(sc *scene) { sc.apply(template(query("cpu", "{{args.nowhere}}", passes))) }, restore, []string{"args.nowhere"},
		},
		{
			"a condition that does not parse",
			func(sc *scene) {
				sc.apply(template(query("cpu", "vector(1)", `successCondition: "result[0] <="`)))
			}, restore, []string{"result[0] <=", "successCondition"},
		},
		{
			"a selector that does not match the pods",
			func(sc *scene) { sc.patch(`{"spec":{"template":{"metadata":{"labels":{"app":"other"}}}}}`) },
			func(sc *scene) { sc.patch(`{"spec":{"template":{"metadata":{"labels":{"app":"rollouts-demo"}}}}}`) },
			[]string{"selector", "app"},
		},
	} {
		t.Run(c.title, func(t *testing.T) {
			sc := sc.of(t)
			c.mistake(sc)
			ro := sc.invalid()
			sc.says("the condition", condition(ro, api.RolloutInvalidSpec), c.told...)
			sc.says("the message", ro.Status.Message, "InvalidSpec: ")
			sc.recovers(c.correct)
		})
	}
}

// An update whose analysis needs a Secret that is not there waits for it, and goes on by itself.
func TestAMistakeInASecretHoldsTheUpdateUntilItIsCorrected(t *testing.T) {
	sc := play(t)
	sc.first(sc.rollout(judged), template(good))
	for version, c := range []struct {
		title  string
		secret string
		before map[string]string // nil = there is no Secret
	}{
		{"the Secret does not exist", "absent", nil},
		{"the Secret lacks the key", "without-key", map[string]string{"url": stage.Workspace}},
	} {
		t.Run(c.title, func(t *testing.T) {
			sc := sc.of(t)
			seen := sc.record()
			if c.before != nil {
				sc.secret(c.secret, c.before)
			}
			sc.apply(strings.ReplaceAll(template(good), "workspace-url", c.secret))
			sc.ship(stage.Version{Name: fmt.Sprint(version + 2)})
			ro := sc.invalid()
			sc.says("the condition", condition(ro, api.RolloutInvalidSpec), c.secret)
			if n := len(seen.of(ro.Status.CurrentPodHash)); n > 1 {
				t.Errorf("pods were started or ended: %v", seen.of(ro.Status.CurrentPodHash))
			}
			sc.recovers(func(sc *scene) { sc.secret(c.secret, map[string]string{"secretURL": stage.Workspace}) })
			ro = sc.becomes(api.RolloutPhaseHealthy, patience)
			sc.rises(seen.of(ro.Status.StableRS))
			sc.delete(&corev1.Secret{}, c.secret)
		})
	}
}

// A run carries what it measures: a mistake that comes and goes while it measures changes nothing.
func TestAMistakeInMidAnalysisStopsNoMeasuring(t *testing.T) {
	sc := play(t)
	slow := template(query("cpu", "vector(0.001)", `interval: 3s, count: 4, successCondition: "result[0] <= 0.004"`))
	sc.first(sc.rollout(judged), slow)
	sc.ship(stage.Version{Name: "2"})
	sc.until("the analysis to begin", func(ro *api.Rollout) bool {
		run := ro.Status.Canary.CurrentStepAnalysisRunStatus
		return run != nil && run.Status == api.AnalysisPhaseRunning
	})
	sc.delete(&api.AnalysisTemplate{}, "checks")
	sc.invalid()
	sc.recovers(func(sc *scene) { sc.apply(slow) })
	sc.becomes(api.RolloutPhaseHealthy, patience)
	if run := sc.run(); run.Status.Phase != api.AnalysisPhaseSuccessful || result(run, "cpu").Count != 4 {
		t.Errorf("the run is %s after %d measurements, want Successful after 4", run.Status.Phase, result(run, "cpu").Count)
	}
}

// All mistakes are told at once, an update that was shipped meanwhile does not move, and goes on by
// itself when they are corrected.
func TestAllMistakesAreToldAtOnceAndNothingMoves(t *testing.T) {
	sc := play(t)
	first := sc.first(sc.rollout(`[{setWeight: 20}, {analysis: {templates: [{templateName: checks}, {templateName: second}]}}]`),
		template(good), second(good2))
	seen := sc.record()
	sc.workspace("url", stage.Workspace)
	sc.delete(&api.AnalysisTemplate{}, "second")
	sc.apply(template(query("cpu", "{{args.nowhere}}", `successCondition: "result[0] <="`)))
	sc.ship(stage.Version{Name: "2"})
	ro := sc.invalid()
	sc.says("the condition", condition(ro, api.RolloutInvalidSpec), "workspace-url", "secretURL", `"second"`, "args.nowhere", "result[0] <=")
	t.Log(condition(ro, api.RolloutInvalidSpec))
	time.Sleep(3 * time.Second) // whatever would move moves within this time
	sets, err := sc.sets(t.Context())
	sc.must(err)
	if diff := cmp.Diff(map[string]int32{first.Status.StableRS: 5}, sets); diff != "" {
		t.Errorf("sizes while the spec is invalid (-want +got):\n%s", diff)
	}
	sc.recovers(func(sc *scene) {
		sc.workspace("secretURL", stage.Workspace)
		sc.apply(template(good), second(good2))
	})
	ro = sc.becomes(api.RolloutPhaseHealthy, patience)
	sc.rises(seen.of(ro.Status.StableRS))
}

var good2 = query("memory", "vector(0.001)", `successCondition: "result[0] <= 0.004"`)

// second is the AnalysisTemplate "second".
func second(metric string) string {
	return `{apiVersion: argoproj.io/v1alpha1, kind: AnalysisTemplate, metadata: {name: second, namespace: argo-rollouts}, spec: {
  args: [{name: amp-workspace, valueFrom: {secretKeyRef: {name: workspace-url, key: secretURL}}}], metrics: [` + metric + `]}}`
}

// invalid waits until the object says that its spec is invalid.
func (sc *scene) invalid() *api.Rollout {
	sc.Helper()
	return sc.until("InvalidSpec", func(ro *api.Rollout) bool { return condition(ro, api.RolloutInvalidSpec) != "" })
}

// recovers corrects a mistake and measures how long it is still told.
func (sc *scene) recovers(correct func(*scene)) {
	sc.Helper()
	correct(sc)
	corrected := time.Now()
	sc.until("the spec to be valid", func(ro *api.Rollout) bool { return condition(ro, api.RolloutInvalidSpec) == "" })
	took := time.Since(corrected)
	sc.Logf("valid again %s after the correction", took.Round(time.Millisecond))
	if took > recovery {
		sc.Errorf("it took %s to see the correction, want at most %s", took, recovery)
	}
}

// patch sends a merge patch of the Rollout itself.
func (sc *scene) patch(patch string) {
	sc.Helper()
	sc.must(sc.stage.Patch(sc.Context(), "", patch))
}

// sets are the sizes of all revisions.
func (sc *scene) sets(ctx context.Context) (map[string]int32, error) {
	var list appsv1.ReplicaSetList
	if err := sc.stage.Client.List(ctx, &list, client.InNamespace(stage.Namespace), shopPods); err != nil {
		return nil, fmt.Errorf("listing ReplicaSets: %w", err)
	}
	sizes := map[string]int32{}
	for _, rs := range list.Items {
		sizes[rs.Labels[api.LabelPodTemplateHash]] = *rs.Spec.Replicas
	}
	return sizes, nil
}
