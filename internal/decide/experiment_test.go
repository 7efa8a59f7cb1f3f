package decide

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "sluice.dev/sluice/api/v1alpha1"
)

// proving is an Experiment whose pods serve since a minute, with two analyses it requires: one was successful, one
// is running.
func proving() ExperimentInput {
	at := metav1.NewTime(noon.Add(-time.Minute))
	ex := &api.Experiment{ObjectMeta: metav1.ObjectMeta{Name: "ex"}}
	ex.Spec.Templates = []api.TemplateSpec{{Name: "trial", Template: podTemplate("2")}}
	ex.Status = api.ExperimentStatus{
		Phase: api.AnalysisPhaseRunning, AvailableAt: &at,
		TemplateStatuses: []api.TemplateStatus{{Name: "trial", Status: api.TemplateStatusRunning, LastTransitionTime: &at, Replicas: 1, AvailableReplicas: 1}},
	}
	in := ExperimentInput{Experiment: ex, Now: noon, ReplicaSets: []ReplicaSet{
		{Name: "ex-trial", Hash: "trial", Wanted: 1, Replicas: 1, Ready: 1, Available: 1, Observed: true},
	}}
	for name, phase := range map[string]api.AnalysisPhase{"one": api.AnalysisPhaseSuccessful, "two": api.AnalysisPhaseRunning} {
		ex.Spec.Analyses = append(ex.Spec.Analyses, api.ExperimentAnalysisTemplateRef{Name: name, TemplateName: name, RequiredForCompletion: true})
		ex.Status.AnalysisRuns = append(ex.Status.AnalysisRuns, api.ExperimentAnalysisRunStatus{Name: name, AnalysisRun: "ex-" + name, Phase: phase})
		run := &api.AnalysisRun{ObjectMeta: metav1.ObjectMeta{Name: "ex-" + name}}
		run.Status.Phase = phase
		in.Runs = append(in.Runs, run)
	}
	return in
}

func TestAnExperimentEndsWithAllItRequires(t *testing.T) {
	in := proving()
	p := Experiment(in)
	if p.Status.Phase != api.AnalysisPhaseRunning || len(stated[RunStopped](Plan[api.RolloutStatus]{Actions: p.Actions})) > 0 {
		t.Errorf("with one of two successful it is %s, %q, and does %+v", p.Status.Phase, p.Status.Message, p.Actions)
	}
	for _, run := range in.Runs {
		run.Status.Phase = api.AnalysisPhaseSuccessful
	}
	if p := Experiment(in); p.Status.Phase != api.AnalysisPhaseSuccessful {
		t.Errorf("with both successful it is %s, %q", p.Status.Phase, p.Status.Message)
	}
}

func TestAnExperimentThatIsTerminatedBeforeItBeganEnds(t *testing.T) {
	for name, invalid := range map[string][]string{"valid": nil, "invalid": {"spec.templates: is wrong"}} {
		in := proving()
		in.Experiment.Status, in.Invalid = api.ExperimentStatus{}, invalid
		in.ReplicaSets, in.Runs = nil, nil
		in.Experiment.Spec.Terminate = true
		p := Experiment(in)
		if p.Status.Phase != api.AnalysisPhaseInconclusive || p.Status.Message != "terminated before it began" || len(p.Actions) > 0 {
			t.Errorf("%s: it is %q, %q, and does %+v", name, p.Status.Phase, p.Status.Message, p.Actions)
		}
		in.Experiment.Status = p.Status
		if again := Experiment(in); again.Status.Phase != p.Status.Phase || len(again.Actions) > 0 || len(again.Events) > 0 {
			t.Errorf("%s: then it is %q and does %+v, %+v", name, again.Status.Phase, again.Actions, again.Events)
		}
	}
}

func TestAnExperimentThatWasStartedOverDoesNotHearEarlierRuns(t *testing.T) {
	in := proving()
	for _, run := range in.Runs {
		if run.Name == "ex-two" {
			run.Status.Phase = api.AnalysisPhaseFailed
			run.Annotations = map[string]string{annotationAvailableAt: "1"}
		}
	}
	if p := Experiment(in); p.Status.Phase != api.AnalysisPhaseRunning {
		t.Errorf("it came to %s, %q", p.Status.Phase, p.Status.Message)
	}
}

// TestTheExperimentOfAStep tells what it can do to the update.
func TestTheExperimentOfAStep(t *testing.T) {
	required := []api.ExperimentAnalysisTemplateRef{{Name: "errors", TemplateName: "errors", RequiredForCompletion: true}}
	tests := []struct {
		name   string
		change func(*scene, *api.Experiment)
		step   int32
		phase  api.RolloutPhase
		shares int32
	}{
		{"while it runs its pods have their share", func(*scene, *api.Experiment) {}, 1, api.RolloutPhaseProgressing, 20},
		{"nobody is sent to pods that do not serve", func(_ *scene, ex *api.Experiment) {
			ex.Status.TemplateStatuses[0].AvailableReplicas = 0
		}, 1, api.RolloutPhaseProgressing, 0},
		{"a successful one completes the step", func(_ *scene, ex *api.Experiment) {
			ex.Status.Phase = api.AnalysisPhaseSuccessful
		}, 2, api.RolloutPhaseProgressing, 0},
		{"one that proved nothing pauses", func(_ *scene, ex *api.Experiment) {
			ex.Status.Phase, ex.Spec.Analyses = api.AnalysisPhaseSuccessful, required
		}, 1, api.RolloutPhasePaused, 0},
		{"one that failed aborts", func(_ *scene, ex *api.Experiment) {
			ex.Status.Phase = api.AnalysisPhaseFailed
		}, 0, api.RolloutPhaseDegraded, 0},
		{"one of an earlier attempt says nothing", func(s *scene, ex *api.Experiment) {
			ex.Status.Phase, s.Rollout.Status.Attempt = api.AnalysisPhaseFailed, 1
		}, 1, api.RolloutPhaseProgressing, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newScene()
			s.routed(50, 50)
			s.pods(4, 4)
			s.trying(20)
			test.change(s, s.Observed.Experiments[0])
			p := Rollout(s.RolloutInput)
			shares := int32(0)
			for _, told := range stated[TrafficSplits](p) {
				shares += total(told.Want.Additional)
			}
			if index(p.Status) != test.step || p.Status.Phase != test.phase || shares != test.shares {
				t.Errorf("step %d, %s, the experiment gets %d; want step %d, %s, %d (%s)",
					index(p.Status), p.Status.Phase, shares, test.step, test.phase, test.shares, p.Reason.Message)
			}
		})
	}
}
