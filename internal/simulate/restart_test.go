package simulate

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"pgregory.net/rapid"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
)

// Restart asks for all pods to be replaced, now or in a while.
func (h *history) Restart(t *rapid.T) {
	in := rapid.SampledFrom([]time.Duration{0, 0, 0, -time.Minute, 5 * time.Second, 3 * time.Minute}).Draw(t, "in")
	at := metav1.NewTime(h.w.Now.Add(in))
	h.w.Apply(func(ro *api.Rollout) { ro.Spec.RestartAt = &at })
	h.turn(rapid.IntRange(0, 4).Draw(t, "turns"))
}

// Budget makes a PodDisruptionBudget refuse evictions, or allow them again.
func (h *history) Budget(t *rapid.T) {
	h.w.Refuse = nil
	if rapid.Bool().Draw(t, "refuse") {
		h.w.Refuse = onlyServing
	}
	h.turn(1)
}

const noDisruption = "The disruption budget shop needs 5 healthy pods and has 5 currently"

func onlyServing(serves bool) string {
	if serves {
		return noDisruption
	}
	return ""
}

// ready counts the pods of a ReplicaSet that are to stay and ready; all there may be where pods are not looked at.
func ready(pods []decide.Pod, rs decide.ReplicaSet) (n int32) {
	if pods == nil {
		return rs.Available
	}
	for _, p := range pods {
		if p.Hash == rs.Hash && !p.Deleting && !p.ReadyAt.IsZero() {
			n++
		}
	}
	return n
}

// evicted holds the availability law for evictions: scaling, crashes and restarts share one budget.
func (h *history) evicted(e Eviction) {
	replicas, _, missing := limitsOf(e.Replicas)
	if e.Served {
		h.law(e.ServingAfter >= replicas-max(missing, 1),
			"law 9: evicting %s leaves %d pods serving of %d, %d may miss", e.Pod, e.ServingAfter, replicas, max(missing, 1))
		return
	}
	h.law(e.ServingAfter == e.ServingBefore, "%s served nobody, and %d of %d serve after its eviction", e.Pod, e.ServingAfter, e.ServingBefore)
}

// spared: a pod that serves is evicted only on the strength of what serves beside it.
func (h *history) spared(a decide.PodGone, pods []decide.Pod) {
	for _, p := range pods {
		if p.UID == a.UID && !p.ReadyAt.IsZero() {
			h.law(len(a.Relies) > 0, "law 9: evicting %s, which serves, relies on nothing", a.Name)
		}
	}
}

// restarted is what must hold at the end of a restart.
func (h *history) restarted() {
	ro := h.w.Rollout()
	asked, done := ro.Spec.RestartAt, ro.Status.RestartedAt
	if asked == nil || asked.After(h.w.Now) {
		return
	}
	replicas, _, _ := h.limits()
	if wanted, _ := h.w.Totals(); ro.Spec.Paused && wanted < replicas {
		return // what is missing already cannot be made, so nothing more may go
	}
	h.law(done != nil && done.Unix() == asked.Unix(), "the restart of %s never ended: %v", asked, done)
}

// old counts the pods that are older than the restart asked for.
func old(w *World) (n int) {
	for _, s := range w.sets {
		for _, p := range s.pods {
			if p.createdAt.Before(w.Rollout().Spec.RestartAt.Time) {
				n++
			}
		}
	}
	return n
}

func restart(w *World, tr *Transcript, in time.Duration) {
	tr.Say("sluice restart, in %s", in)
	at := metav1.NewTime(w.Now.Add(in))
	w.Apply(func(ro *api.Rollout) { ro.Spec.RestartAt = &at })
}

// ended checks that a restart was carried out, with the decisions that tell of it.
func ended(t *testing.T, w *World, decisions ...string) {
	t.Helper()
	if s := w.Rollout().Status; s.RestartedAt == nil || s.RestartedAt.Unix() != w.Rollout().Spec.RestartAt.Unix() {
		t.Errorf("restartedAt is %v", s.RestartedAt)
	}
	var told []string
	for _, d := range w.Rollout().Status.Decisions {
		switch d.Reason {
		case decide.DecidedRestart, decide.DecidedRefused, decide.DecidedRestarted:
			told = append(told, d.Message)
		}
	}
	if len(told) != len(decisions) {
		t.Fatalf("decisions are %q", told)
	}
	for i, part := range decisions {
		if !strings.Contains(told[i], part) {
			t.Errorf("decision %d is %q, want %q in it", i, told[i], part)
		}
	}
}

// least watches how few pods serve from now on.
func least(w *World) *int32 {
	_, n := w.Totals()
	w.Evicted = func(e Eviction) { n = min(n, e.ServingAfter) }
	w.Resized = func(r Resize) { n = min(n, r.ServingAfter) }
	return &n
}

func TestRestarts(t *testing.T) {
	stories := []struct {
		name string
		tell func(*testing.T, *World, *Transcript)
	}{
		{"restart of a promoted rollout, one pod at a time", func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			restart(w, tr, 0)
			few := least(w)
			pass(t, w, tr, time.Minute)
			ended(t, w, "5 pods created before 2026-03-01T12:00:05Z (spec.restartAt) are to be replaced, at most 1 at a time", "The restart is complete")
			is(t, w, api.RolloutPhaseHealthy, "")
			serves(t, w, 0, 5)
			if *few != 4 || old(w) != 0 {
				t.Errorf("as few as %d pods served, %d are old", *few, old(w))
			}
		}},
		{"restart in mid-canary, stable pods first, and the steps go on", func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 10*time.Second)
			restart(w, tr, 0)
			few := least(w)
			pass(t, w, tr, 8*time.Second)
			ended(t, w, "5 pods", "The restart is complete")
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			if *few < 4 || w.Rollout().Status.StableRS != w.Rollout().Status.CurrentPodHash {
				t.Errorf("as few as %d pods served", *few)
			}
		}},
		{"restart while a PodDisruptionBudget refuses", func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			restart(w, tr, 0)
			w.Refuse = onlyServing
			pass(t, w, tr, 2*time.Minute)
			is(t, w, api.RolloutPhaseProgressing, "rollout is restarting")
			if !strings.Contains(w.Reason().Message, noDisruption) {
				t.Errorf("what is awaited is %q", w.Reason().Message)
			}
			serves(t, w, 0, 5)
			tr.Say("the PodDisruptionBudget allows evictions")
			w.Refuse = nil
			pass(t, w, tr, time.Minute)
			ended(t, w, "5 pods", noDisruption, "The restart is complete")
			is(t, w, api.RolloutPhaseHealthy, "")
		}},
		{"restart and abort share one budget, and the abort has it first", func(t *testing.T, w *World, tr *Transcript) {
			w.Boot = func(string) time.Duration { return 10 * time.Second }
			deploy(t, w, tr)
			pass(t, w, tr, 10*time.Second)
			ship(w, tr, "2")
			pass(t, w, tr, 13*time.Second)
			restart(w, tr, 0)
			pass(t, w, tr, time.Second)
			patch(w, tr, "sluice abort", func(s *api.RolloutStatus) { s.Abort = true })
			pass(t, w, tr, 10*time.Second) // as long as the pod takes that was evicted before
			if wanted, _ := w.Pods(w.Rollout().Status.CurrentPodHash); wanted != 0 {
				t.Errorf("the canary still has %d pods", wanted)
			}
			pass(t, w, tr, 3*time.Minute)
			ended(t, w, "5 pods", "The restart is complete")
			is(t, w, api.RolloutPhaseDegraded, "RolloutAborted")
			serves(t, w, 0, 5)
		}},
		{"restart of the only pod when none may miss", func(t *testing.T, w *World, tr *Transcript) {
			none, one := intstr.FromInt32(0), int32(1)
			w.Apply(func(ro *api.Rollout) {
				ro.Spec.Replicas, ro.Spec.Strategy.Canary.MaxUnavailable = &one, &none
			})
			deploy(t, w, tr)
			restart(w, tr, 0)
			pass(t, w, tr, time.Minute)
			ended(t, w, "1 pod created before 2026-03-01T12:00:05Z (spec.restartAt) is to be replaced", "The restart is complete")
			serves(t, w, 0, 1)
		}},
		{"restart at a time to come", func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			restart(w, tr, time.Minute)
			few := least(w)
			pass(t, w, tr, 59*time.Second)
			is(t, w, api.RolloutPhaseProgressing, "rollout is restarting")
			if *few != 5 {
				t.Errorf("a pod went before its time")
			}
			rests(t, w)
			pass(t, w, tr, time.Minute)
			ended(t, w, "5 pods", "The restart is complete")
			is(t, w, api.RolloutPhaseHealthy, "")
		}},
		{"restart is given up for a new update", func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			restart(w, tr, 0)
			pass(t, w, tr, 2*time.Second)
			ship(w, tr, "2")
			pass(t, w, tr, time.Second)
			ended(t, w, "5 pods", "is given up: the update replaces the pods")
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			serves(t, w, 0, 5)
		}},
		{"restart goes on when the stable template is applied again", func(t *testing.T, w *World, tr *Transcript) {
			first := w.Rollout().Spec.Template.Spec.Containers[0].Env[0].Value
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 2*time.Second)
			restart(w, tr, 0)
			pass(t, w, tr, 2*time.Second)
			ship(w, tr, first)
			pass(t, w, tr, time.Minute)
			ended(t, w, "A restart was asked for", "The restart is complete")
			is(t, w, api.RolloutPhaseHealthy, "")
			serves(t, w, 0, 5)
		}},
		{"restart goes on when a promoted rollout gets other steps", func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			restart(w, tr, 0)
			pass(t, w, tr, time.Second)
			tr.Say("kubectl apply: fewer steps")
			w.Apply(func(ro *api.Rollout) { ro.Spec.Strategy.Canary.Steps = ro.Spec.Strategy.Canary.Steps[:2] })
			pass(t, w, tr, time.Minute)
			ended(t, w, "A restart was asked for", "The restart is complete")
			is(t, w, api.RolloutPhaseHealthy, "")
		}},
		{"restart is given up when an update starts over with other steps", func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 2*time.Second)
			restart(w, tr, 0)
			pass(t, w, tr, time.Second)
			tr.Say("kubectl apply: fewer steps")
			w.Apply(func(ro *api.Rollout) { ro.Spec.Strategy.Canary.Steps = ro.Spec.Strategy.Canary.Steps[:2] })
			pass(t, w, tr, time.Minute)
			ended(t, w, "A restart was asked for", "is given up: the update starts over with other steps")
		}},
		{"restart takes pods that serve nobody first and together", func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			tr.Say("3 of 5 pods fail")
			w.Break(w.Rollout().Status.StableRS, 3)
			pass(t, w, tr, time.Second)
			restart(w, tr, 0)
			w.Refuse = onlyServing
			pass(t, w, tr, 10*time.Second)
			serves(t, w, 0, 5)
			w.Refuse = nil
			pass(t, w, tr, time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
		}},
		{"restart works while paused by hand with an invalid spec", func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 2*time.Second)
			tr.Say("sluice pause, with a mistake in the spec")
			w.Apply(func(ro *api.Rollout) { ro.Spec.Paused = true })
			w.Invalid = func(*api.Rollout) []string { return []string{"spec.strategy.canary.steps[0].setWeight: is 200"} }
			pass(t, w, tr, time.Second)
			restart(w, tr, 0)
			pass(t, w, tr, time.Minute)
			ended(t, w, "5 pods", "The restart is complete")
			is(t, w, api.RolloutPhaseDegraded, "InvalidSpec")
			if old(w) != 0 {
				t.Errorf("%d pods are old", old(w))
			}
		}},
	}
	for _, s := range stories {
		t.Run(s.name, func(t *testing.T) {
			w := seed(t)
			tr := NewTranscript(w)
			s.tell(t, w, tr)
			rests(t, w)
			golden(t, tr)
		})
	}
}
