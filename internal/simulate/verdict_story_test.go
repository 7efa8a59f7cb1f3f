package simulate

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/intstr"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
	"sluice.dev/sluice/internal/judge"
)

func empty(Question) judge.Sample { return judge.Sample{Result: []float64{}, Text: "[]"} }

func noNumber(Question) judge.Sample {
	return judge.Sample{Result: []float64{nan()}, Text: "[NaN]", Series: []string{`{pod="canary"}`}}
}

func says(s judge.Sample) func(Question) judge.Sample {
	return func(Question) judge.Sample { return s }
}

// failing is a measurement that could not be taken.
func failing(class judge.FailureClass, message string) func(Question) judge.Sample {
	return says(judge.Sample{Failure: &judge.Failure{Class: class, Message: message}})
}

// judged gives the seed's query other conditions.
func judged(w *World, success, failure string) {
	metricOf(w, "success-rate", func(m *api.Metric) { m.SuccessCondition, m.FailureCondition = success, failure })
}

// neverPromoted checks that version 1 is still the stable one and serves.
func neverPromoted(t *testing.T, w *World, canary, stable int32) {
	t.Helper()
	if s := w.Rollout().Status; s.StableRS != w.born[0] {
		t.Errorf("%s was promoted: %s", s.StableRS, s.Message)
	}
	serves(t, w, canary, stable)
}

// TestVerdictStories tells the failure stories of the series C: what is missing, broken or late is never
// taken for a success.
func TestVerdictStories(t *testing.T) {
	tell(t, append(troublesOfJobs(), []story{
		{name: "C4 a limit that no failure can break passes nothing", tell: func(t *testing.T, w *World, tr *Transcript) {
			metricOf(w, "trigger-load-test", func(m *api.Metric) { one := intstr.FromInt32(1); m.FailureLimit = &one })
			deploy(t, w, tr)
			w.Work = func(Question) (judge.Sample, time.Duration) { return exit(1), 10 * time.Second }
			ship(w, tr, "2")
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhaseDegraded, "1 measurement and none was successful")
			neverPromoted(t, w, 0, 5)
		}},
		{name: "C5 errors and tolerated failures without one success pass nothing", tell: func(t *testing.T, w *World, tr *Transcript) {
			metricOf(w, "success-rate", func(m *api.Metric) {
				two := intstr.FromInt32(2)
				m.FailureLimit, m.Count = &two, &two
			})
			deploy(t, w, tr)
			w.Answer = func(q Question) judge.Sample {
				if q.N%2 == 0 {
					return number(0.5)
				}
				return failing(judge.Unreachable, "no answer from the server")(q)
			}
			ship(w, tr, "2")
			pass(t, w, tr, 10*time.Minute)
			is(t, w, api.RolloutPhaseDegraded, "none was successful")
			neverPromoted(t, w, 0, 5)
		}},
		{name: "C6 promotion waits for a read that is under way and hears its verdict", tell: func(t *testing.T, w *World, tr *Transcript) {
			w.Work = func(Question) (judge.Sample, time.Duration) { return exit(0), time.Second }
			background(w, false)
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 44500*time.Millisecond)
			tr.Say("the metric server takes its time")
			w.Answer = nil
			pass(t, w, tr, 4*time.Second)
			at(t, w, 9)
			neverPromoted(t, w, 5, 0)
			tr.Say("its answer is bad")
			w.Answer = says(number(0.5))
			pass(t, w, tr, time.Minute)
			is(t, w, api.RolloutPhaseDegraded, `Metric "errors"`)
			neverPromoted(t, w, 0, 5)
		}},
		{name: "C6 promotion waits for a read no longer than its timeout", tell: func(t *testing.T, w *World, tr *Transcript) {
			w.Work = func(Question) (judge.Sample, time.Duration) { return exit(0), time.Second }
			background(w, false)
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 44500*time.Millisecond)
			tr.Say("the metric server never answers again")
			w.Answer = nil
			pass(t, w, tr, time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			w.Answer = says(number(0.001))
		}},
		{name: "C8 an inconclusive background analysis holds the update until a person decides", tell: func(t *testing.T, w *World, tr *Transcript) {
			background(w, false)
			errors := w.Templates[decide.TemplateKey{Name: "errors"}]
			errors.Metrics[0].FailureCondition = "result[0] > 0.1"
			w.Apply(func(ro *api.Rollout) {
				minute := intstr.FromString("1m")
				ro.Spec.Strategy.Canary.Steps[1].Pause.Duration = &minute
			})
			deploy(t, w, tr)
			w.Answer = func(q Question) judge.Sample {
				if q.Metric == "errors" && q.N == 3 {
					return number(0.07)
				}
				return number(0.001)
			}
			ship(w, tr, "2")
			pass(t, w, tr, 10*time.Minute)
			at(t, w, 1)
			is(t, w, api.RolloutPhasePaused, "CanaryPauseStep")
			w.Answer = says(number(0.001))
			does(t, w, tr, "resume: the pause is over and the background is measured again", clearPause())
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
		}},
		{name: "C9 NaN does not pass a failure-only rule", tell: func(t *testing.T, w *World, tr *Transcript) {
			judged(w, "", "result[0] > 0.05")
			deploy(t, w, tr)
			w.Answer = noNumber
			ship(w, tr, "2")
			pass(t, w, tr, 5*time.Minute)
			is(t, w, api.RolloutPhaseDegraded, "NaN")
			neverPromoted(t, w, 0, 5)
		}},
		{name: "C9 NaN passes a rule that asks for it", tell: func(t *testing.T, w *World, tr *Transcript) {
			judged(w, "isNaN(result[0]) || result[0] < 0.05", "")
			deploy(t, w, tr)
			w.Answer = noNumber
			ship(w, tr, "2")
			pass(t, w, tr, 5*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
		}},
		{name: "C10 nothing does not pass a rule about all series", tell: func(t *testing.T, w *World, tr *Transcript) {
			judged(w, "all(result, # < 0.05)", "")
			deploy(t, w, tr)
			w.Answer = empty
			ship(w, tr, "2")
			pass(t, w, tr, 5*time.Minute)
			is(t, w, api.RolloutPhaseDegraded, "no data")
			neverPromoted(t, w, 0, 5)
		}},
		{name: "C10 nothing does not pass a failure-only rule about any series", tell: func(t *testing.T, w *World, tr *Transcript) {
			judged(w, "", "any(result, # > 0.05)")
			deploy(t, w, tr)
			w.Answer = empty
			ship(w, tr, "2")
			pass(t, w, tr, 5*time.Minute)
			is(t, w, api.RolloutPhaseDegraded, "no data")
			neverPromoted(t, w, 0, 5)
		}},
		{name: "C11 of many series the first is judged and the others are told", tell: func(t *testing.T, w *World, tr *Transcript) {
			many(w, api.SeriesFirst)
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 5*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			for _, r := range w.Runs() {
				first := r.Status.MetricResults[1].Measurements[0]
				if text := first.Message + fmt.Sprint(first.Metadata); !strings.Contains(text, "2") || !strings.Contains(text, "series") {
					t.Errorf("nobody is told of the second series: %q %v", first.Message, first.Metadata)
				}
			}
		}},
		{name: "C11 of many series every one is judged on request", tell: func(t *testing.T, w *World, tr *Transcript) {
			many(w, api.SeriesEvery)
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 5*time.Minute)
			is(t, w, api.RolloutPhaseDegraded, `pod="b"`)
			neverPromoted(t, w, 0, 5)
		}},
		{name: "C11 many series are an error on request", tell: func(t *testing.T, w *World, tr *Transcript) {
			many(w, api.SeriesError)
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 5*time.Minute)
			is(t, w, api.RolloutPhaseDegraded, "2 series")
			neverPromoted(t, w, 0, 5)
		}},
		{name: "C22 no credentials are told as that", tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			w.Answer = failing(judge.NoCredentials, "no AWS credentials were found: the pod has no role")
			ship(w, tr, "2")
			pass(t, w, tr, 5*time.Minute)
			is(t, w, api.RolloutPhaseDegraded, "no AWS credentials were found")
			neverPromoted(t, w, 0, 5)
		}},
		{name: "C22 credentials that are renewed in time abort nothing", tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			expire := w.Now.Add(15 * time.Second)
			w.Answer = func(q Question) judge.Sample {
				if q.At.After(expire) && q.At.Before(expire.Add(35*time.Second)) {
					return failing(judge.Unauthorized, "the server answered 403: the token has expired")(q)
				}
				return number(0.001)
			}
			ship(w, tr, "2")
			pass(t, w, tr, 5*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
		}},
		{name: "C24 a load tool that says 0 is judged by its report", tell: func(t *testing.T, w *World, tr *Transcript) {
			metricOf(w, "trigger-load-test", func(m *api.Metric) { m.SuccessCondition = "result == 0 && report.failed == 0" })
			deploy(t, w, tr)
			w.Work = func(Question) (judge.Sample, time.Duration) {
				s := exit(0)
				s.Report = map[string]any{"requests": 1000.0, "failed": 1000.0}
				return s, 10 * time.Second
			}
			ship(w, tr, "2")
			pass(t, w, tr, 5*time.Minute)
			is(t, w, api.RolloutPhaseDegraded, "report.failed")
			neverPromoted(t, w, 0, 5)
		}},
		{name: "C26 a new revision inherits no progress", tell: func(t *testing.T, w *World, tr *Transcript) {
			background(w, false)
			w.Apply(func(ro *api.Rollout) { ro.Spec.Strategy.Canary.Steps[6].Pause.Duration = nil })
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, time.Minute)
			at(t, w, 6)
			serves(t, w, 3, 2)
			ship(w, tr, "3")
			pass(t, w, tr, time.Second)
			serves(t, w, 1, 4)
			pass(t, w, tr, 10*time.Second)
			at(t, w, 2)
			third := w.Rollout().Status.CurrentPodHash
			for name, r := range w.Runs() {
				mine := r.Labels[api.LabelPodTemplateHash] == third
				if mine == r.Status.Phase.Completed() {
					t.Errorf("run %s of version 3 %v is %s", name, mine, r.Status.Phase)
				}
				if n := r.Status.RunSummary.Successful; mine && n > 0 {
					t.Errorf("run %s has %d metrics done already", name, n)
				}
			}
		}},
		{name: "C28 a text where a number is asked for", tell: func(t *testing.T, w *World, tr *Transcript) {
			judged(w, "", "result > 0.05")
			deploy(t, w, tr)
			w.Answer = says(judge.Sample{Result: "service is fine", Text: "service is fine"})
			ship(w, tr, "2")
			pass(t, w, tr, 5*time.Minute)
			is(t, w, api.RolloutPhaseDegraded, "could not evaluate")
			neverPromoted(t, w, 0, 5)
		}},
		{name: "C28 nothing at all", tell: func(t *testing.T, w *World, tr *Transcript) {
			judged(w, "", "result > 0.05")
			deploy(t, w, tr)
			w.Answer = says(judge.Sample{})
			ship(w, tr, "2")
			pass(t, w, tr, 5*time.Minute)
			is(t, w, api.RolloutPhaseDegraded, "no data")
			neverPromoted(t, w, 0, 5)
		}},
	}...))
}

// many lets the query return two series of which only the first is good.
func many(w *World, policy api.SeriesPolicy) {
	judged(w, "result[0] < 1000", "")
	metricOf(w, "success-rate", func(m *api.Metric) { m.Provider.Prometheus.Series = policy })
	w.Answer = says(judge.Sample{Result: []float64{500, 5000}, Text: "[500,5000]", Series: []string{`{pod="a"}`, `{pod="b"}`}})
}

// troublesOfJobs is C3: whatever keeps a load test from running, or ends it, never promotes.
func troublesOfJobs() (all []story) {
	failed := func(message string) judge.Sample {
		return judge.Sample{Forced: api.AnalysisPhaseFailed, NeverSuccessful: true, Message: message}
	}
	unclear := func(message string) judge.Sample {
		return judge.Sample{Forced: api.AnalysisPhaseInconclusive, Message: message}
	}
	killed := judge.Sample{Result: 137.0, Text: "137", NeverSuccessful: true, Message: `The Job failed: container "main" ended with exit code 137 (OOMKilled).`}
	const back, held = api.RolloutPhaseDegraded, api.RolloutPhasePaused
	for _, trouble := range []struct {
		name   string
		sample judge.Sample
		after  time.Duration
		ends   api.RolloutPhase
		says   string
	}{
		{"whose image cannot be pulled", unclear("Container \"main\" of the Job cannot start (ErrImagePull)."), 15 * time.Second, held, "InconclusiveAnalysisRun"},
		{"whose container cannot be configured", unclear("Container \"main\" of the Job cannot start (CreateContainerConfigError): secret \"x\" not found."), 15 * time.Second, held, "InconclusiveAnalysisRun"},
		{"that a quota refuses", judge.Sample{Failure: &judge.Failure{Class: judge.BadConfig, Message: "the server refuses the Job: exceeded quota"}}, 5 * time.Second, back, "exceeded quota"},
		{"that is evicted", failed("The Job failed; its pod ended with Evicted: the node was low on memory."), 10 * time.Second, back, "Evicted"},
		{"that runs out of memory", killed, 10 * time.Second, back, "OOMKilled"},
		{"that runs past its deadline", failed("The Job failed (DeadlineExceeded): Job was active longer than specified deadline."), time.Minute, back, "DeadlineExceeded"},
		{"that finds no node", judge.Sample{}, -1, api.RolloutPhaseProgressing, "more replicas need to be updated"},
		{"that somebody has suspended", judge.Sample{}, -1, api.RolloutPhaseProgressing, "more replicas need to be updated"},
	} {
		all = append(all, story{name: "C3 a load test " + trouble.name, tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			w.Work = func(Question) (judge.Sample, time.Duration) { return trouble.sample, trouble.after }
			ship(w, tr, "2")
			pass(t, w, tr, time.Hour)
			is(t, w, trouble.ends, trouble.says)
			if s := w.Rollout().Status; s.StableRS != w.born[0] {
				t.Error("promoted")
			}
		}})
	}
	return all
}
