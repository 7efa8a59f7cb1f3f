package decide

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	api "sluice.dev/sluice/api/v1alpha1"
)

// TestSteps tells when each kind of step is done, one row of the contract after the other.
func TestSteps(t *testing.T) {
	tests := []struct {
		name string
		play func(*scene)
		done bool
		text string // of the event, when done
	}{
		{"setWeight is done when both sides are as wanted", func(*scene) {}, true, "Rollout step 1/4 completed (setWeight: 25)"},
		{"setWeight waits for the canary to be asked for", func(s *scene) { s.fresh().Wanted = 0 }, false, ""},
		{"setWeight waits for the canary to be available", func(s *scene) { s.fresh().Available = 0 }, false, ""},
		{"setWeight waits for the stable ReplicaSet to want what it should", func(s *scene) { s.stable().Wanted = 4 }, false, ""},
		{"setWeight waits for the stable ReplicaSet to have what it wants", func(s *scene) { s.stable().Replicas = 4 }, false, ""},
		{"setWeight does not wait for stable pods to be available", func(s *scene) { s.stable().Available = 2 }, true, "Rollout step 1/4 completed (setWeight: 25)"},
		{"setWeight waits for pods of older revisions to be gone", func(s *scene) {
			s.Observed.ReplicaSets = append(s.Observed.ReplicaSets, ReplicaSet{Name: "web-old", Hash: "old", Wanted: 1, Replicas: 1, Available: 1, Observed: true})
		}, false, ""},
		{"setWeight 0 is done with no canary at all", func(s *scene) {
			s.canary().Steps[0].SetWeight = new(int32)
			s.rehash()
			s.pods(0, 4)
		}, true, "Rollout step 1/4 completed (setWeight: 0)"},
		{"spec.paused stops a setWeight that is done", func(s *scene) { s.Rollout.Spec.Paused = true }, false, ""},
		{"an inconclusive analysis stops a setWeight that is done", func(s *scene) { s.paused(api.PauseReasonInconclusiveAnalysis, noon) }, false, ""},
		{"an invalid spec stops a setWeight that is done", func(s *scene) { s.Observed.Invalid = []string{"spec: is wrong"} }, false, ""},
		{"no pods wanted stop everything", func(s *scene) { s.replicas(0); s.pods(0, 0) }, false, ""},

		{"a pause begins", func(s *scene) { s.step(1) }, false, ""},
		{"a pause without a duration waits for ever", func(s *scene) {
			s.step(1)
			s.paused(api.PauseReasonCanaryPauseStep, noon.Add(-1000*time.Hour))
		}, false, ""},
		{"a pause waits for its time", func(s *scene) {
			s.step(1)
			s.lasting(intstr.FromInt32(60))
			s.paused(api.PauseReasonCanaryPauseStep, noon.Add(-59*time.Second))
		}, false, ""},
		{"a pause is over when its time is", func(s *scene) {
			s.step(1)
			s.lasting(intstr.FromInt32(60))
			s.paused(api.PauseReasonCanaryPauseStep, noon.Add(-60*time.Second))
		}, true, "Rollout step 2/4 completed (pause: 60)"},
		{"a pause may be written with a unit", func(s *scene) {
			s.step(1)
			s.lasting(intstr.FromString("1m"))
			s.paused(api.PauseReasonCanaryPauseStep, noon.Add(-time.Minute))
		}, true, "Rollout step 2/4 completed (pause: 1m)"},
		{"a pause whose condition was taken away by somebody is over", func(s *scene) {
			s.step(1)
			s.Rollout.Status.ControllerPause = true
		}, true, "Rollout step 2/4 completed (pause)"},
		{"spec.paused holds a pause that somebody ended", func(s *scene) {
			s.step(1)
			s.Rollout.Status.ControllerPause = true
			s.Rollout.Spec.Paused = true
		}, false, ""},
		{"spec.paused holds a pause whose time is over", func(s *scene) {
			s.step(1)
			s.lasting(intstr.FromInt32(60))
			s.paused(api.PauseReasonCanaryPauseStep, noon.Add(-time.Hour))
			s.Rollout.Spec.Paused = true
		}, false, ""},

		{"an analysis begins", func(s *scene) { s.step(2) }, false, ""},
		{"an analysis waits for its run", func(s *scene) { s.step(2); s.run(api.AnalysisPhaseRunning) }, false, ""},
		{"an analysis is done when its run is Successful", func(s *scene) { s.step(2); s.run(api.AnalysisPhaseSuccessful) }, true, "Rollout step 3/4 completed (analysis)"},
		{"an analysis that is Inconclusive waits for a person", func(s *scene) { s.step(2); s.run(api.AnalysisPhaseInconclusive) }, false, ""},
		{"a successful run of another step says nothing", func(s *scene) {
			s.step(2)
			s.run(api.AnalysisPhaseSuccessful).Name = "other"
			s.Rollout.Status.Canary.CurrentStepAnalysisRunStatus.Name = s.fresh().Name + "-2-1"
		}, false, ""},
		{"a successful run of an earlier attempt says nothing, although the name is the same", func(s *scene) {
			s.step(2)
			s.run(api.AnalysisPhaseSuccessful)
			s.Rollout.Status.Attempt = 1
		}, false, ""},
		{"an analysis without templates is none", func(s *scene) {
			s.canary().Steps[2].Analysis.Templates = nil
			s.rehash()
			s.step(2)
		}, true, "Rollout step 3/4 completed (analysis)"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newScene()
			test.play(s)
			before := index(s.Rollout.Status)
			p := Rollout(s.RolloutInput)
			if done := index(p.Status) == before+1; done != test.done || !done && index(p.Status) != before {
				t.Fatalf("step %d, then %d; done should be %v: %s", before, index(p.Status), test.done, p.Reason.Message)
			}
			if test.done {
				wants(t, p, api.EventRolloutStepCompleted+": "+test.text)
				if ref := p.Status.Canary.CurrentStepAnalysisRunStatus; before == 2 && ref != nil {
					t.Errorf("the status still refers to %s", ref.Name)
				}
			} else if p.Reason.Message == "" {
				t.Error("nobody is told what is awaited")
			}
		})
	}
}

// lasting gives the pause a duration.
func (s *scene) lasting(d intstr.IntOrString) {
	s.canary().Steps[1].Pause.Duration = &d
	s.rehash()
}

// TestARunOfTheStep tells what a step's run can do to the update.
func TestARunOfTheStep(t *testing.T) {
	tests := []struct {
		name    string
		phase   api.AnalysisPhase
		message string
		want    api.RolloutPhase
		says    string
	}{
		{"Failed aborts", api.AnalysisPhaseFailed, "bad", api.RolloutPhaseDegraded,
			"RolloutAborted: Rollout aborted update to revision 2: Step-based analysis phase error/failed: bad"},
		{"Error aborts", api.AnalysisPhaseError, "no answer", api.RolloutPhaseDegraded,
			"RolloutAborted: Rollout aborted update to revision 2: Step-based analysis phase error/failed: no answer"},
		{"Failed without a message aborts", api.AnalysisPhaseFailed, "", api.RolloutPhaseDegraded,
			"RolloutAborted: Rollout aborted update to revision 2: Step-based analysis phase error/failed"},
		{"Inconclusive pauses", api.AnalysisPhaseInconclusive, "who knows", api.RolloutPhasePaused, "InconclusiveAnalysisRun"},
		{"Running goes on", api.AnalysisPhaseRunning, "", api.RolloutPhaseProgressing, "more replicas need to be updated"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newScene()
			s.step(2)
			s.run(test.phase).Status.Message = test.message
			p := Rollout(s.RolloutInput)
			if p.Status.Phase != test.want || p.Status.Message != test.says {
				t.Errorf("%s %q, want %s %q", p.Status.Phase, p.Status.Message, test.want, test.says)
			}
		})
	}
}

// TestReset tells what a new template or other steps take back, and what does not.
func TestReset(t *testing.T) {
	newTemplate := func(s *scene) { s.Rollout.Spec.Template = podTemplate("3") }
	newSteps := func(s *scene) {
		weight := int32(60)
		s.canary().Steps[0].SetWeight = &weight
	}
	for name, change := range map[string]func(*scene){"a new template": newTemplate, "other steps": newSteps} {
		t.Run(name+" clears what was under way", func(t *testing.T) {
			s := newScene()
			s.step(2)
			s.run(api.AnalysisPhaseFailed)
			s.paused(api.PauseReasonInconclusiveAnalysis, noon)
			status := &s.Rollout.Status
			status.Abort, status.AbortedAt, status.PromoteFull = true, &metav1.Time{Time: noon}, true
			status.Canary.CurrentBackgroundAnalysisRunStatus = &api.RolloutAnalysisRunStatus{Name: s.fresh().Name + "-2", Status: api.AnalysisPhaseFailed}
			restart := metav1.NewTime(noon.Add(-time.Minute))
			s.Rollout.Spec.RestartAt = &restart
			change(s)
			s.Rollout.Generation++
			got := Rollout(s.RolloutInput).Status
			if len(got.PauseConditions) != 0 || got.ControllerPause {
				t.Errorf("still paused: %v", got.PauseConditions)
			}
			if got.Abort || got.AbortedAt != nil || got.PromoteFull {
				t.Errorf("abort %v at %v, promoteFull %v, want none of it", got.Abort, got.AbortedAt, got.PromoteFull)
			}
			if got.Canary.CurrentStepAnalysisRunStatus != nil || got.Canary.CurrentBackgroundAnalysisRunStatus != nil {
				t.Errorf("runs are still referred to: %+v", got.Canary)
			}
			if got.RestartedAt == nil || !got.RestartedAt.Equal(&restart) {
				t.Errorf("restartedAt %v, want that of the spec", got.RestartedAt)
			}
			if index(got) != 0 {
				t.Errorf("step index %d, want 0", index(got))
			}
		})
	}
	tests := []struct {
		name   string
		play   func(*scene)
		index  int32
		events []string
	}{
		{"a new template without steps has no index", func(s *scene) { newTemplate(s); s.canary().Steps = nil }, -1, nil},
		{"steps that are taken away leave no index", func(s *scene) { s.canary().Steps = nil }, -1, nil},
		{"the stable template again skips all steps", func(s *scene) { s.step(2); s.Rollout.Spec.Template = podTemplate("1") }, 4,
			[]string{"SkipSteps: Rollback to stable ReplicaSets"}},
		{"other steps after the promotion start nothing", func(s *scene) { s.promoted(); newSteps(s) }, 4, nil},
		{"a new template after the promotion starts at the first step", func(s *scene) { s.promoted(); newTemplate(s) }, 0, nil},
		{"another field of the strategy changes nothing", func(s *scene) {
			s.step(2)
			one := intstr.FromInt32(1)
			s.canary().MaxSurge = &one
		}, 2, nil},
		{"labels and annotations of the Rollout change nothing", func(s *scene) {
			s.step(2)
			s.Rollout.Labels = map[string]string{"team": "shop"}
		}, 2, nil},
		{"the size changes nothing", func(s *scene) { s.step(2); s.replicas(8) }, 2, nil},
		{"the very first template is stable at once", func(s *scene) {
			s.Rollout.Status = api.RolloutStatus{}
			s.Observed.ReplicaSets = s.Observed.ReplicaSets[:1]
		}, 4, []string{"RolloutCompleted: Rollout completed update to revision 2 (" + newScene().fresh().Hash + "): Initial deploy"}},
		{"a template for no pods replaces the old one at once", func(s *scene) { s.replicas(0); s.pods(0, 0); newTemplate(s) }, 4, nil},
		{"an index that makes no sense is put right", func(s *scene) { s.step(99) }, 4, nil},
		{"a negative index is put right", func(s *scene) { s.step(-3); s.fresh().Available = 0 }, 0, nil},
		{"a skip that arrives after the promotion changes nothing", func(s *scene) { s.promoted(); s.step(1) }, 4, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newScene()
			test.play(s)
			s.Rollout.Generation++
			p := Rollout(s.RolloutInput)
			if got := index(p.Status); got != test.index {
				t.Errorf("step index %d, want %d", got, test.index)
			}
			for _, event := range test.events {
				wants(t, p, event)
			}
			if len(p.Status.Canary.StepPluginStatuses) != 0 {
				t.Error("plugin statuses are left")
			}
		})
	}
}

// TestPromotion tells when the new revision becomes the stable one.
func TestPromotion(t *testing.T) {
	ready := func(s *scene) { s.step(4); s.pods(4, 0) }
	tests := []struct {
		name string
		play func(*scene)
		says string // "" = not promoted
	}{
		{"all steps done and all pods available", ready, "Completed all 4 canary steps"},
		{"no steps and all pods available", func(s *scene) { ready(s); s.canary().Steps = nil; s.rehash() }, "Completed all 0 canary steps"},
		{"one pod short", func(s *scene) { ready(s); s.fresh().Available = 3 }, ""},
		{"steps left", func(s *scene) { ready(s); s.step(1) }, ""},
		{"steps left, but promote --full", func(s *scene) { ready(s); s.step(1); s.Rollout.Status.PromoteFull = true }, "Full promotion requested"},
		{"promote --full, one pod short", func(s *scene) { ready(s); s.Rollout.Status.PromoteFull = true; s.fresh().Available = 3 }, ""},
		{"aborted", func(s *scene) { ready(s); s.Rollout.Status.Abort = true }, ""},
		{"aborted, and promote --full", func(s *scene) { ready(s); s.Rollout.Status.Abort, s.Rollout.Status.PromoteFull = true, true }, ""},
		{"spec.paused", func(s *scene) { ready(s); s.Rollout.Spec.Paused = true }, ""},
		{"held by an inconclusive analysis", func(s *scene) { ready(s); s.paused(api.PauseReasonInconclusiveAnalysis, noon) }, ""},
		{"an invalid spec", func(s *scene) { ready(s); s.Observed.Invalid = []string{"spec: is wrong"} }, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newScene()
			test.play(s)
			p := Rollout(s.RolloutInput)
			promoted := p.Status.StableRS == s.fresh().Hash
			if promoted != (test.says != "") {
				t.Fatalf("promoted: %v; %s", promoted, p.Reason.Message)
			}
			if !promoted {
				return
			}
			wants(t, p, "RolloutCompleted: Rollout completed update to revision 2 ("+s.fresh().Hash+"): "+test.says)
			if want := int32(len(s.canary().Steps)); index(p.Status) != want && want > 0 {
				t.Errorf("step index %d, want %d", index(p.Status), want)
			}
			if p.Status.PromoteFull || p.Status.Abort || len(p.Status.PauseConditions) > 0 {
				t.Errorf("left behind: promoteFull %v, abort %v, pauses %v", p.Status.PromoteFull, p.Status.Abort, p.Status.PauseConditions)
			}
		})
	}
}
