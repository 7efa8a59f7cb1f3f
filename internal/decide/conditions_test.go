package decide

import (
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	api "sluice.dev/sluice/api/v1alpha1"
)

// progressing sets the Progressing condition as it was before.
func (s *scene) progressing(status corev1.ConditionStatus, reason string, since time.Time) {
	for i, c := range s.Rollout.Status.Conditions {
		if c.Type == api.RolloutProgressing {
			c.Status, c.Reason, c.LastUpdateTime = status, reason, metav1.NewTime(since)
			s.Rollout.Status.Conditions[i] = c
		}
	}
}

// TestConditions tells every condition the contract has for a canary: type, status, reason, message.
func TestConditions(t *testing.T) {
	fresh := newScene().fresh().Name
	tests := []struct {
		name string
		play func(*scene)
		want string
	}{
		{"a ReplicaSet is created", func(s *scene) { s.Observed.ReplicaSets = nil; s.Rollout.Status = api.RolloutStatus{} },
			`Progressing True NewReplicaSetCreated: Created new replica set "` + fresh + `"`},
		{"a ReplicaSet is found by a controller that knows nothing", func(s *scene) {
			s.Rollout.Status.Conditions = nil
			s.step(2)
			s.run(api.AnalysisPhaseRunning)
			s.counted()
		},
			`Progressing True FoundNewReplicaSet: Found new replica set "` + fresh + `"`},
		{"pods come", func(s *scene) { s.Rollout.Status.AvailableReplicas = 1 }, `Progressing True ReplicaSetUpdated: ReplicaSet "` + fresh + `" is progressing.`},
		{"a step is done", func(*scene) {}, `Progressing True ReplicaSetUpdated: ReplicaSet "` + fresh + `" is progressing.`},
		{"a promoted revision loses a pod", func(s *scene) {
			s.settled()
			s.counted()
			s.fresh().Available = 3
		}, `Progressing True ReplicaSetNotAvailable: ReplicaSet "` + fresh + `" is no longer available in full.`},
		{"all is done", (*scene).settled, `Progressing True NewReplicaSetAvailable: ReplicaSet "` + fresh + `" has successfully progressed.`},
		{"a pause begins", func(s *scene) { s.step(1) }, "Progressing Unknown RolloutPaused: Rollout is paused"},
		{"spec.paused", func(s *scene) { s.Rollout.Spec.Paused = true }, "Progressing Unknown RolloutPaused: Rollout is paused"},
		{"a pause by hand ends", func(s *scene) {
			s.progressing(corev1.ConditionUnknown, api.ReasonRolloutPaused, noon)
			s.step(2)
			s.run(api.AnalysisPhaseRunning)
			s.counted()
		}, "Progressing Unknown RolloutResumed: Rollout is resumed"},
		{"a retry", func(s *scene) {
			s.Rollout.Status.AbortedAt = &metav1.Time{Time: noon}
			s.pods(0, 4)
			s.counted()
		}, "Progressing Unknown RolloutRetry: Retrying Rollout after abort"},
		{"an abort", func(s *scene) { s.Rollout.Status.Abort = true }, "Progressing False RolloutAborted: Rollout aborted update to revision 2"},
		{"no progress in time", func(s *scene) { s.late() }, `Progressing False ProgressDeadlineExceeded: ReplicaSet "` + fresh + `" has timed out progressing.`},
		{"no progress in time, with progressDeadlineAbort", func(s *scene) { s.late(); s.Rollout.Spec.ProgressDeadlineAbort = true },
			`Progressing False RolloutAborted: Rollout aborted update to revision 2: ReplicaSet "` + fresh + `" has timed out progressing.`},
		{"progress after no progress", func(s *scene) {
			s.late()
			s.progressing(corev1.ConditionFalse, api.ReasonProgressDeadlineExceeded, noon)
			s.fresh().Ready = 1
		}, `Progressing True ReplicaSetUpdated: ReplicaSet "` + fresh + `" is progressing.`},

		{"all pods available", func(*scene) {}, "Available True AvailableReason: Rollout has minimum availability"},
		{"a pod short", func(s *scene) { s.stable().Available = 2 }, "Available False AvailableReason: Rollout does not have minimum availability"},
		{"promoted, and every pod serves", (*scene).settled, "Healthy True RolloutHealthy: Rollout is healthy"},
		{"healthy, then an update", func(s *scene) {
			s.Rollout.Status.Conditions = append(s.Rollout.Status.Conditions, api.RolloutCondition{Type: api.RolloutHealthy, Status: "True", Reason: api.ReasonRolloutHealthy})
		}, "Healthy False RolloutHealthy: Rollout is not healthy"},
		{"promoted and paused by hand", func(s *scene) { s.settled(); s.Rollout.Spec.Paused = true }, "no Healthy"},
		{"promoted, an old pod is left", func(s *scene) { s.settled(); s.stable().Replicas = 1 }, "no Healthy"},
		{"promoted, a pod short", func(s *scene) { s.settled(); s.fresh().Available = 3 }, "no Healthy"},
		{"stable is current", (*scene).settled, "Completed True RolloutCompleted: RolloutCompleted"},
		{"stable is not current", func(*scene) {}, "Completed False RolloutCompleted: RolloutCompleted"},
		{"a pause condition", func(s *scene) { s.step(1) }, "Paused True RolloutPaused: Rollout is paused"},
		{"paused by hand", func(s *scene) { s.Rollout.Spec.Paused = true }, "Paused True RolloutPaused: Rollout is paused"},
		{"never paused", func(*scene) {}, "no Paused"},
		{"paused before", func(s *scene) {
			s.Rollout.Status.Conditions = append(s.Rollout.Status.Conditions, api.RolloutCondition{Type: api.RolloutPaused, Status: "True", Reason: api.ReasonRolloutPaused})
		}, "Paused False RolloutPaused: Rollout is resumed"},
		{"the ReplicaSet controller is refused pods", func(s *scene) { s.fresh().Failure = "exceeded quota: pods" },
			"ReplicaFailure True FailedCreate: " + fresh + ": exceeded quota: pods"},
		{"nobody is refused pods", func(*scene) {}, "no ReplicaFailure"},
		{"several mistakes are all told", func(s *scene) { s.Observed.Invalid = []string{"spec.a: is wrong", "spec.b: too"} },
			`InvalidSpec True InvalidSpec: The Rollout "web" is invalid: spec.a: is wrong; spec.b: too`},
		{"no mistakes", func(*scene) {}, "no InvalidSpec"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newScene()
			test.play(s)
			got := Rollout(s.RolloutInput).Status.Conditions
			kind, absent := strings.CutPrefix(test.want, "no ")
			if !absent {
				kind, _, _ = strings.Cut(test.want, " ")
			}
			text := "no " + kind
			for _, c := range got {
				if string(c.Type) == kind {
					text = fmt.Sprintf("%s %s %s: %s", c.Type, c.Status, c.Reason, c.Message)
				}
			}
			if text != test.want {
				t.Errorf("got  %s\nwant %s", text, test.want)
			}
		})
	}
}

// settled is the scene when all is over.
func (s *scene) settled() {
	s.promoted()
	s.progressing(corev1.ConditionTrue, api.ReasonNewReplicaSetAvailable, noon)
}

// late is the scene eleven minutes after the last progress, with a canary that does not come up.
func (s *scene) late() {
	s.fresh().Ready, s.fresh().Available = 0, 0
	s.progressing(corev1.ConditionTrue, api.ReasonReplicaSetUpdated, noon.Add(-11*time.Minute))
	s.counted()
}

// counted makes the status say what is seen, so that nothing has moved.
func (s *scene) counted() {
	status := &s.Rollout.Status
	status.Replicas, status.UpdatedReplicas, status.ReadyReplicas, status.AvailableReplicas = 0, s.fresh().Replicas, 0, 0
	for _, rs := range s.Observed.ReplicaSets {
		status.Replicas += rs.Replicas
		status.ReadyReplicas += rs.Ready
		status.AvailableReplicas += rs.Available
	}
}

// TestDeadline tells when the progress deadline counts, and from when.
func TestDeadline(t *testing.T) {
	tests := []struct {
		name string
		play func(*scene)
		late bool
	}{
		{"a canary that does not come up", func(*scene) {}, true},
		{"not yet, one second before", func(s *scene) { s.Now = noon.Add(-time.Minute - time.Second) }, false},
		{"a longer deadline", func(s *scene) { seconds := int32(3600); s.Rollout.Spec.ProgressDeadlineSeconds = &seconds }, false},
		{"a shorter deadline", func(s *scene) {
			seconds := int32(60)
			s.Rollout.Spec.ProgressDeadlineSeconds = &seconds
			s.Now = noon.Add(-9 * time.Minute)
		}, true},
		{"another pod that became ready is progress", func(s *scene) { s.Rollout.Status.ReadyReplicas-- }, false},
		{"another pod that became available is progress", func(s *scene) { s.Rollout.Status.AvailableReplicas-- }, false},
		{"another new pod is progress", func(s *scene) { s.Rollout.Status.UpdatedReplicas = 0 }, false},
		{"one old pod fewer is progress", func(s *scene) { s.Rollout.Status.Replicas++ }, false},
		{"not while paused by hand", func(s *scene) { s.Rollout.Spec.Paused = true }, false},
		{"not in a pause", func(s *scene) { s.step(1); s.paused(api.PauseReasonCanaryPauseStep, noon.Add(-time.Hour)) }, false},
		{"not at a pause step", func(s *scene) { s.step(1) }, false},
		{"not at an analysis step", func(s *scene) { s.step(2); s.run(api.AnalysisPhaseRunning) }, false},
		{"not after an abort", func(s *scene) {
			s.Rollout.Status.Abort, s.Rollout.Status.AbortedAt = true, &metav1.Time{Time: noon.Add(-time.Hour)}
			s.progressing(corev1.ConditionFalse, api.ReasonRolloutAborted, noon.Add(-time.Hour))
		}, false},
		{"not while the spec is invalid", func(s *scene) { s.Observed.Invalid = []string{"spec: is wrong"} }, false},
		{"not with no pods wanted", func(s *scene) { s.replicas(0) }, false},
		{"not for a pod that is lost after the end of the update", func(s *scene) {
			s.promoted()
			s.Rollout.Status.Duration = &api.RolloutDuration{FinishedAt: &metav1.Time{Time: noon.Add(-time.Hour)}}
			s.fresh().Available = 3
			s.counted()
		}, false},
		{"not once all has been well", func(s *scene) {
			s.progressing(corev1.ConditionTrue, api.ReasonNewReplicaSetAvailable, noon.Add(-time.Hour))
		}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newScene()
			s.late()
			test.play(s)
			p := Rollout(s.RolloutInput)
			late := strings.HasPrefix(p.Status.Message, "ProgressDeadlineExceeded")
			if late != test.late {
				t.Errorf("late: %v, want %v: %s %s", late, test.late, p.Status.Phase, p.Status.Message)
			}
			if late && p.Status.StableRS == s.Rollout.Status.CurrentPodHash {
				t.Error("promoted")
			}
		})
	}
}

// TestPhase goes down the contract's list: the first rule that applies wins, although all later ones
// would too.
func TestPhase(t *testing.T) {
	condition := func(kind api.RolloutConditionType, reason, message string) func(*draft, *api.Rollout) {
		return func(d *draft, _ *api.Rollout) {
			d.status.Conditions = append(d.status.Conditions, api.RolloutCondition{Type: kind, Reason: reason, Message: message})
		}
	}
	rules := []struct {
		name string
		set  func(*draft, *api.Rollout) // makes the rule apply
		want string
	}{
		{"an invalid spec", condition(api.RolloutInvalidSpec, api.ReasonInvalidSpec, "wrong"), "Degraded: InvalidSpec: wrong"},
		{"an abort", condition(api.RolloutProgressing, api.ReasonRolloutAborted, "gone back"), "Degraded: RolloutAborted: gone back"},
		{"the deadline", condition(api.RolloutProgressing, api.ReasonProgressDeadlineExceeded, "too late"), "Degraded: ProgressDeadlineExceeded: too late"},
		{"spec.paused", func(_ *draft, ro *api.Rollout) { ro.Spec.Paused = true }, "Paused: manually paused"},
		{"the first pause condition", func(d *draft, _ *api.Rollout) {
			d.status.PauseConditions = []api.PauseCondition{{Reason: api.PauseReasonInconclusiveAnalysis}, {Reason: api.PauseReasonCanaryPauseStep}}
		}, "Paused: InconclusiveAnalysisRun"},
		{"a restart", func(_ *draft, ro *api.Rollout) { at := metav1.NewTime(noon); ro.Spec.RestartAt = &at }, "Progressing: rollout is restarting"},
		{"too few updated pods", func(d *draft, _ *api.Rollout) { d.status.UpdatedReplicas = 3 }, "Progressing: more replicas need to be updated"},
		{"too few available pods", func(d *draft, _ *api.Rollout) { d.status.AvailableReplicas = 2 }, "Progressing: updated replicas are still becoming available"},
		{"old pods", func(d *draft, _ *api.Rollout) { d.status.Replicas = 5 }, "Progressing: old replicas are pending termination"},
		{"stable is not current", func(d *draft, _ *api.Rollout) { d.status.StableRS = "old" }, "Progressing: waiting for all steps to complete"},
		{"nothing", func(*draft, *api.Rollout) {}, "Healthy: "},
	}
	for i, rule := range rules {
		t.Run(rule.name, func(t *testing.T) {
			ro := &api.Rollout{}
			d := &draft{status: api.RolloutStatus{StableRS: "new", CurrentPodHash: "new", Replicas: 4, UpdatedReplicas: 4, AvailableReplicas: 4}}
			for _, r := range rules[i:] {
				r.set(d, ro)
			}
			phase, message := d.phase(facts{ro: ro, replicas: 4, hash: "new"})
			if got := fmt.Sprintf("%s: %s", phase, message); got != rule.want {
				t.Errorf("got %q, want %q", got, rule.want)
			}
		})
	}
}

// TestConditionsGoByTheirOrder: clients read the list from its beginning, so what changed last stands last.
func TestConditionsGoByTheirOrder(t *testing.T) {
	s := newScene()
	s.Rollout.Status.Abort = true
	s.Observed.Invalid = []string{"spec: is wrong"}
	p := Rollout(s.RolloutInput)
	if !strings.HasPrefix(p.Status.Message, "RolloutAborted") && !strings.HasPrefix(p.Status.Message, "InvalidSpec") {
		t.Fatalf("message %q", p.Status.Message)
	}
	first := ""
	for _, c := range p.Status.Conditions {
		if c.Type == api.RolloutInvalidSpec || c.Reason == api.ReasonRolloutAborted {
			first = string(c.Type)
			break
		}
	}
	want := map[string]string{string(api.RolloutInvalidSpec): "InvalidSpec", string(api.RolloutProgressing): "RolloutAborted"}[first]
	if !strings.HasPrefix(p.Status.Message, want) {
		t.Errorf("the list begins with %s, the message says %q", first, p.Status.Message)
	}
}

// TestPauseConditions tells what a pause step leaves in the status, and that it never begins too early.
func TestPauseConditions(t *testing.T) {
	s := newScene()
	s.step(1)
	s.lasting(intstr.FromInt32(10))
	s.Now = noon.Add(400 * time.Millisecond)
	p := Rollout(s.RolloutInput)
	if !p.Status.ControllerPause || len(p.Status.PauseConditions) != 1 {
		t.Fatalf("controllerPause %v, conditions %v", p.Status.ControllerPause, p.Status.PauseConditions)
	}
	got := p.Status.PauseConditions[0]
	if got.Reason != api.PauseReasonCanaryPauseStep || got.StartTime.Before(&metav1.Time{Time: s.Now}) {
		t.Errorf("%s since %s, want CanaryPauseStep not before %s", got.Reason, got.StartTime, s.Now)
	}
	wants(t, p, "RolloutPaused: Rollout is paused (CanaryPauseStep)")
	if !p.Again.Equal(got.StartTime.Add(10 * time.Second)) {
		t.Errorf("again at %s, want ten seconds after %s", p.Again, got.StartTime)
	}
}

// TestAConditionTellsWhenItsStatusChanged: another reason is no other status.
func TestAConditionTellsWhenItsStatusChanged(t *testing.T) {
	since := metav1.NewTime(noon.Add(-time.Hour))
	s := newScene()
	s.promoted()
	s.Rollout.Status.Conditions[0].LastTransitionTime = since
	got := conditionOf(new(Rollout(s.RolloutInput).Status), api.RolloutProgressing)
	if got.Reason != api.ReasonNewReplicaSetAvailable || !got.LastTransitionTime.Equal(&since) {
		t.Errorf("it is %s since %s, want %s since %s", got.Reason, got.LastTransitionTime, api.ReasonNewReplicaSetAvailable, since)
	}
}
