package decide

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "sluice.dev/sluice/api/v1alpha1"
)

// decided adds a decision about the present revision at a step.
func (s *scene) decided(reason string, step int32) {
	s.Rollout.Status.Decisions = append(s.Rollout.Status.Decisions, api.Decision{
		At: metav1.NewTime(noon.Add(-time.Minute)), Reason: reason, Message: reason, Revision: s.fresh().Hash, Step: &step,
	})
}

// TestAMoveByHandIsRecorded tells what is kept of a client that moves the index of the current step.
func TestAMoveByHandIsRecorded(t *testing.T) {
	next := int32(3)
	tests := []struct {
		name   string
		play   func(*scene)
		reason string
		text   string
		from   int32
		to     int32
	}{
		{"a step that is running", func(s *scene) {
			s.decided(DecidedUpdate, 0)
			s.step(1)
		}, DecidedStepSkipped, "Step 1/4 (setWeight: 25) was skipped by hand.", 0, 1},
		{"a pause", func(s *scene) {
			s.decided(DecidedPause, 1)
			s.Rollout.Status.ControllerPause = true
			s.step(2)
		}, DecidedStepSkipped, "Step 2/4 (pause) was skipped by hand.", 1, 2},
		{"an analysis that has not measured", func(s *scene) {
			s.decided(DecidedStep, 1)
			s.run(api.AnalysisPhaseRunning)
			s.step(3)
		}, DecidedStepSkipped, "Step 3/4 (analysis) was skipped by hand: AnalysisRun RUN is stopped before it has measured anything.", 2, 3},
		{"an analysis that has measured", func(s *scene) {
			s.decided(DecidedStep, 1)
			run := s.run(api.AnalysisPhaseRunning)
			run.Spec.Metrics = []api.Metric{{Name: "errors", Interval: "1s"}}
			run.Status.MetricResults = []api.MetricResult{{Name: "errors", Count: 1}}
			s.step(3)
		}, DecidedStepSkipped, "Step 3/4 (analysis) was skipped by hand: AnalysisRun RUN is stopped after 1 measurement.", 2, 3},
		{"an analysis that was inconclusive", func(s *scene) {
			s.decided(DecidedStep, 1)
			s.decided(DecidedInconclusive, 2)
			s.run(api.AnalysisPhaseInconclusive)
			s.step(3)
		}, DecidedStepSkipped, "Step 3/4 (analysis) was skipped by hand: AnalysisRun RUN was inconclusive.", 2, 3},
		{"two steps at once", func(s *scene) {
			s.decided(DecidedStep, 0)
			s.step(3)
		}, DecidedStepSkipped, "Steps 2/4 and 3/4 were skipped by hand.", 1, 3},
		{"every step", func(s *scene) {
			s.decided(DecidedRetry, 0)
			s.step(4)
		}, DecidedStepSkipped, "Steps 1/4 to 4/4 were skipped by hand.", 0, 4},
		{"a decision beside the update does not hide where it stood", func(s *scene) {
			s.decided(DecidedStepsChanged, 0)
			s.decided(DecidedRestarted, 0)
			s.decided(DecidedDryRun, 0)
			s.step(1)
		}, DecidedStepSkipped, "Step 1/4 (setWeight: 25) was skipped by hand.", 0, 1},
		{"a way back", func(s *scene) {
			s.decided(DecidedStep, 2)
			s.step(0)
		}, DecidedSentBack, "The update was sent back from step 4/4 to step 1/4 by hand.", 3, 0},
		{"a way back from the end", func(s *scene) {
			s.decided(DecidedStep, 3)
			s.pods(3, 0) // or it would be promoted
			s.step(0)
		}, DecidedSentBack, "The update was sent back to step 1/4 by hand.", 4, 0},
		{"a skip after a skip", func(s *scene) {
			s.decided(DecidedStepSkipped, 1)
			s.Rollout.Status.Decisions[0].NextStep = &next
			s.step(4)
		}, DecidedStepSkipped, "Step 4/4 (setWeight: 50) was skipped by hand.", 3, 4},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene()
			tt.play(s)
			before := len(s.Rollout.Status.Decisions)
			text := strings.Replace(tt.text, "RUN", s.fresh().Name+"-2-2", 1)
			p := Rollout(s.RolloutInput)
			wants(t, p, "SkipSteps: "+text)
			made := p.Status.Decisions[before]
			if made.Reason != tt.reason || made.Message != text {
				t.Errorf("decided %s %q, want %s %q", made.Reason, made.Message, tt.reason, text)
			}
			if made.Step == nil || *made.Step != tt.from || made.NextStep == nil || *made.NextStep != tt.to {
				t.Errorf("from %v to %v, want %d and %d", made.Step, made.NextStep, tt.from, tt.to)
			}
			if made.RevisionNumber != 2 {
				t.Errorf("about revision %d, want 2", made.RevisionNumber)
			}
		})
	}
}

// TestWhatIsNoMoveByHand tells where the index says nothing about what anybody did.
func TestWhatIsNoMoveByHand(t *testing.T) {
	tests := []struct {
		name string
		play func(*scene)
	}{
		{"without decisions nobody knows where the update stood", func(s *scene) { s.step(2) }},
		{"decisions about another revision do not tell", func(s *scene) {
			s.decided(DecidedUpdate, 0)
			s.Rollout.Status.Decisions[0].Revision = s.stable().Hash
			s.step(2)
		}},
		{"a step that was completed by us", func(s *scene) {
			s.decided(DecidedStep, 1)
			s.step(2)
		}},
		{"a decision without its step", func(s *scene) {
			s.decided(DecidedStep, 1)
			s.Rollout.Status.Decisions[0].Step = nil
			s.step(3)
		}},
		{"a decision at a step there is not", func(s *scene) {
			s.decided(DecidedStep, 17)
			s.step(3)
		}},
		{"an update that is promoted in full", func(s *scene) {
			s.decided(DecidedUpdate, 0)
			s.Rollout.Status.PromoteFull = true
			s.step(2)
		}},
		{"an update that is aborted", func(s *scene) {
			s.decided(DecidedStep, 1)
			s.Rollout.Status.Abort = true
			s.step(0)
		}},
		{"steps that were changed", func(s *scene) {
			s.decided(DecidedStep, 1)
			s.canary().Steps = s.canary().Steps[:3]
			s.step(2)
		}},
		{"a promoted revision", func(s *scene) {
			s.decided(DecidedStep, 1)
			s.promoted()
			s.step(0)
		}},
		{"a spec that is invalid, whose steps are not those of the update", func(s *scene) {
			s.decided(DecidedStep, 1)
			s.Observed.Invalid = []string{"spec.selector: must match"}
			s.step(0)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene()
			tt.play(s)
			p := Rollout(s.RolloutInput)
			for _, made := range p.Status.Decisions {
				if made.Reason == DecidedStepSkipped || made.Reason == DecidedSentBack {
					t.Errorf("decided %s: %s", made.Reason, made.Message)
				}
			}
		})
	}
}

// TestASkipStartsTheDeadlineAnew: while an analysis measures no progress is due, so the step after it
// must not be overdue at once.
func TestASkipStartsTheDeadlineAnew(t *testing.T) {
	s := newScene()
	s.decided(DecidedStep, 1)
	s.Rollout.Status.Conditions[0].LastUpdateTime = metav1.NewTime(noon.Add(-time.Hour))
	s.step(3)
	p := Rollout(s.RolloutInput)
	for _, c := range p.Status.Conditions {
		if c.Type == api.RolloutProgressing && c.Reason != api.ReasonReplicaSetUpdated {
			t.Errorf("Progressing is %s, want %s: %s", c.Reason, api.ReasonReplicaSetUpdated, c.Message)
		}
	}
}
