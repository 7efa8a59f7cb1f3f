package command

import (
	"strings"
	"testing"

	api "sluice.dev/sluice/api/v1alpha1"
)

func TestAnExperimentIsStartedOverOnceItHasEnded(t *testing.T) {
	ex := &api.Experiment{Status: api.ExperimentStatus{Phase: api.AnalysisPhaseRunning}}
	ex.Name = "try"
	if change, err := RetryExperiment(ex); err != nil || len(change.Patches) > 0 {
		t.Errorf("%v, %v: want nothing to be done to one that runs", change, err)
	}
	ex.Status.Phase = api.AnalysisPhaseFailed
	change, err := RetryExperiment(ex)
	if err != nil || len(change.Patches) != 1 || string(change.Patches[0].Body) != `{"status":null}` {
		t.Errorf("%s, %v", change.Patches, err)
	}
	if _, err := TerminateExperiment(ex); err == nil || !strings.Contains(err.Error(), "has ended already (Failed)") {
		t.Errorf("terminating what has ended: %v", err)
	}
	ex.Spec.Terminate = true
	if _, err := RetryExperiment(ex); err == nil || !strings.Contains(err.Error(), "spec.terminate") {
		t.Errorf("starting over what is terminated: %v", err)
	}
}

func TestAnExperimentThatHasNotBegun(t *testing.T) {
	ex := &api.Experiment{Status: api.ExperimentStatus{Conditions: []api.ExperimentCondition{
		{Type: api.ExperimentInvalidSpec, Status: "True", Message: "spec.templates: is wrong"},
	}}}
	ex.Name = "try"
	retry, err := RetryExperiment(ex)
	if want := "experiment try has not begun: there is nothing to start over; correct its spec first: spec.templates: is wrong"; err != nil || len(retry.Patches) > 0 || retry.Effect != want {
		t.Errorf("started over: %q, %v; want %q", retry.Effect, err, want)
	}
	end, err := TerminateExperiment(ex)
	if want := "experiment try ends before it began: that is Inconclusive"; err != nil || len(end.Patches) != 1 || end.Effect != want {
		t.Errorf("terminated: %q, %v; want %q", end.Effect, err, want)
	}
}

func TestPromotePassesOverAnInconclusiveExperiment(t *testing.T) {
	index := int32(1)
	ro := &api.Rollout{}
	ro.Name = "shop"
	ro.Spec.Strategy.Canary = &api.CanaryStrategy{Steps: make([]api.CanaryStep, 3)}
	ro.Status = api.RolloutStatus{
		StableRS: "a", CurrentPodHash: "b", CurrentStepIndex: &index, ControllerPause: true, ObservedGeneration: "0",
		PauseConditions: []api.PauseCondition{{Reason: api.PauseReasonInconclusiveExperiment}},
	}
	change, err := Promote(ro)
	if err != nil || len(change.Patches) != 1 || !strings.Contains(string(change.Patches[0].Body), `"currentStepIndex":2`) {
		t.Errorf("%s, %v: want the step to be passed over", change.Patches, err)
	}
}
