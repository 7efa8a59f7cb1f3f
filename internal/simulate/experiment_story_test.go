package simulate

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
	"sluice.dev/sluice/internal/judge"
)

// compares is a Rollout whose second step runs both versions side by side and compares them.
func compares(t testing.TB) *World {
	t.Helper()
	w := seed(t)
	watching(w, "errors", 3)
	w.Apply(func(ro *api.Rollout) {
		weight, pods := int32(20), int32(1)
		ro.Spec.Strategy.Canary.Steps = []api.CanaryStep{
			{SetWeight: &weight},
			{Experiment: &api.RolloutExperimentStep{
				Templates: []api.RolloutExperimentTemplate{
					{Name: "baseline", SpecRef: api.StableSpecRef, Replicas: &pods},
					{Name: "candidate", SpecRef: api.CanarySpecRef, Replicas: &pods, Metadata: api.PodTemplateMetadata{Labels: map[string]string{"try": "yes"}}},
				},
				Analyses: []api.RolloutExperimentStepAnalysisTemplateRef{{
					Name: "compare", TemplateName: "errors", RequiredForCompletion: true,
					Args: []api.AnalysisRunArgument{{Name: "pods", Value: "{{templates.candidate.replicaset.name}}"}},
				}},
			}},
		}
	})
	return w
}

// watching adds a template whose metric is measured so many times, every 10 s.
func watching(w *World, name string, times int32) {
	count := intstr.FromInt32(times)
	w.Templates[decide.TemplateKey{Name: name}] = api.AnalysisTemplateSpec{Metrics: []api.Metric{{
		Name: name, Interval: "10s", Count: &count, SuccessCondition: "result[0] <= 0.01", FailureCondition: "result[0] > 0.05",
		Provider: api.MetricProvider{Prometheus: &api.PrometheusMetric{Query: "errors{pod=~\"{{args.pods}}.*\"}"}},
	}}, Args: []api.Argument{{Name: "pods"}}}
}

// laboratory is a world whose Rollout is at rest, with an Experiment of its own that lasts a minute.
func laboratory(t testing.TB) *World {
	t.Helper()
	w := seed(t)
	watching(w, "errors", 3)
	w.Until(w.Now.Add(5*time.Second), func() {})
	w.events = nil
	return w
}

func shopExperiment(change func(*api.ExperimentSpec)) *api.Experiment {
	pods := int32(2)
	ex := &api.Experiment{ObjectMeta: metav1.ObjectMeta{Name: "try"}, Spec: api.ExperimentSpec{
		Duration: "1m",
		Templates: []api.TemplateSpec{{
			Name: "new", Replicas: &pods, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "try"}},
			Template: Template("2"), Service: &api.TemplateService{},
		}},
	}}
	ex.Spec.Templates[0].Template.Spec.Containers[0].Ports = []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}}
	if change != nil {
		change(&ex.Spec)
	}
	return ex
}

func analysed(required bool, more ...string) func(*api.ExperimentSpec) {
	return func(spec *api.ExperimentSpec) {
		pods := "{{templates.new.podTemplateHash}}"
		spec.Analyses = []api.ExperimentAnalysisTemplateRef{{
			Name: "errors", TemplateName: "errors", RequiredForCompletion: required, Args: []api.Argument{{Name: "pods", Value: &pods}},
		}}
		for _, name := range more {
			spec.Analyses = append(spec.Analyses, api.ExperimentAnalysisTemplateRef{
				Name: name, TemplateName: name, Args: []api.Argument{{Name: "pods", Value: &pods}},
			})
		}
	}
}

// came checks what the only Experiment has come to, and that nothing of it is left.
func came(t *testing.T, w *World, phase api.AnalysisPhase, message string) {
	t.Helper()
	for name, ex := range w.Experiments() {
		if ex.Status.Phase != phase || !strings.Contains(ex.Status.Message, message) {
			t.Errorf("%s came to %s %q, want %s with %q", name, ex.Status.Phase, ex.Status.Message, phase, message)
		}
		if wanted, up := w.ExperimentPods(name); wanted > 0 || up > 0 {
			t.Errorf("%s still has %d of %d pods", name, up, wanted)
		}
		if left := w.ExperimentServices(name); len(left) > 0 {
			t.Errorf("%s still has the Services %v", name, left)
		}
	}
}

func TestExperimentSteps(t *testing.T) {
	tell(t, []story{
		{name: "an experiment step that goes well is passed", in: compares, tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			came(t, w, api.AnalysisPhaseSuccessful, "Required AnalysisRuns completed")
			for name, run := range w.Runs() {
				if got, want := *run.Spec.Args[0].Value, strings.TrimSuffix(name, "-compare")+"-candidate"; got != want {
					t.Errorf("the run is asked about %q, want %q", got, want)
				}
			}
		}},
		{name: "an experiment step that fails aborts", in: compares, tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			w.Answer = func(Question) judge.Sample { return number(0.09) }
			ship(w, tr, "2")
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhaseDegraded, "Experiment analysis phase is error/failed: Metric \"errors\" assessed Failed")
			serves(t, w, 0, 5)
			came(t, w, api.AnalysisPhaseFailed, "errors")
			tr.Say("retry: another Experiment is made, and the old one has no say")
			w.Answer = func(Question) judge.Sample { return number(0.001) }
			patch(w, tr, "retry", func(s *api.RolloutStatus) { s.Abort = false })
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			if n := len(w.Experiments()); n != 2 {
				t.Errorf("%d Experiments, want the failed one and the good one", n)
			}
		}},
		{name: "an inconclusive experiment pauses until somebody promotes", in: compares, tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			w.Answer = func(Question) judge.Sample { return number(0.03) }
			ship(w, tr, "2")
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhasePaused, "InconclusiveExperiment")
			serves(t, w, 1, 4)
			came(t, w, api.AnalysisPhaseInconclusive, "")
			patch(w, tr, "promote", func(s *api.RolloutStatus) {
				next := *s.CurrentStepIndex + 1
				s.PauseConditions, s.ControllerPause, s.CurrentStepIndex = nil, false, &next
			})
			pass(t, w, tr, time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
		}},
		{name: "an inconclusive experiment is run again when somebody resumes", in: compares, tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			w.Answer = func(Question) judge.Sample { return number(0.03) }
			ship(w, tr, "2")
			pass(t, w, tr, time.Minute)
			is(t, w, api.RolloutPhasePaused, "InconclusiveExperiment")
			w.Answer = func(Question) judge.Sample { return number(0.001) }
			patch(w, tr, "resume", func(s *api.RolloutStatus) { s.PauseConditions = nil })
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			if n := len(w.Experiments()); n != 2 {
				t.Errorf("%d Experiments, want 2", n)
			}
		}},
		{name: "skipping the step ends its experiment", in: compares, tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 15*time.Second)
			patch(w, tr, "promote: the step is skipped", func(s *api.RolloutStatus) {
				next := *s.CurrentStepIndex + 1
				s.PauseConditions, s.CurrentStepIndex = nil, &next
			})
			pass(t, w, tr, 2*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			came(t, w, api.AnalysisPhaseSuccessful, "Experiment Terminated")
		}},
		{name: "an abort ends the experiment", in: compares, tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			ship(w, tr, "2")
			w.Answer = func(Question) judge.Sample { return judge.Sample{Result: []float64{}, Text: "[]"} }
			pass(t, w, tr, 3*time.Second)
			patch(w, tr, "abort", func(s *api.RolloutStatus) { s.Abort = true })
			pass(t, w, tr, 2*time.Minute)
			is(t, w, api.RolloutPhaseDegraded, "RolloutAborted")
			serves(t, w, 0, 5)
			came(t, w, api.AnalysisPhaseInconclusive, "")
		}},
		{name: "a candidate that never serves fails the step and says why", in: compares, tell: func(t *testing.T, w *World, tr *Transcript) {
			w.Boot = func(of string) time.Duration {
				if strings.HasSuffix(of, "-candidate") {
					return -1
				}
				return time.Second
			}
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 15*time.Minute)
			is(t, w, api.RolloutPhaseDegraded, "CrashLoopBackOff")
			serves(t, w, 0, 5)
			came(t, w, api.AnalysisPhaseFailed, "0 of 1 pods available: 1 CrashLoopBackOff")
		}},
		{name: "an experiment that was deleted by hand is made again", in: compares, tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 15*time.Second)
			tr.Say("kubectl delete experiment")
			w.DeleteExperiment(w.Rollout().Status.Canary.CurrentExperiment)
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
		}},
	})
}

func TestExperimentsOfTheirOwn(t *testing.T) {
	tell(t, []story{
		{name: "an experiment lasts its time", in: laboratory, tell: func(t *testing.T, w *World, tr *Transcript) {
			w.CreateExperiment(shopExperiment(nil))
			pass(t, w, tr, 3*time.Minute)
			came(t, w, api.AnalysisPhaseSuccessful, "")
		}},
		{name: "a required analysis ends its experiment, and stops the other", in: laboratory, tell: func(t *testing.T, w *World, tr *Transcript) {
			watching(w, "latency", 100)
			w.CreateExperiment(shopExperiment(analysed(true, "latency")))
			pass(t, w, tr, 3*time.Minute)
			came(t, w, api.AnalysisPhaseSuccessful, "Required AnalysisRuns completed")
		}},
		{name: "an analysis that was stopped before it measured anything is no success", in: laboratory, tell: func(t *testing.T, w *World, tr *Transcript) {
			key := decide.TemplateKey{Name: "errors"}
			spec := w.Templates[key]
			spec.Metrics[0].InitialDelay = "10m"
			w.Templates[key] = spec
			w.CreateExperiment(shopExperiment(analysed(false)))
			pass(t, w, tr, 3*time.Minute)
			came(t, w, api.AnalysisPhaseInconclusive, "")
		}},
		{name: "an analysis that fails ends its experiment at once", in: laboratory, tell: func(t *testing.T, w *World, tr *Transcript) {
			w.Answer = func(q Question) judge.Sample { return number(0.03 * float64(q.N)) }
			w.CreateExperiment(shopExperiment(func(spec *api.ExperimentSpec) {
				analysed(false)(spec)
				limit := intstr.FromInt32(2)
				key := decide.TemplateKey{Name: "errors"}
				template := w.Templates[key]
				template.Metrics[0].InconclusiveLimit = &limit
				w.Templates[key] = template
			}))
			pass(t, w, tr, 3*time.Minute)
			came(t, w, api.AnalysisPhaseFailed, "errors")
		}},
		{name: "terminating an experiment by hand before its count is no success", in: laboratory, tell: func(t *testing.T, w *World, tr *Transcript) {
			w.CreateExperiment(shopExperiment(analysed(true)))
			pass(t, w, tr, 15*time.Second)
			tr.Say("sluice terminate experiment try")
			w.EditExperiment("try", func(ex *api.Experiment) { ex.Spec.Terminate = true })
			pass(t, w, tr, 2*time.Minute)
			came(t, w, api.AnalysisPhaseInconclusive, "stopped")
		}},
		{name: "terminating an experiment before its pods are there proves nothing", in: laboratory, tell: func(t *testing.T, w *World, tr *Transcript) {
			w.Boot = func(string) time.Duration { return -1 }
			w.CreateExperiment(shopExperiment(analysed(true)))
			pass(t, w, tr, 15*time.Second)
			tr.Say("sluice terminate experiment try")
			w.EditExperiment("try", func(ex *api.Experiment) { ex.Spec.Terminate = true })
			pass(t, w, tr, 2*time.Minute)
			came(t, w, api.AnalysisPhaseInconclusive, "before all pods were available")
		}},
		{name: "a template that never becomes ready fails its experiment", in: laboratory, tell: func(t *testing.T, w *World, tr *Transcript) {
			w.Boot = func(string) time.Duration { return -1 }
			deadline, delay := int32(60), int32(0)
			w.CreateExperiment(shopExperiment(func(spec *api.ExperimentSpec) {
				spec.ProgressDeadlineSeconds, spec.ScaleDownDelaySeconds = &deadline, &delay
			}))
			pass(t, w, tr, 2*time.Minute)
			came(t, w, api.AnalysisPhaseFailed, "has timed out progressing")
		}},
		{name: "an experiment with a mistake begins when it is corrected", in: laboratory, tell: func(t *testing.T, w *World, tr *Transcript) {
			w.InvalidExperiment = func(ex *api.Experiment) []string {
				if ex.Spec.Duration != "1m" {
					return []string{"spec.duration: is \"soon\""}
				}
				return nil
			}
			w.CreateExperiment(shopExperiment(func(spec *api.ExperimentSpec) { spec.Duration = "soon" }))
			pass(t, w, tr, 10*time.Second)
			tr.Say("the duration is corrected")
			w.EditExperiment("try", func(ex *api.Experiment) { ex.Spec.Duration = "1m" })
			pass(t, w, tr, 3*time.Minute)
			came(t, w, api.AnalysisPhaseSuccessful, "")
		}},
		{name: "an analysis whose template has gone is an error, after a while", in: laboratory, tell: func(t *testing.T, w *World, tr *Transcript) {
			deadline := int32(60)
			w.CreateExperiment(shopExperiment(func(spec *api.ExperimentSpec) {
				analysed(true)(spec)
				spec.ProgressDeadlineSeconds = &deadline
			}))
			delete(w.Templates, decide.TemplateKey{Name: "errors"})
			pass(t, w, tr, 3*time.Minute)
			came(t, w, api.AnalysisPhaseError, "It could not be begun: AnalysisTemplate \"errors\" not found")
		}},
		{name: "a name that is taken is not fought over", in: laboratory, tell: func(t *testing.T, w *World, tr *Transcript) {
			w.TakenNames = map[string]bool{"try-new": true, "try-errors": true}
			w.CreateExperiment(shopExperiment(analysed(true)))
			pass(t, w, tr, 3*time.Minute)
			came(t, w, api.AnalysisPhaseSuccessful, "")
			if w.Runs()["try-errors.1"] == nil {
				t.Errorf("runs %v, want try-errors.1", w.Runs())
			}
		}},
		{name: "an experiment that somebody starts over is measured anew", in: laboratory, tell: func(t *testing.T, w *World, tr *Transcript) {
			w.Answer = func(Question) judge.Sample { return number(0.09) }
			w.CreateExperiment(shopExperiment(analysed(true)))
			pass(t, w, tr, 10*time.Second)
			w.Answer = func(Question) judge.Sample { return number(0.001) }
			tr.Say("sluice retry experiment try")
			w.EditExperiment("try", func(ex *api.Experiment) { ex.Status = api.ExperimentStatus{} })
			pass(t, w, tr, 3*time.Minute)
			came(t, w, api.AnalysisPhaseSuccessful, "")
		}},
	})
}
