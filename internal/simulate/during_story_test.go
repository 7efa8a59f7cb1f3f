package simulate

import (
	"testing"
	"time"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/judge"
)

// during has the seed's query measured during its load test, which takes a minute.
func during(w *World, window string, interval api.DurationString, comesTo judge.Sample) {
	metricOf(w, "trigger-load-test", func(m *api.Metric) { m.Provider.Job.Report = &api.JobReport{Format: api.ReportResult} })
	metricOf(w, "success-rate", func(m *api.Metric) { m.During, m.Interval, m.InitialDelay, m.Count = window, interval, "", nil })
	w.Work = func(Question) (judge.Sample, time.Duration) { return comesTo, time.Minute }
}

// TestStoriesOfLoadTests tells what measuring during a load test does to an update.
func TestStoriesOfLoadTests(t *testing.T) {
	phases := exit(0)
	phases.Report = map[string]any{"phases": map[string]any{
		"Warm": map[string]any{"from": 0.0, "to": 20.0}, "Burn": map[string]any{"from": 20.0, "to": 55.0},
	}}
	undecided := exit(3)
	undecided.Forced, undecided.Message = api.AnalysisPhaseInconclusive, "The Job's report is inconclusive: no CPU."
	tell(t, []story{
		{name: "F1 what goes wrong during a load test goes back while it still runs", tell: func(t *testing.T, w *World, tr *Transcript) {
			during(w, "trigger-load-test", "20s", exit(0))
			deploy(t, w, tr)
			began := w.Now
			w.Answer = func(q Question) judge.Sample {
				if q.At.Sub(began) > 30*time.Second {
					return number(0.5)
				}
				return number(0)
			}
			ship(w, tr, "2")
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhaseDegraded, "success-rate")
			neverPromoted(t, w, 0, 5)
		}},
		{name: "F2 a phase of a load test is looked at when it has been reported", tell: func(t *testing.T, w *World, tr *Transcript) {
			during(w, "trigger-load-test/Burn", "15s", phases)
			deploy(t, w, tr)
			w.Answer = func(q Question) judge.Sample {
				tr.Say("success-rate is asked for as of %s", q.At.Sub(tr.start))
				return number(0)
			}
			ship(w, tr, "2")
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
		}},
		{name: "F3 a load test that cannot tell leaves what was measured during it undecided", tell: func(t *testing.T, w *World, tr *Transcript) {
			during(w, "trigger-load-test", "20s", undecided)
			deploy(t, w, tr)
			w.Answer = func(Question) judge.Sample { return number(0) }
			ship(w, tr, "2")
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhasePaused, "")
			neverPromoted(t, w, 1, 4)
			for _, run := range w.Runs() {
				for _, r := range run.Status.MetricResults {
					if r.Phase == api.AnalysisPhaseSuccessful {
						t.Errorf("metric %s is Successful: %s", r.Name, r.Message)
					}
				}
			}
		}},
		{name: "F4 a load test that fails goes back and says by how much", tell: func(t *testing.T, w *World, tr *Transcript) {
			loadTested(w, JobPlan{ExitCode: 1, Report: reported("fail", "errors.rate <= 0.01: errors.rate = 0.37")})
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhaseDegraded, "The load test failed: errors.rate <= 0.01: errors.rate = 0.37 (1,204 requests at 98/s, 37 % errors, p95 41 ms, stable 20 ms (×2.05))")
			neverPromoted(t, w, 0, 5)
		}},
		{name: "F5 a load test that cannot tell holds the update and says why", tell: func(t *testing.T, w *World, tr *Transcript) {
			loadTested(w, JobPlan{Report: reported("inconclusive", "the load generator was the bottleneck")})
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhasePaused, "")
			neverPromoted(t, w, 1, 4)
		}},
		{name: "F6 a load test that passes lets the update go on", tell: func(t *testing.T, w *World, tr *Transcript) {
			loadTested(w, JobPlan{Report: reported("pass", "")})
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
		}},
	})
}

// loadTested has the seed's Job replaced by a load test that comes to what a scenario says, after a minute.
func loadTested(w *World, plan JobPlan) {
	metricOf(w, "trigger-load-test", func(m *api.Metric) {
		m.SuccessCondition = ""
		m.Provider = api.MetricProvider{LoadTest: &api.LoadTestMetric{Target: "http://canary", CompareTarget: "http://stable", Script: api.LoadTestScript{Inline: "{}"}}}
	})
	w.Answer = func(Question) judge.Sample { return number(0) }
	w.Work = func(Question) (judge.Sample, time.Duration) { return plan.loadSample(), time.Minute }
}

// reported is what a load test of both versions measured.
func reported(verdict, why string) map[string]any {
	errors := map[string]float64{"fail": 0.37}[verdict]
	return map[string]any{
		"version": 1.0, "verdict": verdict, "why": why, "duration": 12.28, "requests": 1204.0, "errorRate": errors,
		"latency": map[string]any{"p95": 41.0}, "stable": map[string]any{"errorRate": errors, "latency": map[string]any{"p95": 20.0}},
	}
}
