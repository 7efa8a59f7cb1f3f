package decide

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "sluice.dev/sluice/api/v1alpha1"
)

// backThen is a Rollout whose revisions were made one hour after the other, oldest first: the stable one and the
// one that its template asks for now are named by their place, from 0.
func backThen(made int, stable, fresh int, window int32) *scene {
	s := newScene()
	s.Observed.ReplicaSets = nil
	for i := range made {
		t := podTemplate(fmt.Sprint(i))
		n := int32(0)
		if i == stable {
			n = 4
		}
		hash := PodHash(&t, nil)
		s.Observed.ReplicaSets = append(s.Observed.ReplicaSets, ReplicaSet{
			Name: "web-" + hash, Hash: hash, Revision: int64(i + 1), CreatedAt: noon.Add(time.Duration(i-made) * time.Hour),
			Template: t, DesiredReplicas: 4, Observed: true, Wanted: n, Replicas: n, Ready: n, Available: n,
		})
	}
	s.Rollout.Spec.RollbackWindow = &api.RollbackWindowSpec{Revisions: window}
	s.Rollout.Spec.Template = podTemplate(fmt.Sprint(fresh))
	s.Rollout.Status.StableRS = s.Observed.ReplicaSets[stable].Hash
	s.Rollout.Status.CurrentPodHash = s.Rollout.Status.StableRS
	s.step(4)
	return s
}

func TestWhichRollbacksAreWithinTheWindow(t *testing.T) {
	for _, c := range []struct {
		name                        string
		made, stable, fresh, window int
		change                      func(*scene)
		want                        bool
	}{
		{"one back is within a window of 1", 4, 3, 2, 1, nil, true},
		{"two back is beyond a window of 1", 4, 3, 1, 1, nil, false},
		{"two back is within a window of 2", 4, 3, 1, 2, nil, true},
		{"three back is beyond a window of 2", 4, 3, 0, 2, nil, false},
		{"a window of 0 is none", 4, 3, 2, 0, nil, false},
		{"no window", 4, 3, 2, 1, func(s *scene) { s.Rollout.Spec.RollbackWindow = nil }, false},
		{"what is newer than stable is no rollback", 4, 2, 3, 5, nil, false},
		{"a revision nobody has made yet is no rollback", 4, 3, 9, 5, nil, false},
		{"what was made between counts, also when it has no pods and was never stable", 3, 2, 0, 1, nil, false},
		{"what was deleted does not count", 3, 2, 0, 1, func(s *scene) {
			s.Observed.ReplicaSets = slices.Delete(s.Observed.ReplicaSets, 1, 2)
		}, true},
		{"the number says nothing, as it grows when a revision comes back", 4, 3, 2, 1, func(s *scene) { s.Observed.ReplicaSets[2].Revision = 9 }, true},
		{"made within one second, the first numbers tell which was first", 2, 1, 0, 1, func(s *scene) {
			s.Observed.ReplicaSets[0].CreatedAt = s.Observed.ReplicaSets[1].CreatedAt
			s.Observed.ReplicaSets[0].Revision, s.Observed.ReplicaSets[0].History = 3, "1"
		}, true},
		{"without a stable ReplicaSet nothing is older", 4, 3, 2, 1, func(s *scene) {
			s.Observed.ReplicaSets = s.Observed.ReplicaSets[:3]
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := backThen(c.made, c.stable, c.fresh, int32(c.window))
			if c.change != nil {
				c.change(s)
			}
			plan := Rollout(s.RolloutInput)
			fast := slices.Contains(told(plan), "SkipSteps: Rollback within window: steps and analysis are skipped")
			if fast != c.want || (index(plan.Status) == 4) != c.want {
				t.Errorf("fast: %v at step %d, want %v; events %q", fast, index(plan.Status), c.want, told(plan))
			}
		})
	}
}

func TestAFastRollbackEndsPausesAndAbortsAndHasNoRuns(t *testing.T) {
	s := backThen(2, 1, 0, 1)
	s.Rollout.Status.Abort = true
	at := metav1.NewTime(noon)
	s.Rollout.Status.AbortedAt = &at
	s.paused(api.PauseReasonInconclusiveAnalysis, noon)
	plan := Rollout(s.RolloutInput)
	if plan.Status.Abort || plan.Status.AbortedAt != nil || len(plan.Status.PauseConditions) > 0 || plan.Status.ControllerPause {
		t.Errorf("it is held: %+v", plan.Status)
	}
	s.Rollout.Status = plan.Status
	s.Observed.ReplicaSets[0].Wanted, s.Observed.ReplicaSets[0].Replicas = 4, 4
	s.Observed.ReplicaSets[0].Ready, s.Observed.ReplicaSets[0].Available = 4, 4
	plan = Rollout(s.RolloutInput)
	if plan.Status.StableRS != s.Observed.ReplicaSets[0].Hash {
		t.Errorf("%s is stable", plan.Status.StableRS)
	}
	wants(t, plan, "RolloutCompleted: Rollout completed update to revision 3 ("+plan.Status.StableRS+"): Rollback within window")
	for _, a := range plan.Actions {
		if _, ok := a.(RunExists); ok {
			t.Errorf("a run is begun: %+v", a)
		}
	}
}

func TestAFastRollbackThatIsPromotedInFullTellsBothOnce(t *testing.T) {
	s := backThen(2, 1, 0, 1)
	for i := range 4 {
		s.Rollout.Status = Rollout(s.RolloutInput).Status
		s.Rollout.Status.PromoteFull = s.Rollout.Status.PromoteFull || i == 0
	}
	for _, reason := range []string{DecidedFull, DecidedFastRollback} {
		n := 0
		for _, made := range s.Rollout.Status.Decisions {
			if made.Reason == reason {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%d decisions %s: %q", n, reason, reasons(s.Rollout.Status))
		}
	}
}

func TestAFastRollbackTellsThatTheVersionWasAborted(t *testing.T) {
	const said = "The earlier update to this version was aborted."
	for _, c := range []struct {
		made []string
		want bool
	}{{nil, false}, {[]string{DecidedAbort}, true}, {[]string{DecidedAbort, DecidedPromotion}, false}} {
		s := backThen(2, 1, 0, 1)
		for _, reason := range c.made {
			s.Rollout.Status.Decisions = append(s.Rollout.Status.Decisions, api.Decision{Reason: reason, Revision: s.Observed.ReplicaSets[0].Hash})
		}
		decisions := Rollout(s.RolloutInput).Status.Decisions
		if last := decisions[len(decisions)-1]; last.Reason != DecidedFastRollback || strings.HasSuffix(last.Message, said) != c.want {
			t.Errorf("after %q it is told: %s: %s", c.made, last.Reason, last.Message)
		}
	}
}

func TestAFastRollbackWaitsWhileTheRolloutIsPausedByHand(t *testing.T) {
	s := backThen(2, 1, 0, 1)
	s.Rollout.Spec.Paused = true
	plan := Rollout(s.RolloutInput)
	skipped := slices.ContainsFunc(plan.Status.Decisions, func(made api.Decision) bool { return made.Reason == DecidedFastRollback })
	if skipped || index(plan.Status) != 0 || len(stated[ReplicaSetWants](plan)) > 0 {
		t.Errorf("at step %d, skipped %v: %+v", index(plan.Status), skipped, plan.Actions)
	}
}

func TestAnAbortOfAFastRollbackWins(t *testing.T) {
	s := backThen(2, 1, 0, 1)
	s.Rollout.Status = Rollout(s.RolloutInput).Status
	s.Observed.ReplicaSets[0].Wanted, s.Observed.ReplicaSets[1].Wanted = 2, 3
	s.Rollout.Status.Abort = true
	plan := Rollout(s.RolloutInput)
	if !plan.Status.Abort || plan.Status.Phase != api.RolloutPhaseDegraded {
		t.Errorf("it is %s, aborted %v", plan.Status.Phase, plan.Status.Abort)
	}
	for _, a := range plan.Actions {
		if w, ok := a.(ReplicaSetWants); ok && w.Name == s.Observed.ReplicaSets[0].Name && w.To > w.From {
			t.Errorf("the version that was aborted grows: %+v", w)
		}
	}
}

func TestAnAbortedFastRollbackIsToldAsAborted(t *testing.T) {
	began := metav1.NewTime(noon.Add(-time.Minute))
	s := newScene()
	s.Rollout.Status.Abort = true
	s.Rollout.Status.Duration = &api.RolloutDuration{RolloutStartedAt: &began, CompletionStatus: api.CompletionFastRolledBack}
	if got := Rollout(s.RolloutInput).Status.Duration; got.FinishedAt == nil || got.CompletionStatus != api.CompletionAborted {
		t.Errorf("the record is %+v, want it to end as %s", got, api.CompletionAborted)
	}
}

func TestARecordThatGoesOn(t *testing.T) {
	began := metav1.NewTime(noon.Add(-time.Minute))
	for _, c := range []struct {
		name    string
		running bool
		fresh   int // 1 is in progress, 2 is stable, 0 is older, 9 is new
		window  int32
		goesOn  bool
		want    api.CompletionStatus
	}{
		{"another version supersedes the update", true, 9, 1, false, ""},
		{"an older version with steps supersedes it too", true, 0, 0, false, ""},
		{"going back to stable rolls it back", true, 2, 1, true, api.CompletionRolledBack},
		{"going back to an older version in the window rolls it back fast", true, 0, 1, true, api.CompletionFastRolledBack},
		{"after a promotion, a fast rollback has its own record", false, 0, 1, false, api.CompletionFastRolledBack},
		{"after a promotion, a new version has its own record", false, 9, 1, false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := backThen(3, 2, c.fresh, c.window)
			// Revision 1 was made before stable, and is on its way back with steps.
			s.Observed.ReplicaSets[1].CreatedAt = noon.Add(-time.Hour / 2)
			s.Rollout.Status.CurrentPodHash = s.Observed.ReplicaSets[1].Hash
			clock := api.RolloutDuration{RolloutStartedAt: &began}
			if !c.running {
				s.Rollout.Status.CurrentPodHash = s.Rollout.Status.StableRS
				clock.FinishedAt, clock.CompletionStatus = &began, api.CompletionPromoted
			}
			s.Rollout.Status.Duration = &clock
			plan := Rollout(s.RolloutInput)
			got := plan.Status.Duration
			if goesOn := got.RolloutStartedAt.Equal(&began); goesOn != c.goesOn || got.CompletionStatus != c.want {
				t.Errorf("goes on: %v, want %v; it is called %q, want %q", goesOn, c.goesOn, got.CompletionStatus, c.want)
			}
			superseded := slices.ContainsFunc(plan.Status.Decisions, func(d api.Decision) bool {
				return d.Reason == DecidedUpdate && d.Message != "" && len(d.Message) > len("A new template was applied: revision 4 starts at step 1.")
			})
			if want := c.running && !c.goesOn; superseded != want {
				t.Errorf("superseded is told: %v, want %v: %+v", superseded, want, plan.Status.Decisions)
			}
		})
	}
}
