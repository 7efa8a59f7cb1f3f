package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/load/merge"
	loadresult "sluice.dev/sluice/internal/load/result"
	"sluice.dev/sluice/test/stage"
)

// sides are a Service for each side of an update.
const sides = `{apiVersion: v1, kind: Service, metadata: {name: %s, namespace: argo-rollouts}, spec: {selector: {app: rollouts-demo}, ports: [{port: 80, targetPort: http}]}}`

// loaded is a metric that loads the canary, with what else the loadTest block and the metric say. Its generator may be late
// by a tenth of the limit: the machine may be busy.
func loaded(seconds, rate int, block, rest string) string {
	return fmt.Sprintf(`{name: load, %s provider: {loadTest: {%s, resources: {requests: {cpu: 50m, memory: 64Mi}}, script: {inline: %q}}}}`, rest, block, fmt.Sprintf(`
config:
  phases:
    - {name: Warm up, duration: 1, arrivalRate: %d}
    - {name: Burn, duration: %d, arrivalRate: %d}
  plugins: {ensure: {}}
  ensure: {thresholds: [http.response_time.p95: 6000]}
scenarios:
  - flow:
      - get: {url: /collection/FRONT_PAGE}
      - post: {url: /products/, json: Shirt}
`, rate, seconds-1, rate))
}

const canaryTarget, stableTarget = "http://shop-canary.argo-rollouts.svc", "http://shop-stable.argo-rollouts.svc"

// faced is the seed's Rollout with a Service for each side and these steps.
func (sc *scene) faced(steps string) string {
	sc.Helper()
	for _, name := range []string{"shop-canary", "shop-stable"} {
		service := fmt.Sprintf(sides, name)
		sc.apply(service)
		sc.Cleanup(func() {
			_ = sc.stage.Client.Delete(context.Background(), &corev1.Service{ObjectMeta: named(name)})
		})
	}
	ro := &api.Rollout{}
	sc.must(yaml.UnmarshalStrict([]byte(sc.rollout(steps)), ro))
	ro.Spec.Strategy.Canary.CanaryService, ro.Spec.Strategy.Canary.StableService = "shop-canary", "shop-stable"
	container := &ro.Spec.Template.Spec.Containers[0]
	container.Env = append(container.Env, corev1.EnvVar{Name: "SHOP_LATENCY", Value: "200ms"})
	return manifest(sc.T, ro)
}

// Canary and stable get the same load at the same time, and the ratio of their p95 decides.
func TestACanaryIsLoadedBesideTheStableVersion(t *testing.T) {
	sc := play(t)
	compare := loaded(6, 20, fmt.Sprintf("target: %q, compareTarget: %q", canaryTarget, stableTarget),
		`successCondition: "result == 0 && report.ratio.latency.p95 < 1.5",`)
	sc.first(sc.faced(judged), template(compare))

	t.Run("a canary that is twice as slow at p95 is rolled back", func(t *testing.T) {
		sc := sc.of(t)
		sc.ship(stage.Version{Name: "2-slow", Env: map[string]string{"SHOP_LATENCY": "400ms"}})
		ro := sc.goesBack(patience)
		canary, stable := sc.percentiles()
		t.Logf("p95: canary %.1f ms, stable %.1f ms, ratio %.2f: %s", canary, stable, canary/stable, ro.Status.Message)
		sc.says("the message", ro.Status.Message, `"load"`)
		sc.says("the measurement", result(sc.run(), "load").Measurements[0].Message, "report.ratio.latency.p95", "1.5")
		if canary < 400 || stable < 200 || canary/stable < 1.5 {
			t.Errorf("the p95 of the canary is %.1f ms, that of the stable version %.1f ms", canary, stable)
		}
	})
	t.Run("one that is as fast is promoted", func(t *testing.T) {
		sc := sc.of(t)
		sc.ship(stage.Version{Name: "3-equal", Env: map[string]string{"SHOP_LATENCY": "200ms"}})
		sc.becomes(api.RolloutPhaseHealthy, patience)
		canary, stable := sc.percentiles()
		t.Logf("p95: canary %.1f ms, stable %.1f ms, ratio %.2f", canary, stable, canary/stable)
	})
	t.Run("an abort takes its Job away", func(t *testing.T) {
		sc := sc.of(t)
		sc.apply(template(loaded(60, 20, fmt.Sprintf("target: %q", canaryTarget), "")))
		sc.ship(stage.Version{Name: "4-aborted"})
		sc.must(stage.Await(t.Context(), patience, func(ctx context.Context) error {
			return sc.running(ctx, func(n int) bool { return n == 1 })
		}))
		began := time.Now()
		if _, err := sc.sluice("abort", "rollouts-demo"); err != nil {
			t.Fatal(err)
		}
		sc.must(stage.Await(t.Context(), patience, func(ctx context.Context) error {
			return sc.running(ctx, func(n int) bool { return n == 0 })
		}))
		t.Logf("the Job was gone %s after the abort", time.Since(began).Round(time.Millisecond))
		sc.goesBack(patience)
	})
}

// percentiles are the p95 of both sides in the newest run.
func (sc *scene) percentiles() (canary, stable float64) {
	sc.Helper()
	report := sc.report(sc.run())
	return number(sc.T, report, "canary", "latency", "p95"), number(sc.T, report, "stable", "latency", "p95")
}

// report is what the load test of a run has measured.
func (sc *scene) report(run *api.AnalysisRun) map[string]any {
	sc.Helper()
	measured := result(run, "load").Measurements
	if len(measured) == 0 {
		sc.Fatalf("the load test of %s was not measured", run.Name)
	}
	report := map[string]any{}
	if err := json.Unmarshal([]byte(measured[0].Metadata[api.EvidenceReport]), &report); err != nil {
		sc.Fatalf("the report of %s: %v: %+v", run.Name, err, measured[0])
	}
	return report
}

func number(t *testing.T, tree map[string]any, path ...string) float64 {
	t.Helper()
	var v any = tree
	for _, key := range path {
		inner, _ := v.(map[string]any)
		v = inner[key]
	}
	n, ok := v.(float64)
	if !ok {
		t.Fatalf("the report has no %s: %v", strings.Join(path, "."), tree)
	}
	return n
}

// running checks how many Jobs of measurements run.
func (sc *scene) running(ctx context.Context, right func(n int) bool) error {
	var list batchv1.JobList
	if err := sc.stage.Client.List(ctx, &list, client.InNamespace(stage.Namespace), client.HasLabels{api.LabelAnalysisRunUID}); err != nil {
		return err
	}
	n := len(slices.DeleteFunc(list.Items, func(j batchv1.Job) bool {
		return j.DeletionTimestamp != nil || j.Status.CompletionTime != nil || len(j.Status.Conditions) > 0
	}))
	if !right(n) {
		return fmt.Errorf("%d Jobs run", n)
	}
	return nil
}

// Three pods that share a load send what one sends, begin together, and their numbers add up.
func TestThreePodsSendWhatOneSends(t *testing.T) {
	sc := play(t)
	sc.first(sc.faced(`[{setWeight: 100}]`))
	test := func(name string, pods int) *api.AnalysisRun {
		sc.delete(&api.AnalysisRun{}, name)
		sc.apply(fmt.Sprintf(`{apiVersion: argoproj.io/v1alpha1, kind: AnalysisRun, metadata: {name: %s, namespace: argo-rollouts}, spec: {metrics: [%s]}}`,
			name, loaded(6, 30, fmt.Sprintf("target: %q, parallelism: %d", stableTarget, pods), "")))
		run := &api.AnalysisRun{ObjectMeta: named(name)}
		t.Cleanup(func() { _ = sc.stage.Client.Delete(context.Background(), run) })
		return run
	}
	three, one := test("three", 3), test("one", 1)
	seen := sc.finished(three, patience)
	sc.finished(one, patience)

	parts := sc.results(three)
	if len(parts) != 3 {
		t.Fatalf("%d pods have written a result, want 3", len(parts))
	}
	merged, err := merge.Results(parts, 3)
	sc.must(err)
	sc.together(parts)
	whole, single := sc.report(three), sc.report(one)
	for _, c := range []struct {
		what           string
		seen, one, sum float64
	}{
		{"arrivals", number(t, whole, "arrivals"), number(t, single, "arrivals"), float64(merged.Arrivals)},
		{"requests", number(t, whole, "requests"), number(t, single, "requests"), float64(merged.Requests)},
		{"answers 200", number(t, whole, "codes", "200"), number(t, single, "codes", "200"), float64(merged.Codes["200"])},
		{"answers 201", number(t, whole, "codes", "201"), number(t, single, "codes", "201"), float64(merged.Codes["201"])},
	} {
		t.Logf("%-12s three pods %g, one pod %g", c.what, c.seen, c.one)
		if c.seen != c.one || c.sum != c.one || c.one == 0 {
			t.Errorf("%s: three pods have %g, added up here they have %g, one pod has %g", c.what, c.seen, c.sum, c.one)
		}
	}
	for _, p := range []struct {
		name string
		here float64
	}{{"p50", merged.Latency.P50}, {"p95", merged.Latency.P95}, {"p99", merged.Latency.P99}, {"max", merged.Latency.Max}} {
		if got := number(t, whole, "latency", p.name); got != p.here {
			t.Errorf("%s is %g in the run and %g when the parts are added up here", p.name, got, p.here)
		}
		least, most := parts[0].Latency.Max, 0.0
		for _, part := range parts {
			v := map[string]float64{"p50": part.Latency.P50, "p95": part.Latency.P95, "p99": part.Latency.P99, "max": part.Latency.Max}[p.name]
			least, most = min(least, v), max(most, v)
		}
		if p.here < least*0.98 || p.here > most*1.02 {
			t.Errorf("%s of all is %g, and those of the parts are from %g to %g", p.name, p.here, least, most)
		}
	}
	if three.Status.Phase != api.AnalysisPhaseSuccessful || one.Status.Phase != api.AnalysisPhaseSuccessful {
		t.Errorf("three pods: %s, one: %s", three.Status.Phase, one.Status.Phase)
	}
	sc.inTime(three, parts, seen)
}

// together checks that the pods of a test have begun at the same moment.
func (sc *scene) together(parts []loadresult.Result) {
	sc.Helper()
	first, last := parts[0].StartedAt, parts[0].StartedAt
	for _, part := range parts {
		first, last = min(first, part.StartedAt), max(last, part.StartedAt)
	}
	skew, late := time.Duration((last-first)*float64(time.Second)).Round(time.Millisecond), 0.0
	for _, part := range parts {
		if part.Lag != nil {
			late = max(late, part.Lag.P50)
		}
	}
	sc.Logf("the three pods began within %s, and started their users up to %.2f ms late in the median", skew, late)
	if skew > 50*time.Millisecond {
		sc.Errorf("the pods began %s apart, want 50 ms at most", skew)
	}
}
