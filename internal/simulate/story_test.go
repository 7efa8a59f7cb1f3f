package simulate

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
	"sluice.dev/sluice/internal/judge"
)

func TestStories(t *testing.T) {
	tell(t, []story{
		{name: "1 first apply is stable at once", tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			is(t, w, api.RolloutPhaseHealthy, "")
			serves(t, w, 0, 5)
			if n := len(w.Runs()); n != 0 {
				t.Errorf("%d runs, want none", n)
			}
		}},
		{name: "2 a good update is promoted", tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			serves(t, w, 0, 5)
		}},
		{name: "3 a bad update is rolled back by the query", tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			w.Answer = func(q Question) judge.Sample {
				if q.N > 1 {
					return number(0.0123)
				}
				return number(0.002)
			}
			ship(w, tr, "2")
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhaseDegraded, "RolloutAborted: Rollout aborted update to revision 2")
			last := w.Rollout().Status.Decisions[len(w.Rollout().Status.Decisions)-1]
			want := []api.Evidence{{
				Run: "rollouts-demo-" + w.Rollout().Status.CurrentPodHash + "-2-2", Metric: "success-rate", Phase: api.AnalysisPhaseFailed,
				Value: "[0.0123]", Condition: "result[0] <= 0.004", Threshold: "0.0123 > 0.004", Limit: "failed (1) > failureLimit (0)",
				Message: `successCondition "result[0] <= 0.004" is false: result[0] is 0.0123, 3.1 times the limit 0.004`,
			}}
			for i := range last.Evidence {
				last.Evidence[i].At = nil
			}
			if diff := cmp.Diff(want, last.Evidence); diff != "" {
				t.Errorf("evidence of the abort (-want +got):\n%s", diff)
			}
			for _, part := range []string{"success-rate", "0.0123", "0.004"} {
				is(t, w, api.RolloutPhaseDegraded, part)
			}
			serves(t, w, 0, 5)
		}},
		{name: "4a the failure condition rolls back", tell: func(t *testing.T, w *World, tr *Transcript) {
			metricOf(w, "success-rate", func(m *api.Metric) {
				m.SuccessCondition, m.FailureCondition = "", "result[0] > 0.008"
			})
			deploy(t, w, tr)
			w.Answer = func(Question) judge.Sample { return number(0.009) }
			ship(w, tr, "2")
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhaseDegraded, "0.009")
			serves(t, w, 0, 5)
		}},
		{name: "4b between both conditions is inconclusive and pauses", tell: func(t *testing.T, w *World, tr *Transcript) {
			metricOf(w, "success-rate", func(m *api.Metric) { m.FailureCondition = "result[0] > 0.008" })
			deploy(t, w, tr)
			w.Answer = func(Question) judge.Sample { return number(0.006) }
			ship(w, tr, "2")
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhasePaused, "InconclusiveAnalysisRun")
			serves(t, w, 1, 4)
			w.Answer = func(Question) judge.Sample { return number(0.001) }
			patch(w, tr, "resume: the analysis is measured again", func(s *api.RolloutStatus) { s.PauseConditions = nil })
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
		}},
		{name: "4c a failing Job rolls back", tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			w.Work = func(Question) (judge.Sample, time.Duration) { return exit(1), 10 * time.Second }
			ship(w, tr, "2")
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhaseDegraded, "trigger-load-test")
			serves(t, w, 0, 5)
		}},
		{name: "4d a Job whose image cannot be pulled pauses", tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			w.Work = func(Question) (judge.Sample, time.Duration) {
				return judge.Sample{Forced: api.AnalysisPhaseInconclusive, Message: "The image local/sluice-load:1 cannot be pulled (ErrImagePull)."}, 15 * time.Second
			}
			ship(w, tr, "2")
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhasePaused, "InconclusiveAnalysisRun")
			serves(t, w, 1, 4)
		}},
		{name: "4e a query that returns nothing never passes", tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			w.Answer = func(Question) judge.Sample { return judge.Sample{Result: []float64{}, Text: "[]"} }
			ship(w, tr, "2")
			pass(t, w, tr, 5*time.Minute)
			is(t, w, api.RolloutPhaseDegraded, "no data")
			serves(t, w, 0, 5)
		}},
		{name: "4f AMP answering 403 rolls back and says so", tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			w.Answer = unauthorized
			ship(w, tr, "2")
			pass(t, w, tr, 5*time.Minute)
			is(t, w, api.RolloutPhaseDegraded, "403")
			serves(t, w, 0, 5)
		}},
		{name: "4g Prometheus down for 30 s does not abort", tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			down := w.Now.Add(10 * time.Second)
			w.Answer = func(q Question) judge.Sample {
				if q.At.After(down) && q.At.Before(down.Add(30*time.Second)) {
					return judge.Sample{Failure: &judge.Failure{Class: judge.Unreachable, Message: "no answer from the server"}}
				}
				return number(0.001)
			}
			ship(w, tr, "2")
			pass(t, w, tr, 5*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
		}},
		{name: "5a abort by hand, fix, retry", tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 20*time.Second)
			patch(w, tr, "abort", func(s *api.RolloutStatus) { s.Abort = true })
			pass(t, w, tr, 10*time.Second)
			is(t, w, api.RolloutPhaseDegraded, "RolloutAborted: Rollout aborted update to revision 2")
			serves(t, w, 0, 5)
			patch(w, tr, "retry", func(s *api.RolloutStatus) { s.Abort = false })
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			if len(w.Runs()) != 2 {
				t.Errorf("%d runs, want the aborted one and the new one", len(w.Runs()))
			}
		}},
		{name: "5b promote skips the running step", tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			w.Work = func(Question) (judge.Sample, time.Duration) { return exit(0), -1 }
			ship(w, tr, "2")
			pass(t, w, tr, 30*time.Second)
			patch(w, tr, "promote", func(s *api.RolloutStatus) {
				next := *s.CurrentStepIndex + 1
				s.PauseConditions, s.CurrentStepIndex = nil, &next
			})
			pass(t, w, tr, 2*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
		}},
		{name: "5c promote --full skips everything but readiness", tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 20*time.Second)
			patch(w, tr, "promote --full", func(s *api.RolloutStatus) { s.PromoteFull = true })
			pass(t, w, tr, time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			serves(t, w, 0, 5)
		}},
		{name: "6 a third version during the update starts over", tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 20*time.Second)
			ship(w, tr, "3")
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			serves(t, w, 0, 5)
		}},
		{name: "7 going back to the stable template skips everything", tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 20*time.Second)
			ship(w, tr, "triggering-rollout-test-1")
			pass(t, w, tr, 20*time.Second)
			is(t, w, api.RolloutPhaseHealthy, "")
			serves(t, w, 0, 5)
		}},
		{name: "8 a canary that never serves runs out of time and can be aborted", tell: func(t *testing.T, w *World, tr *Transcript) {
			w.Boot = func(hash string) time.Duration {
				if hash != w.Rollout().Status.StableRS && w.Rollout().Status.StableRS != "" {
					return -1
				}
				return time.Second
			}
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 11*time.Minute)
			is(t, w, api.RolloutPhaseDegraded, "ProgressDeadlineExceeded")
			serves(t, w, 0, 4)
			patch(w, tr, "abort", func(s *api.RolloutStatus) { s.Abort = true })
			pass(t, w, tr, 10*time.Second)
			is(t, w, api.RolloutPhaseDegraded, "RolloutAborted")
			serves(t, w, 0, 5)
		}},
		{name: "9 an invalid spec stops forward movement until it is corrected", tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			w.Invalid = func(*api.Rollout) []string {
				return []string{`AnalysisTemplate "success-rate-with-job" does not exist`}
			}
			ship(w, tr, "2")
			pass(t, w, tr, 20*time.Second)
			is(t, w, api.RolloutPhaseDegraded, "InvalidSpec: The Rollout")
			serves(t, w, 0, 5)
			tr.Say("the template is created")
			w.Invalid = nil
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
		}},
		{name: "10 an unsupported block leaves everything as it is", tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			w.Unsupported = func(*api.Rollout) []string {
				return []string{"spec.strategy.canary.trafficRouting.istio: not supported yet"}
			}
			ship(w, tr, "2")
			writes := w.Writes()
			pass(t, w, tr, 20*time.Second)
			is(t, w, api.RolloutPhaseDegraded, "trafficRouting.istio: not supported yet")
			serves(t, w, 0, 5)
			if n := w.Writes() - writes; n != 1 {
				t.Errorf("%d writes, want the status alone", n)
			}
		}},
		{name: "11 a scale event in mid-update keeps the ratio", tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			w.Work = func(Question) (judge.Sample, time.Duration) { return exit(0), -1 }
			ship(w, tr, "2")
			pass(t, w, tr, 10*time.Second)
			tr.Say("scale to 10")
			w.Apply(func(ro *api.Rollout) { n := int32(10); ro.Spec.Replicas = &n })
			pass(t, w, tr, 10*time.Second)
			serves(t, w, 2, 8)
		}},
		{name: "12 abort works while the rollout is paused by hand", tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			w.Work = func(Question) (judge.Sample, time.Duration) { return exit(0), -1 }
			ship(w, tr, "2")
			pass(t, w, tr, 10*time.Second)
			tr.Say("spec.paused: true")
			w.Apply(func(ro *api.Rollout) { ro.Spec.Paused = true })
			pass(t, w, tr, 5*time.Second)
			is(t, w, api.RolloutPhasePaused, "manually paused")
			patch(w, tr, "abort", func(s *api.RolloutStatus) { s.Abort = true })
			pass(t, w, tr, 10*time.Second)
			is(t, w, api.RolloutPhaseDegraded, "RolloutAborted")
			serves(t, w, 0, 5)
		}},
		{name: "13 the progress deadline aborts on request", tell: func(t *testing.T, w *World, tr *Transcript) {
			w.Apply(func(ro *api.Rollout) {
				seconds := int32(60)
				ro.Spec.ProgressDeadlineSeconds, ro.Spec.ProgressDeadlineAbort = &seconds, true
			})
			deploy(t, w, tr)
			stable := w.Rollout().Status.StableRS
			w.Boot = func(hash string) time.Duration {
				if hash == stable {
					return time.Second
				}
				return -1
			}
			ship(w, tr, "2")
			pass(t, w, tr, 2*time.Minute)
			is(t, w, api.RolloutPhaseDegraded, "RolloutAborted: Rollout aborted update to revision 2: ReplicaSet")
			serves(t, w, 0, 5)
		}},
		{name: "14 a background analysis stops the update when it fails", tell: func(t *testing.T, w *World, tr *Transcript) {
			background(w, false)
			deploy(t, w, tr)
			w.Answer = func(q Question) judge.Sample {
				if q.Metric == "errors" && q.N == 4 {
					return number(0.2)
				}
				return number(0.001)
			}
			ship(w, tr, "2")
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhaseDegraded, `Background analysis phase error/failed: Metric "errors"`)
			serves(t, w, 0, 5)
		}},
		{name: "15 a background analysis that goes well is stopped by promotion", tell: func(t *testing.T, w *World, tr *Transcript) {
			background(w, false)
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			for name, r := range w.Runs() {
				if r.Status.Phase != api.AnalysisPhaseSuccessful {
					t.Errorf("run %s is %s: %s", name, r.Status.Phase, r.Status.Message)
				}
			}
		}},
		{name: "16 waitForVerdict holds the promotion until the background has its verdict", tell: func(t *testing.T, w *World, tr *Transcript) {
			background(w, true)
			deploy(t, w, tr)
			w.Answer = func(q Question) judge.Sample {
				if q.Metric == "errors" && q.N == 20 {
					return number(0.2)
				}
				return number(0.001)
			}
			ship(w, tr, "2")
			pass(t, w, tr, 4*time.Minute)
			is(t, w, api.RolloutPhaseDegraded, `Metric "errors"`)
			serves(t, w, 0, 5)
		}},
		{name: "17 a metric that holds waits for data without counting", tell: func(t *testing.T, w *World, tr *Transcript) {
			metricOf(w, "success-rate", func(m *api.Metric) { m.NoData = api.NoDataHold })
			deploy(t, w, tr)
			late := w.Now.Add(50 * time.Second)
			w.Answer = func(q Question) judge.Sample {
				if q.At.Before(late) {
					return judge.Sample{Result: []float64{}, Text: "[]"}
				}
				return number(0.001)
			}
			ship(w, tr, "2")
			pass(t, w, tr, 4*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
		}},
		{name: "18 a metric that holds for too long is an error", tell: func(t *testing.T, w *World, tr *Transcript) {
			metricOf(w, "success-rate", func(m *api.Metric) { m.NoData, m.NoDataDeadline = api.NoDataHold, "30s" })
			deploy(t, w, tr)
			w.Answer = func(Question) judge.Sample { return judge.Sample{Result: []float64{}, Text: "[]"} }
			ship(w, tr, "2")
			pass(t, w, tr, 10*time.Minute)
			is(t, w, api.RolloutPhaseDegraded, "no data")
			serves(t, w, 0, 5)
		}},
		{name: "19 no replicas are promoted at once", tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			w.Apply(func(ro *api.Rollout) { n := int32(0); ro.Spec.Replicas = &n })
			pass(t, w, tr, 5*time.Second)
			ship(w, tr, "2")
			pass(t, w, tr, 20*time.Second)
			is(t, w, api.RolloutPhaseHealthy, "")
			if len(w.Runs()) != 0 {
				t.Errorf("%d runs for no pods", len(w.Runs()))
			}
		}},
		{name: "20 an abort ends although the spec is invalid and the size changes", tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			w.Work = func(Question) (judge.Sample, time.Duration) { return exit(0), -1 }
			ship(w, tr, "2")
			pass(t, w, tr, 10*time.Second)
			w.Invalid = func(*api.Rollout) []string { return []string{"spec.strategy.canary.steps[0].setWeight: is 200"} }
			patch(w, tr, "abort, and scale to 8, with an invalid step", func(s *api.RolloutStatus) { s.Abort = true })
			w.Apply(func(ro *api.Rollout) { n := int32(8); ro.Spec.Replicas = &n })
			pass(t, w, tr, 10*time.Second)
			is(t, w, api.RolloutPhaseDegraded, "RolloutAborted")
			serves(t, w, 0, 8)
		}},
		{name: "21 a Job that was deleted by hand is an error and measured anew", tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 10*time.Second)
			tr.Say("kubectl delete job")
			for _, r := range w.runs {
				clear(r.jobs)
			}
			pass(t, w, tr, 2*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			if n := jobs(w); n != 2 {
				t.Errorf("%d measurements by Jobs, want the one whose Job was deleted and another", n)
			}
		}},
		{name: "22 the second analysis of two goes back from 60 %", in: seedTwo, tell: func(t *testing.T, w *World, tr *Transcript) {
			w.Work = func(Question) (judge.Sample, time.Duration) { return exit(0), 40 * time.Second }
			w.Answer = func(q Question) judge.Sample {
				if q.Metric == "answers" {
					return number(1)
				}
				return judge.Sample{Result: []float64{0.001, 0.001, 0.009}, Text: "[0.001,0.001,0.009]", Series: []string{`{pod="a"}`, `{pod="b"}`, `{pod="c"}`}}
			}
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhaseDegraded, `pod="c"`)
			is(t, w, api.RolloutPhaseDegraded, "cpu-of-every-pod")
			serves(t, w, 0, 5)
			for _, d := range w.Rollout().Status.Decisions {
				if d.Reason == decide.DecidedAbort && (d.Step == nil || *d.Step != 7) {
					t.Errorf("aborted at step %v, want index 7, after 60 %%", d.Step)
				}
			}
		}},
	})
}

// seedTwo is a world with the example of two analyses.
func seedTwo(t testing.TB) *World {
	t.Helper()
	var ro api.Rollout
	example(t, "seed-two/rollout.yaml", &ro)
	w := New(&ro, epoch)
	raw, err := os.ReadFile(filepath.Join("..", "..", "examples", "seed-two", "templates.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, doc := range strings.Split(string(raw), "\n---\n") {
		var template api.AnalysisTemplate
		if err := yaml.UnmarshalStrict([]byte(doc), &template); err != nil {
			t.Fatal(err)
		}
		w.Templates[decide.TemplateKey{Name: template.Name}] = template.Spec
	}
	return w
}
