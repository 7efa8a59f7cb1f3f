package simulate

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/intstr"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
	"sluice.dev/sluice/internal/judge"
)

// slowly makes the analysis step measure one metric every 30 s, six times or without end, so that
// somebody may lose patience.
func slowly(w *World, count int32) {
	metric := api.Metric{
		Name: "errors", Interval: "30s", SuccessCondition: "result[0] <= 0.05",
		Provider: api.MetricProvider{Prometheus: &api.PrometheusMetric{Query: "errors"}},
	}
	if count > 0 {
		n := intstr.FromInt32(count)
		metric.Count = &n
	}
	w.Templates[decide.TemplateKey{Name: "success-rate-with-job"}] = api.AnalysisTemplateSpec{Metrics: []api.Metric{metric}}
	w.Apply(func(ro *api.Rollout) { ro.Spec.Strategy.Canary.Steps[2].Analysis.Args = nil })
}

// terminate ends the runs that measure, as `sluice terminate analysisrun` does.
func terminate(w *World, tr *Transcript) {
	tr.Say("terminate the run that measures")
	for _, r := range w.runs {
		if !r.object.Status.Phase.Completed() {
			r.object = r.object.DeepCopy()
			r.object.Spec.Terminate = true
			r.version = w.touch()
		}
	}
}

// TestTerminate tells what becomes of an update whose run a person ends before its time.
func TestTerminate(t *testing.T) {
	tell(t, []story{
		{name: "ending a run by hand before its count holds the update", tell: func(t *testing.T, w *World, tr *Transcript) {
			slowly(w, 6)
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 40*time.Second)
			terminate(w, tr)
			pass(t, w, tr, time.Hour)
			is(t, w, api.RolloutPhasePaused, "InconclusiveAnalysisRun")
			decisions := w.Rollout().Status.Decisions
			if last := decisions[len(decisions)-1]; last.Reason != decide.DecidedInconclusive {
				t.Errorf("the last decision is %s: %s", last.Reason, last.Message)
			} else {
				tr.Say("why: %s", last.Message)
			}
			does(t, w, tr, "resume: it is measured again", clearPause())
			pass(t, w, tr, 5*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
		}},
		{name: "ending a run by hand that nothing bounds passes it by what it has", tell: func(t *testing.T, w *World, tr *Transcript) {
			slowly(w, 0)
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 40*time.Second)
			terminate(w, tr)
			pass(t, w, tr, 5*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
		}},
		{name: "a run the update itself ends is judged by what it has", tell: func(t *testing.T, w *World, tr *Transcript) {
			slowly(w, 6)
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 40*time.Second)
			does(t, w, tr, "promote past the analysis", skip(w.Rollout()))
			pass(t, w, tr, time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			for name, run := range w.Runs() {
				if run.Status.Phase != api.AnalysisPhaseSuccessful || run.Annotations[api.AnnotationStoppedBy] != api.StoppedByRollout {
					t.Errorf("run %s: %s %s, annotations %v", name, run.Status.Phase, run.Status.Message, run.Annotations)
				}
			}
		}},
		{name: "ending a load test by hand in the middle holds the update", tell: func(t *testing.T, w *World, tr *Transcript) {
			w.Work = func(Question) (judge.Sample, time.Duration) { return exit(0), -1 }
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 40*time.Second)
			terminate(w, tr)
			pass(t, w, tr, time.Hour)
			is(t, w, api.RolloutPhasePaused, "InconclusiveAnalysisRun")
			if n := w.liveJobs(); n != 0 {
				t.Errorf("%d Jobs still run", n)
			}
		}},
	})
}
