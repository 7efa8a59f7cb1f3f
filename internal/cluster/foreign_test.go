package cluster

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	api "sluice.dev/sluice/api/v1alpha1"
)

// steered is a Rollout at a version, as we saved it.
func steered(version int) *api.Rollout {
	index := int32(1)
	r := &api.Rollout{}
	r.UID, r.ResourceVersion = "uid", fmt.Sprint(version)
	r.Status = api.RolloutStatus{
		Phase: api.RolloutPhasePaused, ObservedGeneration: "2", CurrentStepIndex: &index, ControllerPause: true, Replicas: 4,
		PauseConditions: []api.PauseCondition{{Reason: api.PauseReasonCanaryPauseStep}},
		Conditions:      []api.RolloutCondition{{Type: api.RolloutPaused, Status: "True"}},
		Decisions:       []api.Decision{{Reason: "Paused"}},
	}
	return r
}

func TestWhatCountsAsAnotherControllersWrite(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*api.RolloutStatus)
		want   []string
	}{
		{"a resumption is a client's", func(s *api.RolloutStatus) { s.PauseConditions = nil }, nil},
		{"a promotion of an inconclusive step is a client's", func(s *api.RolloutStatus) { s.ControllerPause = false }, nil},
		{"a skipped step is a client's", func(s *api.RolloutStatus) { *s.CurrentStepIndex++ }, nil},
		{"an abort is a client's", func(s *api.RolloutStatus) { s.Abort = true }, nil},
		{"a full promotion is a client's", func(s *api.RolloutStatus) { s.PromoteFull = true }, nil},
		{"what a server without our additions drops is nobody's", func(s *api.RolloutStatus) { s.Decisions = nil }, nil},
		{"an annotation is not about the status", func(*api.RolloutStatus) {}, nil},
		{"a phase is a controller's", func(s *api.RolloutStatus) { s.Phase = api.RolloutPhaseHealthy }, []string{"phase"}},
		{"conditions and numbers of pods are a controller's", func(s *api.RolloutStatus) {
			s.Conditions[0].Message = "theirs"
			s.AvailableReplicas = 3
		}, []string{"conditions", "replicas"}},
		{"the generation it has seen is a controller's", func(s *api.RolloutStatus) { s.ObservedGeneration = "3" }, []string{"observedGeneration"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var all contests
			r := steered(1)
			all.saved(r.UID, r.ResourceVersion, &r.Status)
			r = steered(2)
			c.change(&r.Status)
			fields, _, _ := all.compare(r, time.Unix(0, 0))
			if diff := cmp.Diff(c.want, fields); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
			if again, _, _ := all.compare(r, time.Unix(0, 0)); again != nil {
				t.Errorf("the same version counts again: %v", again)
			}
		})
	}
}

func TestAControllerThatDisagreesIsAnsweredLessAndLessOften(t *testing.T) {
	var all contests
	now, version := time.Unix(0, 0), 0
	rewrite := func() (row int, wait time.Duration) {
		version++
		r := steered(version)
		all.saved(r.UID, r.ResourceVersion, &r.Status)
		version++
		r = steered(version)
		r.Status.Message = "theirs"
		_, row, until := all.compare(r, now)
		return row, max(until.Sub(now), 0)
	}
	want := []time.Duration{0, 0, 0, 1, 2, 4, 8, 16, 30, 30}
	for i, seconds := range want {
		now = now.Add(time.Minute)
		if row, wait := rewrite(); row != i+1 || wait != seconds*time.Second {
			t.Errorf("rewrite %d is number %d in a row and waits %s, want %d s", i+1, row, wait, seconds)
		}
	}
	now = now.Add(forgivenAfter + time.Second)
	if row, wait := rewrite(); row != 1 || wait != 0 {
		t.Errorf("after a while without any it is number %d in a row and waits %s", row, wait)
	}
}

func TestAStatusThatWeNeverWroteIsNobodysFault(t *testing.T) {
	var all contests
	if fields, row, until := all.compare(steered(1), time.Unix(0, 0)); fields != nil || row != 0 || !until.IsZero() {
		t.Errorf("fields %v, row %d, until %s", fields, row, until)
	}
}
