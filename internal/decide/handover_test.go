package decide

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "sluice.dev/sluice/api/v1alpha1"
)

// What another controller, or a time without one, has left behind.

func TestAnAbortOutlivesASpecThatIsInvalidAtTheTakeOver(t *testing.T) {
	s := newScene()
	at := metav1.NewTime(noon.Add(-time.Hour))
	s.Rollout.Status.Abort, s.Rollout.Status.AbortedAt = true, &at
	s.Rollout.Status.CurrentStepHash = "hashed-by-another-version"
	s.pods(0, 4)
	s.progressing(corev1.ConditionFalse, api.ReasonRolloutAborted, noon.Add(-time.Hour))
	s.Observed.Invalid = []string{`spec.strategy.canary.steps[2]: AnalysisTemplate "errors" does not exist`}
	s.Rollout.Status = Rollout(s.RolloutInput).Status
	s.Observed.Invalid, s.Now = nil, s.Now.Add(time.Minute)
	p := Rollout(s.RolloutInput)
	if !p.Status.Abort || len(p.Actions) > 0 {
		t.Errorf("abort %v, actions %v: the update was begun anew", p.Status.Abort, p.Actions)
	}
	if want := StepHash(s.canary().Steps); p.Status.CurrentStepHash != want {
		t.Errorf("the steps have hash %s, want %s", p.Status.CurrentStepHash, want)
	}
}

func TestProgressWhileNobodyLookedIsProgress(t *testing.T) {
	s := newScene()
	s.late()
	s.Rollout.Spec.ProgressDeadlineAbort = true
	if p := Rollout(s.RolloutInput); !p.Status.Abort {
		t.Fatal("without progress it is not aborted: this test shows nothing")
	}
	s.Rollout.Status.UpdatedReplicas = 0 // as it was when the last controller stopped
	p := Rollout(s.RolloutInput)
	if p.Status.Abort {
		t.Errorf("aborted: %s", p.Status.Message)
	}
	if p.Again.IsZero() || p.Again.After(s.Now.Add(defaultProgressDeadline)) {
		t.Errorf("the next look is at %s", p.Again)
	}
}

func TestAPodThatIsMissingAtRestIsWrittenOnce(t *testing.T) {
	s := newScene()
	s.promoted()
	s.Rollout.Status = Rollout(s.RolloutInput).Status
	s.fresh().Ready, s.fresh().Available = 3, 3
	s.Rollout.Status = Rollout(s.RolloutInput).Status
	s.Now = s.Now.Add(5 * time.Second)
	if diff := cmp.Diff(s.Rollout.Status, Rollout(s.RolloutInput).Status); diff != "" {
		t.Errorf("a second look changes the status (-before +after):\n%s", diff)
	}
}

func TestWaitForVerdictWaitsForARunThatDoesNotExist(t *testing.T) {
	for name, ref := range map[string]*api.RolloutAnalysisRunStatus{
		"it was refused":                     {Name: "web-new-2", Status: api.AnalysisPhasePending},
		"it was deleted while it measured":   {Name: "web-new-2", Status: api.AnalysisPhaseRunning},
		"nobody has begun it when all ended": nil,
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene()
			s.canary().Analysis = &api.RolloutAnalysisBackground{RolloutAnalysis: api.RolloutAnalysis{
				Templates: []api.AnalysisTemplateRef{{TemplateName: "errors"}}, WaitForVerdict: true,
			}}
			s.step(int32(len(s.canary().Steps)))
			s.pods(4, 0)
			if ref != nil {
				ref.Name = s.fresh().Name + "-2"
				s.Observed.RefusedRuns = map[string]string{ref.Name: "exceeded quota"}
			}
			s.Rollout.Status.Canary.CurrentBackgroundAnalysisRunStatus = ref
			p := Rollout(s.RolloutInput)
			if p.Status.StableRS == s.fresh().Hash {
				t.Error("promoted without a verdict")
			}
			if p.Reason.Code != "Verdict" && p.Reason.Message == "" {
				t.Errorf("the wait has no reason: %+v", p.Reason)
			}
		})
	}
}

func TestAPauseForAReasonOfSomebodyElseIsKept(t *testing.T) {
	s := newScene()
	s.paused("ApprovalPending", noon)
	p := Rollout(s.RolloutInput)
	if index(p.Status) != 0 || len(p.Status.PauseConditions) != 1 {
		t.Errorf("step %d, pauses %v: want step 0, and the pause", index(p.Status), p.Status.PauseConditions)
	}
}

func TestARunThatAnotherControllerLetPassUnmeasuredDoesNotCount(t *testing.T) {
	s := newScene()
	s.step(2)
	run := s.run(api.AnalysisPhaseSuccessful)
	run.Spec.Metrics = []api.Metric{{Name: "errors", Provider: api.MetricProvider{Prometheus: &api.PrometheusMetric{Query: "errors"}}}}
	run.Status.MetricResults = []api.MetricResult{{Name: "errors", Phase: api.AnalysisPhaseSuccessful}}
	run.Spec.Terminate, run.Status.Message = true, "Run Terminated"
	p := Rollout(s.RolloutInput)
	if index(p.Status) != 2 || len(p.Status.PauseConditions) != 1 || p.Status.PauseConditions[0].Reason != api.PauseReasonInconclusiveAnalysis {
		t.Errorf("step %d, pauses %v: want step 2, and a pause", index(p.Status), p.Status.PauseConditions)
	}
}

func TestASecondReplicaSetWithTheHashOfTheStableOneIsScaledDown(t *testing.T) {
	s := newScene()
	twin := *s.stable()
	twin.Name, twin.Wanted, twin.Replicas, twin.Ready, twin.Available = "web-restored", 2, 2, 2, 2
	s.Observed.ReplicaSets = append([]ReplicaSet{twin}, s.Observed.ReplicaSets...)
	p := Rollout(s.RolloutInput)
	for _, action := range p.Actions {
		if wants, ok := action.(ReplicaSetWants); ok && wants.Name == twin.Name && wants.To < twin.Wanted {
			return
		}
	}
	t.Errorf("its pods stay: %v", p.Actions)
}

// After a retry of ours another controller has taken a newer revision some way. It neither counts attempts nor takes
// the count back.
func TestARunThatAnotherControllerBeganAfterARetryOfOursHasItsSay(t *testing.T) {
	s := newScene()
	s.step(2)
	run := s.run(api.AnalysisPhaseFailed)
	began := metav1.NewTime(noon.Add(-time.Minute))
	s.Rollout.Status.Attempt, s.Rollout.Status.Duration = 1, &api.RolloutDuration{RolloutStartedAt: &began}
	if p := Rollout(s.RolloutInput); !p.Status.Abort {
		t.Errorf("the failure of %s was not heard", run.Name)
	}
	run.CreationTimestamp = metav1.NewTime(began.Add(-time.Second))
	if p := Rollout(s.RolloutInput); p.Status.Abort {
		t.Errorf("%s is of an earlier attempt and was heard", run.Name)
	}
}
