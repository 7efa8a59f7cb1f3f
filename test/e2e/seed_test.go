package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/test/stage"
)

// The seed as it stands in examples/seed, from the first apply to the rollback of a bad version.
func TestTheSeed(t *testing.T) {
	sc := play(t)
	whole := sc.record()
	passed := t.Run("the first apply is stable at once, without analysis", func(t *testing.T) {
		sc := sc.of(t)
		for _, file := range []string{"analysis-template.yaml", "rollout.yaml"} {
			sc.must(sc.stage.ApplyFile(t.Context(), "examples/seed/"+file))
		}
		ro := sc.becomes(api.RolloutPhaseHealthy, patience)
		if ro.Status.StableRS == "" || ro.Status.StableRS != ro.Status.CurrentPodHash {
			t.Errorf("the stable revision is %q, the newest %q", ro.Status.StableRS, ro.Status.CurrentPodHash)
		}
		if diff := cmp.Diff([]int32{5}, whole.of(ro.Status.StableRS)); diff != "" {
			t.Errorf("sizes (-want +got):\n%s", diff)
		}
		if runs := sc.runs(); len(runs) > 0 {
			t.Errorf("it was analysed: %s", runs[0].Name)
		}
	})
	passed = passed && t.Run("a good version gets one pod of five, is measured and goes on to all", func(t *testing.T) { seedGood(sc.of(t)) })
	if passed {
		t.Run("a bad version is rolled back by the query", func(t *testing.T) { seedBad(sc.of(t)) })
	}
}

func seedGood(sc *scene) {
	before := sc.signed()
	seen := sc.record()
	sc.ship(stage.Version{Name: "2-good"})
	sc.until("the analysis to begin", func(ro *api.Rollout) bool { return ro.Status.Canary.CurrentStepAnalysisRunStatus != nil })
	measured := sc.onlyTheCanaryIsMeasured()
	ro := sc.becomes(api.RolloutPhaseHealthy, 4*time.Minute)
	if !measured() {
		sc.Error("the seed's query never had a result while the canary was analysed")
	}

	if diff := cmp.Diff([]int32{1, 2, 3, 5}, seen.of(ro.Status.StableRS)); diff != "" {
		sc.Errorf("sizes of the canary (-want +got):\n%s", diff)
	}
	if n := seen.fewest(); n < 4 {
		sc.Errorf("only %d pods served at one time, want 4 or more", n)
	}
	run := sc.run()
	job, cpu := result(run, "trigger-load-test"), result(run, "success-rate")
	got := []any{run.Status.Phase, job.Phase, job.Count, cpu.Phase, cpu.Count}
	want := []any{api.AnalysisPhaseSuccessful, api.AnalysisPhaseSuccessful, int32(1), api.AnalysisPhaseSuccessful, int32(3)}
	if diff := cmp.Diff(want, got); diff != "" {
		sc.Errorf("the run: its phase, the Job's and its count, the query's and its count (-want +got):\n%s", diff)
	}
	after := sc.signed()
	if after.Verified-before.Verified < 3 || after.Refused != before.Refused {
		sc.Errorf("AMP verified %d signatures and refused %d, want 3 and none", after.Verified-before.Verified, after.Refused-before.Refused)
	}
}

func seedBad(sc *scene) {
	seen := sc.record()
	sc.ship(stage.Version{Name: "3-bad", CPU: 10 * time.Millisecond})
	ro := sc.goesBack(4 * time.Minute)
	run := sc.run()
	cpu := result(run, "success-rate")
	if len(cpu.Measurements) == 0 {
		sc.Fatal("the query was not measured")
	}
	worst := cpu.Measurements[len(cpu.Measurements)-1]
	number, err := strconv.ParseFloat(strings.Trim(worst.Value, "[]"), 64)
	sc.must(err)
	value := fmt.Sprintf("%.6g", number) // as messages write numbers
	sc.says("the message", ro.Status.Message, `"success-rate"`, value, "0.004")
	if run.Status.Phase != api.AnalysisPhaseFailed {
		sc.Errorf("the run is %s", run.Status.Phase)
	}
	if diff := cmp.Diff([]int32{1, 0}, seen.of(ro.Status.CurrentPodHash)); diff != "" {
		sc.Errorf("sizes of the canary (-want +got):\n%s", diff)
	}
	if n := seen.fewest(); n < 4 {
		sc.Errorf("only %d pods served at one time, want 4 or more", n)
	}
	out, err := sc.sluice("status", "rollouts-demo", "--watch=false")
	if err == nil {
		sc.Error("`sluice status` calls a rollback a success")
	}
	sc.says("sluice status", out, "Degraded", "success-rate")
	out, err = sc.sluice("why", "rollouts-demo")
	sc.must(err)
	sc.says("sluice why", out, "success-rate", value, "0.004")
}

// onlyTheCanaryIsMeasured asks the seed's query all the time while the canary is analysed, and
// checks that the pods in the result are canary pods. The answer tells whether there was a result.
func (sc *scene) onlyTheCanaryIsMeasured() (measured func() bool) {
	sc.Helper()
	raw, err := os.ReadFile(filepath.Join(sc.stage.Root, "examples/seed/analysis-template.yaml"))
	sc.must(err)
	seed := &api.AnalysisTemplate{}
	sc.must(yaml.UnmarshalStrict(raw, seed))
	promql := seed.Spec.Metrics[1].Provider.Prometheus.Query

	ctx, stop := context.WithCancel(sc.Context())
	found := make(chan bool, 1)
	go func() {
		any := false
		defer func() { found <- any }()
		for ctx.Err() == nil {
			any = sc.measuresOnlyTheCanary(ctx, promql) || any
			select {
			case <-ctx.Done():
			case <-time.After(2 * time.Second):
			}
		}
	}()
	return func() bool { stop(); return <-found }
}

func (sc *scene) measuresOnlyTheCanary(ctx context.Context, promql string) (any bool) {
	before, err := sc.stage.Rollout(ctx)
	if err != nil || before.Status.Canary.CurrentStepAnalysisRunStatus == nil {
		return false // not the time, or the test is over
	}
	pods, err := sc.stage.Pods(ctx, before.Status.CurrentPodHash)
	if err != nil {
		return false
	}
	canary := make([]string, 0, len(pods))
	for _, p := range pods {
		canary = append(canary, p.Name)
	}
	series, err := sc.stage.Prometheus(ctx, promql)
	if err != nil {
		if ctx.Err() == nil {
			sc.Error(err)
		}
		return false
	}
	after, err := sc.stage.Rollout(ctx)
	if err != nil || after.Status.Canary.CurrentStepAnalysisRunStatus == nil {
		return false
	}
	for _, s := range series {
		if !slices.Contains(canary, s.Labels["pod"]) {
			sc.Errorf("the query measures %v, and the canary is %v", s.Labels, canary)
		}
	}
	return len(series) > 0
}

// counts is what the AMP stand-in thinks of signatures.
type counts struct{ Verified, Refused int }

func (sc *scene) signed() (c counts) {
	sc.Helper()
	answer, err := sc.stage.AMP(sc.Context(), "GET", "/stats", "")
	sc.must(err)
	sc.must(json.Unmarshal([]byte(answer), &c))
	return c
}

func TestTheSecondExampleGoesBackFromSixtyPercent(t *testing.T) {
	sc := play(t)
	for _, file := range []string{"templates.yaml", "rollout.yaml"} {
		sc.must(sc.stage.ApplyFile(t.Context(), "examples/seed-two/"+file))
	}
	sc.becomes(api.RolloutPhaseHealthy, patience)
	seen := sc.record()
	sc.ship(stage.Version{Name: "2-bad", CPU: 10 * time.Millisecond})
	ro := sc.goesBack(4 * time.Minute)

	// On its way out it shrinks as fast as stable pods come back.
	sizes := seen.of(ro.Status.CurrentPodHash)
	if len(sizes) < 4 || !slices.Equal(sizes[:3], []int32{1, 2, 3}) || sizes[len(sizes)-1] != 0 || slices.Max(sizes) > 3 {
		t.Errorf("the sizes of the canary were %v, want 1, 2, 3 and then down to 0", sizes)
	}
	if n := seen.fewest(); n < 4 {
		t.Errorf("only %d pods served at one time, want 4 or more", n)
	}
	runs := sc.runs()
	if len(runs) != 2 {
		t.Fatalf("there are %d AnalysisRuns, want 2", len(runs))
	}
	if got := runs[0].Status.Phase; got != api.AnalysisPhaseSuccessful {
		t.Errorf("the first run is %s", got)
	}
	if got := runs[1].Status.Phase; got != api.AnalysisPhaseFailed {
		t.Errorf("the second run is %s", got)
	}
	sc.says("the message", ro.Status.Message, `"cpu-of-every-pod"`, "0.004")
	t.Log(ro.Status.Message)
}
