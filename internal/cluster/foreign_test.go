package cluster

import (
	"fmt"
	"slices"
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

// rival writes the status every so often for ten minutes, and we write it back whenever we do not wait. What
// comes out is when we did.
func rival(every time.Duration, aborted bool) (passes []time.Duration) {
	var all contests
	version := 1
	r := steered(version)
	r.Status.Abort = aborted
	all.saved(r.UID, r.ResourceVersion, &r.Status)
	for since := every; since <= 10*time.Minute; since += time.Second {
		if since%every == 0 {
			version++
			r = steered(version)
			r.Status.Abort, r.Status.Message = aborted, "theirs"
		}
		now := time.Unix(0, 0).Add(since)
		if _, _, until := all.compare(r, now); now.Before(until) || r.Status.Message == "" {
			continue
		}
		passes = append(passes, since)
		version++
		r = steered(version)
		r.Status.Abort = aborted
		all.saved(r.UID, r.ResourceVersion, &r.Status)
	}
	return passes
}

func gaps(passes []time.Duration) (gaps []time.Duration) {
	for i := 1; i < len(passes); i++ {
		gaps = append(gaps, passes[i]-passes[i-1])
	}
	return gaps
}

func TestAControllerThatDisagreesIsAnsweredLessAndLessOften(t *testing.T) {
	got := gaps(rival(time.Second, false))
	want := []time.Duration{1, 1, 1, 2, 4, 8, 16, 30, 30}
	for i, seconds := range want {
		if i >= len(got) || got[i] != seconds*time.Second {
			t.Fatalf("the passes lie %v apart, want %d s at first", got, want)
		}
	}
	if longest := slices.Max(got); longest > lastYield {
		t.Errorf("one pass came %s after the other", longest)
	}
}

func TestAControllerThatKeepsWritingDoesNotKeepUsFromPassing(t *testing.T) {
	for _, every := range []time.Duration{5 * time.Second, 20 * time.Second, 29 * time.Second} {
		if longest := slices.Max(gaps(rival(every, false))); longest > lastYield+every {
			t.Errorf("against one that writes every %s a pass came %s after the other", every, longest)
		}
	}
}

func TestTheWayBackIsHeldUpByNobody(t *testing.T) {
	if longest := slices.Max(gaps(rival(time.Second, true))); longest > abortYield {
		t.Errorf("one pass came %s after the other", longest)
	}
}

func TestRewritesLongAgoAreForgiven(t *testing.T) {
	var all contests
	r := steered(1)
	all.saved(r.UID, r.ResourceVersion, &r.Status)
	for version := 2; version < 10; version++ {
		r = steered(version)
		r.Status.Message = fmt.Sprint("theirs ", version)
		all.compare(r, time.Unix(0, 0))
	}
	r = steered(10)
	if _, row, until := all.compare(r, time.Unix(0, 0).Add(forgivenAfter+time.Second)); row != 1 || !until.IsZero() {
		t.Errorf("after a while without any it is number %d in a row and waits until %s", row, until)
	}
}

func TestAStatusThatWeNeverWroteIsNobodysFault(t *testing.T) {
	var all contests
	if fields, row, until := all.compare(steered(1), time.Unix(0, 0)); fields != nil || row != 0 || !until.IsZero() {
		t.Errorf("fields %v, row %d, until %s", fields, row, until)
	}
}
