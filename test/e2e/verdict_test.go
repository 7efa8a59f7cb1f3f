package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/test/stage"
)

// judged is an update to 20 % that an analysis judges.
const judged = `[{setWeight: 20}, ` + analysis + `]`

// Every way in which an analysis can end an update or hold it.
func TestAnAnalysisDecides(t *testing.T) {
	sc := play(t)
	sc.first(sc.rollout(judged), template(good))
	version := 1
	// update ships the next version, judged by these metrics.
	update := func(sc *scene, env map[string]string, metrics ...string) {
		sc.Helper()
		sc.apply(template(metrics...))
		version++
		sc.ship(stage.Version{Name: fmt.Sprint(version), Env: env})
	}
	for _, story := range []struct {
		title string
		play  func(sc *scene, update func(*scene, map[string]string, ...string))
	}{
		{"a failureCondition that holds rolls back and names value and threshold", failureCondition},
		{"with both conditions the first failure rolls back", firstFailure},
		{"with both conditions and neither true the update pauses until somebody decides", neitherTrue},
		{"a load test that misses its threshold rolls back", failingJob},
		{"a Job whose image cannot be pulled pauses the update and is named", noImage},
		{"a query that returns nothing never passes", noData},
		{"a failure-only rule does not pass on nothing", noDataForFailureOnly},
		{"a refusal by AMP is told and shows no secret", refused},
		{"an AMP that is down for 30 s in mid-analysis does not abort a healthy release", outage},
	} {
		t.Run(story.title, func(t *testing.T) {
			part := sc.of(t)
			part.began = time.Now()
			part.fault("")
			t.Cleanup(func() {
				if _, err := on.AMP(context.Background(), "DELETE", "/faults", ""); err != nil {
					t.Error(err)
				}
			})
			story.play(part, update)
		})
	}
}

func failureCondition(sc *scene, update func(*scene, map[string]string, ...string)) {
	update(sc, nil, query("cpu", "vector(0.0102)", `interval: 1s, count: 3, failureCondition: "result[0] > 0.004"`))
	ro := sc.goesBack(patience)
	sc.says("the message", ro.Status.Message, `"cpu"`, "0.0102", "0.004")
	if run := sc.run(); run.Status.Phase != api.AnalysisPhaseFailed {
		sc.Errorf("the run is %s", run.Status.Phase)
	}
}

const both = `interval: 1s, count: 3, successCondition: "result[0] <= 0.004", failureCondition: "result[0] > 0.008"`

func firstFailure(sc *scene, update func(*scene, map[string]string, ...string)) {
	update(sc, nil, query("cpu", "vector(0.0091)", both))
	ro := sc.goesBack(patience)
	sc.says("the message", ro.Status.Message, `"cpu"`, "0.0091", "0.008")
	if n := result(sc.run(), "cpu").Count; n != 1 {
		sc.Errorf("it was measured %d times, want once", n)
	}
}

func neitherTrue(sc *scene, update func(*scene, map[string]string, ...string)) {
	update(sc, nil, query("cpu", "vector(0.006)", both))
	ro := sc.becomes(api.RolloutPhasePaused, patience)
	sc.says("the message", ro.Status.Message, string(api.PauseReasonInconclusiveAnalysis))
	run := sc.run()
	if run.Status.Phase != api.AnalysisPhaseInconclusive {
		sc.Errorf("the run is %s", run.Status.Phase)
	}
	if got := result(run, "cpu").Measurements[0].Value; !strings.Contains(got, "0.006") {
		sc.Errorf("the measurement's value is %q", got)
	}
	if pods, err := sc.stage.Pods(sc.Context(), ro.Status.CurrentPodHash); err != nil || len(pods) != 1 {
		sc.Errorf("%d canary pods (%v), want 1", len(pods), err)
	}
	sc.apply(template(query("cpu", "vector(0.003)", both)))
	if _, err := sc.sluice("resume", "rollouts-demo"); err != nil {
		sc.Fatal(err)
	}
	sc.becomes(api.RolloutPhaseHealthy, patience)
	if runs := sc.runs(); len(runs) != 2 || runs[1].Status.Phase != api.AnalysisPhaseSuccessful {
		sc.Errorf("resuming measures again: there are %d runs, want 2 and the second successful", len(runs))
	}
}

func failingJob(sc *scene, update func(*scene, map[string]string, ...string)) {
	// A tenth of the threshold is how late the load generator itself may be: the machine may be busy.
	sc.apply(script(5, "http.response_time.p95: 2000"))
	update(sc, map[string]string{"SHOP_LATENCY": "3s"}, load())
	ro := sc.goesBack(patience)
	sc.says("the message", ro.Status.Message, `"load"`)
	job := result(sc.run(), "load")
	if job.Phase != api.AnalysisPhaseFailed {
		sc.Errorf("the metric is %s", job.Phase)
	}
	sc.says("the measurement", job.Message+job.Measurements[0].Message, "p95", "2000")
	sc.Log(ro.Status.Message)
}

func noImage(sc *scene, update func(*scene, map[string]string, ...string)) {
	const image = "registry.invalid/nobody/nothing:1"
	began := time.Now()
	update(sc, map[string]string{"SHOP_LATENCY": "0s"}, fmt.Sprintf(`{name: load, provider: {job: {spec: {backoffLimit: 0, template: {spec: {
	  restartPolicy: Never, containers: [{name: load, image: %q}]}}}}}}`, image))
	sc.until("the analysis to begin", func(ro *api.Rollout) bool { return ro.Status.Canary.CurrentStepAnalysisRunStatus != nil })
	measured := time.Now()
	ro := sc.becomes(api.RolloutPhasePaused, patience)
	took := time.Since(measured)
	sc.Logf("Inconclusive %s after the analysis began, %s after the update", took.Round(time.Second/10), time.Since(began).Round(time.Second/10))
	if took > 30*time.Second {
		sc.Errorf("it took %s to see that the image cannot be pulled", took)
	}
	sc.says("the message", ro.Status.Message, string(api.PauseReasonInconclusiveAnalysis))
	job := result(sc.run(), "load")
	if job.Phase != api.AnalysisPhaseInconclusive {
		sc.Errorf("the metric is %s", job.Phase)
	}
	sc.says("the measurement", job.Measurements[0].Message, image)
	out, err := sc.sluice("get", "rollout", "rollouts-demo")
	sc.must(err)
	sc.says("sluice get rollout", out, image)
	if _, err := sc.sluice("abort", "rollouts-demo"); err != nil {
		sc.Error(err)
	}
	sc.goesBack(patience)
}

func noData(sc *scene, update func(*scene, map[string]string, ...string)) {
	sc.fault(`{"empty":true}`)
	update(sc, nil, query("cpu", "vector(0.001)", `interval: 1s, count: 1, consecutiveErrorLimit: 1, successCondition: "result[0] <= 0.004"`))
	ro := sc.goesBack(patience)
	sc.says("the message", ro.Status.Message, "no data")
	if run := sc.run(); run.Status.Phase != api.AnalysisPhaseError {
		sc.Errorf("the run is %s", run.Status.Phase)
	}
}

func noDataForFailureOnly(sc *scene, update func(*scene, map[string]string, ...string)) {
	sc.fault(`{"empty":true}`)
	update(sc, nil, query("cpu", "vector(0.001)", `interval: 1s, count: 1, consecutiveErrorLimit: 1, failureCondition: "any(result, {# > 0.004})"`))
	ro := sc.goesBack(patience)
	sc.says("the message", ro.Status.Message, "no data")
	if n := result(sc.run(), "cpu").Successful; n > 0 {
		sc.Errorf("%d measurements passed", n)
	}
}

func refused(sc *scene, update func(*scene, map[string]string, ...string)) {
	sc.fault(`{"status":403}`)
	update(sc, nil, query("cpu", "vector(0.001)", `interval: 1s, count: 1, consecutiveErrorLimit: 1, successCondition: "result[0] <= 0.004"`))
	ro := sc.goesBack(patience)
	sc.says("the message", ro.Status.Message, "403")
	sc.nowhere("amp.monitoring", "ws-demo", stage.AccessKey, stage.SecretKey)
	sc.Log(ro.Status.Message)
}

func outage(sc *scene, update func(*scene, map[string]string, ...string)) {
	update(sc, nil, query("cpu", "vector(0.001)", `interval: 10s, count: 4, successCondition: "result[0] <= 0.004"`))
	sc.must(stage.Await(sc.Context(), patience, func(context.Context) error {
		if runs := sc.runs(); len(runs) == 1 && result(&runs[0], "cpu").Successful > 0 {
			return nil
		}
		return fmt.Errorf("nothing was measured yet")
	}))
	sc.fault(`{"status":503,"for":"30s"}`)
	ro, err := sc.stage.Phase(sc.Context(), 3*time.Minute, api.RolloutPhaseHealthy, api.RolloutPhaseDegraded)
	sc.must(err)
	if ro.Status.Phase != api.RolloutPhaseHealthy {
		sc.Fatalf("it was aborted: %s", ro.Status.Message)
	}
	cpu := result(sc.run(), "cpu")
	if cpu.Successful != 4 || cpu.Error == 0 {
		sc.Errorf("%d measurements passed and %d were errors, want 4 and at least one", cpu.Successful, cpu.Error)
	}
}
