package decide

import (
	"testing"

	api "sluice.dev/sluice/api/v1alpha1"
)

// TestANameThatIsTakenByAnEarlierAttempt: an old cache may show a name as free although a run of an earlier
// attempt has it. Nothing is taken from that run, whatever it came to, and the new one gets another name.
func TestANameThatIsTakenByAnEarlierAttempt(t *testing.T) {
	for _, phase := range []api.AnalysisPhase{
		api.AnalysisPhasePending, api.AnalysisPhaseRunning, api.AnalysisPhaseSuccessful,
		api.AnalysisPhaseFailed, api.AnalysisPhaseError, api.AnalysisPhaseInconclusive,
	} {
		t.Run("by one that is "+string(phase), func(t *testing.T) {
			s := newScene()
			s.step(2)
			old := s.run(phase)
			s.Rollout.Status.Attempt = 1
			s.Rollout.Status.Canary.CurrentStepAnalysisRunStatus.Status = api.AnalysisPhasePending
			p := Rollout(s.RolloutInput)
			if p.Status.Abort || len(p.Status.PauseConditions) > 0 || index(p.Status) != 2 {
				t.Fatalf("the old run had a say: abort %v, pauses %v, step %d", p.Status.Abort, p.Status.PauseConditions, index(p.Status))
			}
			ref := p.Status.Canary.CurrentStepAnalysisRunStatus
			if ref == nil || ref.Name != old.Name+".1" {
				t.Fatalf("the status refers to %+v, want %s.1", ref, old.Name)
			}
			begun, stopped := "", ""
			for _, action := range p.Actions {
				switch a := action.(type) {
				case RunExists:
					begun = a.Name
					if a.Annotations[annotationAttempt] != "1" {
						t.Errorf("the new run is of attempt %q", a.Annotations[annotationAttempt])
					}
				case RunStopped:
					stopped = a.Name
				}
			}
			if begun != ref.Name {
				t.Errorf("begun %q, want %s", begun, ref.Name)
			}
			if running := !phase.Completed(); running != (stopped == old.Name) {
				t.Errorf("stopped %q although the old run is %s", stopped, phase)
			}
		})
	}
}

// TestAnInvalidSpecDoesNotBringAnEarlierAttemptBack: the same while nothing may be begun.
func TestAnInvalidSpecDoesNotBringAnEarlierAttemptBack(t *testing.T) {
	s := newScene()
	s.step(2)
	old := s.run(api.AnalysisPhaseFailed)
	s.Rollout.Status.Attempt = 1
	s.Rollout.Status.Canary.CurrentStepAnalysisRunStatus.Status = api.AnalysisPhasePending
	s.Observed.Invalid = []string{"spec.replicas: must not be negative"}
	p := Rollout(s.RolloutInput)
	if ref := p.Status.Canary.CurrentStepAnalysisRunStatus; p.Status.Abort || ref != nil {
		t.Errorf("%s had a say: abort %v, the status refers to %+v", old.Name, p.Status.Abort, ref)
	}
}

// TestAnAttemptThatAnotherControllersDefinitionsDropped: the field that counts attempts is ours. Where it was lost,
// the run that is under way goes on.
func TestAnAttemptThatAnotherControllersDefinitionsDropped(t *testing.T) {
	s := newScene()
	s.step(2)
	s.run(api.AnalysisPhaseSuccessful).Annotations = map[string]string{annotationAttempt: "3"}
	if p := Rollout(s.RolloutInput); index(p.Status) != 3 {
		t.Errorf("step %d, want the next one: %s", index(p.Status), p.Reason.Message)
	}
}
