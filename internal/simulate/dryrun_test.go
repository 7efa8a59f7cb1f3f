package simulate

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/intstr"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
	"sluice.dev/sluice/internal/judge"
	"sluice.dev/sluice/internal/validate"
)

// TestTrials tells how people try a gate before it guards anything, and what rules and templates in
// templates do to a release.
func TestTrials(t *testing.T) {
	tell(t, []story{
		{name: "a dry run that fails changes nothing and is told", tell: func(t *testing.T, w *World, tr *Transcript) {
			change(w, "success-rate-with-job", func(s *api.AnalysisTemplateSpec) { s.DryRun = []api.DryRun{{MetricName: "^success-rate$"}} })
			deploy(t, w, tr)
			w.Answer = func(Question) judge.Sample { return number(0.02) }
			ship(w, tr, "2")
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			serves(t, w, 0, 5)
			recall(w, tr)
			told(t, w, `metric "success-rate" would have rolled this update back`)
		}},
		{name: "a dry run in the background is told while the update goes on", tell: func(t *testing.T, w *World, tr *Transcript) {
			background(w, true)
			beside(w, api.Metric{Name: "tried", Interval: "5s", SuccessCondition: "result[0] <= 0.05"})
			deploy(t, w, tr)
			w.Answer = func(q Question) judge.Sample {
				if q.Metric == "tried" && q.N == 4 {
					return number(0.2)
				}
				return number(0.001)
			}
			ship(w, tr, "2")
			pass(t, w, tr, 30*time.Second)
			is(t, w, api.RolloutPhaseProgressing, "")
			recall(w, tr)
			told(t, w, `metric "tried" would have rolled this update back`)
			pass(t, w, tr, 4*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			recall(w, tr)
		}},
		{name: "an inconclusive dry run would have paused", tell: func(t *testing.T, w *World, tr *Transcript) {
			change(w, "success-rate-with-job", func(s *api.AnalysisTemplateSpec) { s.DryRun = []api.DryRun{{MetricName: "success"}} })
			metricOf(w, "success-rate", func(m *api.Metric) { m.FailureCondition = "result[0] > 0.1" })
			deploy(t, w, tr)
			w.Answer = func(Question) judge.Sample { return number(0.02) }
			ship(w, tr, "2")
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			recall(w, tr)
			told(t, w, `metric "success-rate" would have paused this update`)
		}},
		{name: "what a failed gate stopped would have done nothing", tell: func(t *testing.T, w *World, tr *Transcript) {
			change(w, "success-rate-with-job", func(s *api.AnalysisTemplateSpec) {
				s.DryRun = []api.DryRun{{MetricName: "load-test"}}
			})
			deploy(t, w, tr)
			w.Answer = func(Question) judge.Sample { return number(0.02) }
			ship(w, tr, "2")
			pass(t, w, tr, time.Minute)
			is(t, w, api.RolloutPhaseDegraded, "RolloutAborted")
			recall(w, tr)
			for _, d := range w.Rollout().Status.Decisions {
				if d.Reason == decide.DecidedDryRun {
					t.Errorf("the Job was only stopped, and yet: %s", d.Message)
				}
			}
		}},
		{name: "a step of dry runs alone passes and takes its time", tell: func(t *testing.T, w *World, tr *Transcript) {
			w.Apply(func(ro *api.Rollout) {
				ro.Spec.Strategy.Canary.Steps[2].Analysis.DryRun = []api.DryRun{{MetricName: ".*"}}
			})
			deploy(t, w, tr)
			w.Answer = unauthorized
			w.Work = func(Question) (judge.Sample, time.Duration) { return exit(1), 20 * time.Second }
			ship(w, tr, "2")
			pass(t, w, tr, 10*time.Second)
			is(t, w, api.RolloutPhaseProgressing, "")
			pass(t, w, tr, 4*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			recall(w, tr)
			for name, run := range w.Runs() {
				if s := run.Status; s.RunSummary != (api.RunSummary{}) || s.DryRunSummary.Failed != 1 || s.DryRunSummary.Error != 1 {
					t.Errorf("run %s counts %+v and, dry, %+v", name, s.RunSummary, s.DryRunSummary)
				}
			}
		}},
		{name: "templates that include each other are refused before any pod moves", tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			w.Invalid = validated(w)
			change(w, "success-rate-with-job", func(s *api.AnalysisTemplateSpec) {
				s.Templates = []api.AnalysisTemplateRef{{TemplateName: "shared"}}
			})
			change(w, "shared", func(s *api.AnalysisTemplateSpec) {
				s.Templates = []api.AnalysisTemplateRef{{TemplateName: "success-rate-with-job"}}
			})
			ship(w, tr, "2")
			pass(t, w, tr, 30*time.Second)
			is(t, w, api.RolloutPhaseDegraded, "templates include each other: success-rate-with-job -> shared -> success-rate-with-job")
			serves(t, w, 0, 5)
			tr.Say("the circle is broken")
			change(w, "shared", func(s *api.AnalysisTemplateSpec) { s.Templates = nil })
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
		}},
		{name: "a metric of an included template guards", tell: func(t *testing.T, w *World, tr *Transcript) {
			change(w, "shared", func(s *api.AnalysisTemplateSpec) {
				s.Metrics = []api.Metric{{Name: "errors", SuccessCondition: "result[0] <= 0.05", Provider: api.MetricProvider{Prometheus: &api.PrometheusMetric{Query: "errors"}}}}
			})
			change(w, "success-rate-with-job", func(s *api.AnalysisTemplateSpec) {
				s.Templates = []api.AnalysisTemplateRef{{TemplateName: "shared"}}
			})
			deploy(t, w, tr)
			w.Answer = func(q Question) judge.Sample {
				if q.Metric == "errors" {
					return number(0.2)
				}
				return number(0.001)
			}
			ship(w, tr, "2")
			pass(t, w, tr, time.Minute)
			is(t, w, api.RolloutPhaseDegraded, `Metric "errors" assessed Failed`)
			serves(t, w, 0, 5)
		}},
		{name: "as many measurements stay as were asked for, and no more Jobs", tell: func(t *testing.T, w *World, tr *Transcript) {
			six, twelve := intstr.FromInt(6), intstr.FromInt(12)
			metricOf(w, "trigger-load-test", func(m *api.Metric) { m.Interval, m.Count = "1s", &six })
			metricOf(w, "success-rate", func(m *api.Metric) { m.Interval, m.Count = "5s", &twelve })
			w.Work = func(Question) (judge.Sample, time.Duration) { return exit(0), 5 * time.Second }
			change(w, "success-rate-with-job", func(s *api.AnalysisTemplateSpec) {
				s.MeasurementRetention = []api.MeasurementRetention{{MetricName: "load", Limit: 2}, {MetricName: "^success", Limit: 50}}
			})
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 5*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			for name, run := range w.runs {
				var kept []string
				for _, r := range run.object.Status.MetricResults {
					kept = append(kept, fmt.Sprintf("%s %d of %d", r.Name, len(r.Measurements), r.Count))
				}
				slices.Sort(kept)
				tr.Say("run keeps %s, and %d Jobs", strings.Join(kept, ", "), len(run.jobs))
				if strings.Join(kept, ", ") != "success-rate 12 of 12, trigger-load-test 2 of 6" || len(run.jobs) != 2 {
					t.Errorf("run %s keeps %v, and %d Jobs", name, kept, len(run.jobs))
				}
			}
		}},
		{name: "runs that are deleted at their end are heard first", tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			zero := int32(0)
			gone := func() {
				for _, r := range w.runs {
					r.object = r.object.DeepCopy()
					r.object.Spec.TTLStrategy = &api.TTLStrategy{SecondsAfterCompletion: &zero}
					r.version = w.touch()
				}
			}
			ship(w, tr, "2")
			pass(t, w, tr, 5*time.Second)
			tr.Say("kubectl patch analysisrun: ttlStrategy {secondsAfterCompletion: 0}")
			gone()
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			w.Answer = func(Question) judge.Sample { return number(0.02) }
			w.Work = func(Question) (judge.Sample, time.Duration) { return exit(0), -1 }
			metricOf(w, "success-rate", func(m *api.Metric) { m.InitialDelay = "20s" })
			ship(w, tr, "3")
			pass(t, w, tr, 5*time.Second)
			tr.Say("kubectl patch analysisrun: ttlStrategy {secondsAfterCompletion: 0}")
			gone()
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhaseDegraded, "RolloutAborted")
			serves(t, w, 0, 5)
			if n := len(w.Runs()); n != 0 {
				t.Errorf("%d runs are left, or were begun anew", n)
			}
		}},
	})
}

// change edits a template, which may be a new one.
func change(w *World, name string, edit func(*api.AnalysisTemplateSpec)) {
	key := decide.TemplateKey{Name: name}
	spec := w.Templates[key]
	edit(&spec)
	w.Templates[key] = spec
	w.touch()
}

// beside adds a metric to the background analysis that only tries.
func beside(w *World, m api.Metric) {
	m.Provider.Prometheus = &api.PrometheusMetric{Query: m.Name}
	change(w, "errors", func(s *api.AnalysisTemplateSpec) {
		s.Metrics = append(slices.Clone(s.Metrics), m)
		s.DryRun = []api.DryRun{{MetricName: "^" + m.Name + "$"}}
	})
}

// validated is what validation says of the Rollout as it stands.
func validated(w *World) func(*api.Rollout) []string {
	return func(ro *api.Rollout) []string {
		return validate.References(ro, validate.Refs{Template: func(name string, cluster bool) (api.AnalysisTemplateSpec, bool) {
			spec, ok := w.Templates[decide.TemplateKey{Name: name, Cluster: cluster}]
			return spec, ok
		}}).Of(validate.Invalid).Texts()
	}
}

// recall tells the decisions the Rollout remembers.
func recall(w *World, tr *Transcript) {
	for _, d := range w.Rollout().Status.Decisions {
		tr.Say("%s: %s", d.Reason, d.Message)
		for _, e := range d.Evidence {
			tr.Say("  %s %s: %s (%s)", e.Metric, e.Phase, e.Value, e.Limit)
		}
	}
}

// told wants one decision about a dry run, with its measurement.
func told(t *testing.T, w *World, text string) {
	t.Helper()
	n := 0
	for _, d := range w.Rollout().Status.Decisions {
		if d.Reason == decide.DecidedDryRun {
			n++
			if !strings.Contains(d.Message, text) || len(d.Evidence) != 1 || d.Evidence[0].Value == "" {
				t.Errorf("it tells %q with %+v", d.Message, d.Evidence)
			}
		}
	}
	if n != 1 {
		t.Errorf("it is told %d times", n)
	}
}
