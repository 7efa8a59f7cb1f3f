package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	api "sluice.dev/sluice/api/v1alpha1"
	loadresult "sluice.dev/sluice/internal/load/result"
	"sluice.dev/sluice/test/stage"
)

// visible is how long after its last response a load test's verdict may be seen in the AnalysisRun.
const visible = 2 * time.Second

// The seed's own Job, with another image and nothing else, tells a version that serves from one that answers every
// request with 500, and from a generator that had no processor time to find out.
func TestTheSeedsJobDecides(t *testing.T) {
	sc := play(t)
	version := sc.rollout(`[{setWeight: 100}]`)
	sc.first(version)
	healthy := sc.measure("healthy", func(*corev1.Container) {})
	starved := sc.measure("starved", func(c *corev1.Container) {
		c.Resources.Limits = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("10m")}
	})

	var lateness []time.Duration
	t.Run("a version that serves passes", func(t *testing.T) {
		sc := sc.of(t)
		defer func() { lateness = append(lateness, sc.lateness...) }()
		run, res := sc.verdict(healthy, patience)
		if run.Status.Phase != api.AnalysisPhaseSuccessful || res.Verdict != loadresult.Pass {
			t.Errorf("the run is %s, the verdict %q: %s", run.Status.Phase, res.Verdict, res.Why)
		}
		if res.Requests != 3*res.Arrivals || res.Codes["200"]+res.Codes["201"] != res.Requests || res.Latency == nil {
			t.Errorf("%d users sent %d requests and got %v", res.Arrivals, res.Requests, res.Codes)
		}
	})
	t.Run("without processor time it is inconclusive", func(t *testing.T) {
		sc := sc.of(t)
		defer func() { lateness = append(lateness, sc.lateness...) }()
		run, res := sc.verdict(starved, 2*patience)
		if run.Status.Phase != api.AnalysisPhaseInconclusive || res.Verdict != loadresult.Inconclusive {
			t.Errorf("the run is %s, the verdict %q: %s", run.Status.Phase, res.Verdict, res.Why)
		}
		sc.says("the measurement", result(run, "trigger-load-test").Measurements[0].Message, "bottleneck")
	})
	t.Run("a version that answers every request with 500 fails", func(t *testing.T) {
		sc := sc.of(t)
		defer func() { lateness = append(lateness, sc.lateness...) }()
		sc.ship(stage.Version{Name: "2", Env: map[string]string{"SHOP_ERROR_RATE": "1"}})
		sc.becomes(api.RolloutPhaseHealthy, patience)
		run, res := sc.verdict(sc.measure("broken", func(*corev1.Container) {}), patience)
		if run.Status.Phase != api.AnalysisPhaseFailed || res.Verdict != loadresult.Fail || res.ErrorRate != 1 {
			t.Errorf("the run is %s, the verdict %q with %g of the requests in error: %s", run.Status.Phase, res.Verdict, res.ErrorRate, res.Why)
		}
		sc.says("the measurement", result(run, "trigger-load-test").Measurements[0].Message, "errors.rate")
	})
	onTime(t, lateness)
}

// measure starts an AnalysisRun with the seed's Job alone, whose container may be changed beyond its image.
func (sc *scene) measure(name string, change func(*corev1.Container)) *api.AnalysisRun {
	sc.Helper()
	raw, err := os.ReadFile(filepath.Join(sc.stage.Root, "examples/seed/analysis-template.yaml"))
	sc.must(err)
	seed := &api.AnalysisTemplate{}
	sc.must(yaml.UnmarshalStrict(raw, seed))
	job := seed.Spec.Metrics[0]
	container := &job.Provider.Job.Spec.Template.Spec.Containers[0]
	container.Image = "local/sluice-load-brief:1"
	change(container)
	sc.delete(&api.AnalysisRun{}, name)
	run := &api.AnalysisRun{ObjectMeta: named(name), Spec: api.AnalysisRunSpec{Metrics: []api.Metric{job}}}
	sc.must(sc.stage.Client.Create(sc.Context(), run))
	sc.Cleanup(func() { _ = client.IgnoreNotFound(sc.stage.Client.Delete(context.Background(), run)) })
	return run
}

// verdict waits for the end of a run, and gives the one result that its pods have written.
func (sc *scene) verdict(run *api.AnalysisRun, limit time.Duration) (*api.AnalysisRun, loadresult.Result) {
	sc.Helper()
	seen := sc.finished(run, limit)
	results := sc.results(run)
	if len(results) != 1 {
		sc.Fatalf("%d pods of %s have written a result, want 1", len(results), run.Name)
	}
	sc.inTime(run, results, seen)
	return run, results[0]
}

// inTime checks how long after the last response of a load test its verdict was seen.
func (sc *scene) inTime(run *api.AnalysisRun, parts []loadresult.Result, seen time.Time) {
	sc.Helper()
	var over time.Time
	for _, part := range parts {
		if end := time.UnixMilli(int64((part.StartedAt + part.Duration) * 1000)); end.After(over) {
			over = end
		}
	}
	took := seen.Sub(over)
	sc.Logf("%s: %s, seen %s after the last response (limit %s)", run.Name, run.Status.Phase, took.Round(time.Millisecond), visible)
	// Half of it is the kubelet's and the API server's time, which a busy machine draws out.
	if took > 2*visible {
		sc.Errorf("the verdict of %s was seen %s after the last response", run.Name, took)
	}
	sc.lateness = append(sc.lateness, took)
}

// onTime prints the median of how late verdicts were seen, beside the target.
func onTime(t *testing.T, lateness []time.Duration) {
	t.Helper()
	slices.Sort(lateness)
	if n := len(lateness); n > 0 {
		t.Logf("verdicts were seen %s after the last response in the median of %d; the target is %s", lateness[n/2].Round(time.Millisecond), n, visible)
	}
}

// finished waits for the end of a run, and says when it was seen.
func (sc *scene) finished(run *api.AnalysisRun, limit time.Duration) time.Time {
	sc.Helper()
	sc.must(stage.Await(sc.Context(), limit, func(ctx context.Context) error {
		if err := sc.stage.Client.Get(ctx, client.ObjectKeyFromObject(run), run); err != nil {
			return err
		}
		if !run.Status.Phase.Completed() {
			return fmt.Errorf("AnalysisRun %s is %s", run.Name, run.Status.Phase)
		}
		return nil
	}))
	return time.Now()
}

// results are what the pods of a run's Jobs have written.
func (sc *scene) results(run *api.AnalysisRun) []loadresult.Result {
	sc.Helper()
	var pods corev1.PodList
	sc.must(sc.stage.Client.List(sc.Context(), &pods, client.InNamespace(stage.Namespace),
		client.MatchingLabels{api.LabelAnalysisRunUID: string(run.UID)}))
	var all []loadresult.Result
	for _, pod := range pods.Items {
		for _, status := range pod.Status.ContainerStatuses {
			if done := status.State.Terminated; done != nil {
				res, err := loadresult.Parse([]byte(done.Message))
				if err != nil {
					sc.Fatalf("pod %s: %v: %s", pod.Name, err, done.Message)
				}
				all = append(all, res)
			}
		}
	}
	return all
}
