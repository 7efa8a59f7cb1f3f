package decide

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "sluice.dev/sluice/api/v1alpha1"
)

// switching makes the scene a blue-green one with both revisions complete: Service live leads to this one, and
// Service next to the new one.
func (s *scene) switching(live *ReplicaSet) *api.BlueGreenStrategy {
	b := &api.BlueGreenStrategy{ActiveService: "live", PreviewService: "next"}
	s.Rollout.Spec.Strategy = api.RolloutStrategy{BlueGreen: b}
	s.Rollout.Status.CurrentStepHash, s.Rollout.Status.CurrentStepIndex = "", nil
	s.Rollout.Status.BlueGreen.ActiveSelector, s.Rollout.Status.BlueGreen.PreviewSelector = live.Hash, s.fresh().Hash
	s.pods(4, 4)
	s.Observed.Services = map[string]Service{
		"live": {Name: "live", Hash: live.Hash, ManagedBy: "web"},
		"next": {Name: "next", Hash: s.fresh().Hash, ManagedBy: "web"},
	}
	return b
}

// TestWhenTheActiveServiceIsSwitched says what must serve for that, and that whoever switches can see it.
func TestWhenTheActiveServiceIsSwitched(t *testing.T) {
	tests := []struct {
		name   string
		change func(*scene)
		want   []string
	}{
		{"when all new pods serve", func(*scene) {}, []string{"live leads to fresh, on 4 fresh"}},
		{"not while one is missing, although one may be missing in a restart", func(s *scene) { s.fresh().Available = 3 }, nil},
		{"back when all but as many as may be missing serve", func(s *scene) {
			s.switching(s.fresh())
			s.aborted()
			s.Rollout.Status.CurrentStepIndex = nil
			s.stable().Available = 3
		}, []string{"live leads to stable, on 3 stable"}},
		{"not back while more are missing than where it leads now", func(s *scene) {
			s.switching(s.fresh())
			s.aborted()
			s.Rollout.Status.CurrentStepIndex = nil
			s.stable().Available = 2
		}, nil},
		{"not for a version that inherits the way to the switch", func(s *scene) {
			s.Rollout.Status.BlueGreen.ScaleUpPreviewCheckPoint = true
			s.Rollout.Spec.Strategy.BlueGreen.AutoPromotionEnabled = new(bool)
			s.Rollout.Status.CurrentPodHash = "another"
		}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newScene()
			s.switching(s.stable())
			test.change(s)
			if diff := cmp.Diff(test.want, s.moves(Rollout(s.RolloutInput))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestTheDeadlineDoesNotRunWhileAnAnalysisOfASwitchMeasures: it is about pods, which may come and go meanwhile.
func TestTheDeadlineDoesNotRunWhileAnAnalysisOfASwitchMeasures(t *testing.T) {
	for _, phase := range []api.AnalysisPhase{api.AnalysisPhasePending, api.AnalysisPhaseRunning, api.AnalysisPhaseSuccessful} {
		s := newScene()
		b := s.switching(s.stable())
		b.PrePromotionAnalysis = &api.RolloutAnalysis{Templates: []api.AnalysisTemplateRef{{TemplateName: "errors"}}}
		s.Rollout.Status.BlueGreen.PrePromotionAnalysisRunStatus = &api.RolloutAnalysisRunStatus{Name: s.fresh().Name + "-2-pre", Status: phase}
		s.Rollout.Status.Conditions[0].LastUpdateTime = metav1.NewTime(noon.Add(-time.Hour))
		if runs := overdue(s.Rollout, &s.Rollout.Status); runs.IsZero() != !phase.Completed() {
			t.Errorf("%s: the deadline ends at %s", phase, runs)
		}
	}
}
