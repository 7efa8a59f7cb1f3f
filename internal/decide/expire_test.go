package decide

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "sluice.dev/sluice/api/v1alpha1"
)

// over is a run that ended at noon.
func over(phase api.AnalysisPhase, ttl *api.TTLStrategy) *api.AnalysisRun {
	at := metav1.NewTime(noon)
	run := &api.AnalysisRun{Spec: api.AnalysisRunSpec{TTLStrategy: ttl}}
	run.Name = "run"
	run.CreationTimestamp = metav1.NewTime(noon.Add(-time.Hour))
	run.Status.Phase, run.Status.CompletedAt = phase, &at
	return run
}

func TestARunStaysAsLongAsItsSpecSays(t *testing.T) {
	after := func(completion, failure, success int32) *api.TTLStrategy {
		only := func(n int32) *int32 {
			if n < 0 {
				return nil
			}
			return &n
		}
		return &api.TTLStrategy{SecondsAfterCompletion: only(completion), SecondsAfterFailure: only(failure), SecondsAfterSuccess: only(success)}
	}
	negative := int32(-5)
	cases := []struct {
		name  string
		phase api.AnalysisPhase
		ttl   *api.TTLStrategy
		want  time.Duration // after the end; −1 = for good
	}{
		{"without a strategy it stays", api.AnalysisPhaseSuccessful, nil, -1},
		{"a strategy without times says nothing", api.AnalysisPhaseFailed, after(-1, -1, -1), -1},
		{"the field for success", api.AnalysisPhaseSuccessful, after(100, 50, 10), 10 * time.Second},
		{"the field for failure", api.AnalysisPhaseFailed, after(100, 50, 10), 50 * time.Second},
		{"an error is no failure", api.AnalysisPhaseError, after(100, 50, 10), 100 * time.Second},
		{"nor is an inconclusive end", api.AnalysisPhaseInconclusive, after(100, 50, 10), 100 * time.Second},
		{"without its own field completion counts", api.AnalysisPhaseSuccessful, after(100, 50, -1), 100 * time.Second},
		{"a failed run is kept when only success is to go", api.AnalysisPhaseFailed, after(-1, -1, 10), -1},
		{"an inconclusive run is kept when only failure and success are to go", api.AnalysisPhaseInconclusive, after(-1, 50, 10), -1},
		{"a run that measures is kept", api.AnalysisPhaseRunning, after(0, 0, 0), -1},
		{"zero is at once", api.AnalysisPhaseFailed, after(0, -1, -1), 0},
		{"less than zero too", api.AnalysisPhaseFailed, &api.TTLStrategy{SecondsAfterFailure: &negative}, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			at, ok := expiry(over(c.phase, c.ttl))
			if !ok {
				at = noon.Add(-1)
			}
			if got := at.Sub(noon); got != c.want {
				t.Errorf("it goes %s after its end, want %s", got, c.want)
			}
		})
	}
}

func TestARunOfNobodyDeletesItself(t *testing.T) {
	ten := int32(10)
	run := over(api.AnalysisPhaseError, &api.TTLStrategy{SecondsAfterCompletion: &ten})
	early := Analysis(AnalysisInput{Run: run, Now: noon.Add(3 * time.Second)})
	if len(early.Actions) != 0 || !early.Again.Equal(noon.Add(10*time.Second)) {
		t.Errorf("7 s before its time: %v, again at %s", early.Actions, early.Again)
	}
	late := Analysis(AnalysisInput{Run: run, Now: noon.Add(10 * time.Second)})
	if diff := cmp.Diff([]Action{RunGone{Name: "run"}}, late.Actions); diff != "" {
		t.Errorf("when its time is over (-want +got):\n%s", diff)
	}
	run.Status.CompletedAt = nil // as the reference leaves runs whose spec it could not read
	unmarked := Analysis(AnalysisInput{Run: run, Now: noon})
	if diff := cmp.Diff([]Action{RunGone{Name: "run"}}, unmarked.Actions); diff != "" {
		t.Errorf("without completedAt, an hour after its creation (-want +got):\n%s", diff)
	}
}

func TestARunIsSeenToHaveEndedBeforeItGoes(t *testing.T) {
	zero := int32(0)
	l := newLab(api.AnalysisRunSpec{Metrics: []api.Metric{prom("m", 1)}, TTLStrategy: &api.TTLStrategy{SecondsAfterCompletion: &zero}})
	l.says = map[string]float64{"m": 0}
	for !l.run.Status.Phase.Completed() {
		if l.pass(); len(l.last.Actions) != 0 {
			t.Fatalf("%v while the run is %s", l.last.Actions, l.run.Status.Phase)
		}
	}
	l.pass()
	if diff := cmp.Diff([]Action{RunGone{Name: "run"}}, l.last.Actions); diff != "" {
		t.Errorf("actions (-want +got):\n%s", diff)
	}
}

// TestARunOfARolloutStaysUntilItsEndWasHeard: deleted before, its verdict would be lost and another
// run begun in its place.
func TestARunOfARolloutStaysUntilItsEndWasHeard(t *testing.T) {
	zero := int32(0)
	run := over(api.AnalysisPhaseFailed, &api.TTLStrategy{SecondsAfterCompletion: &zero})
	ro := &api.Rollout{}
	ro.Name, ro.UID = "shop", "7"
	run.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(ro, api.Kind(api.KindRollout))}
	if plan := Analysis(AnalysisInput{Run: run, Now: noon.Add(time.Hour)}); len(plan.Actions) != 0 {
		t.Errorf("the run does by itself: %v", plan.Actions)
	}
	for status, want := range map[api.AnalysisPhase]int{api.AnalysisPhaseRunning: 0, api.AnalysisPhasePending: 0, api.AnalysisPhaseFailed: 1} {
		d := &draft{}
		d.status.Canary.CurrentStepAnalysisRunStatus = &api.RolloutAnalysisRunStatus{Name: "run", Status: status}
		f := facts{ro: ro, now: noon.Add(time.Hour), seen: Observed{Runs: []*api.AnalysisRun{run}}}
		if gone := d.expireRuns(f); len(gone) != want || len(d.actions) != want {
			t.Errorf("heard as %s: %v go", status, gone)
		}
	}
}
