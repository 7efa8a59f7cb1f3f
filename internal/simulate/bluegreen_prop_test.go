package simulate

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
)

// switches is a random life of a blue-green Rollout, with the laws of that strategy.
type switches struct {
	*history
	full   bool            // somebody has asked for a full promotion of the present update
	proven map[string]bool // revisions that have been stable
	leads  bool            // Service live has named a revision by the Rollout's doing
	led    bool            // the same before the present turn
	late   int             // turns without a fault in which an abort could have gone back
	faults int
}

func newSwitches(t *testing.T, rt *rapid.T) *switches {
	w := blueGreen(rapid.Int32Range(0, 6).Draw(rt, "replicas"), measuredBefore, measuredAfter)(t)
	s := &switches{history: &history{w: w, fate: &dice{t: rt, odds: 12}}, proven: map[string]bool{}}
	w.Fate = s.fate
	w.Resized, w.Repointed, w.Evicted = s.sized, s.pointed, s.evicted
	s.look = s.watches
	s.EditSteps(rt)
	return s
}

// enoughOf is how many pods have to serve for a revision to count as serving: all but a quarter, or but one.
func enoughOf(replicas int32) int32 {
	return max(replicas-max(replicas/4, 1), min(replicas, 1))
}

// sized holds that what Service live names is never shrunk below what all requests need; while it leads to
// all pods, those that serve stay enough.
func (s *switches) sized(r Resize) {
	live, there := s.w.services["live"]
	set := s.w.sets[r.Name]
	if !there || set == nil || r.To >= r.From {
		return
	}
	switch live.Hash {
	case set.Hash:
		s.law(r.To >= r.Replicas, "law 3: %s is scaled from %d to %d of %d while Service live leads to it", r.Name, r.From, r.To, r.Replicas)
	case "":
		s.law(r.ServingAfter >= min(enoughOf(r.Replicas), r.ServingBefore), "law 9: %s from %d to %d leaves %d pods serving", r.Name, r.From, r.To, r.ServingAfter)
	}
}

// pointed holds that Service live is never pointed to a revision that cannot serve: forward only to one that
// has all its pods, back only to one that has enough of them, or no fewer than serve now.
func (s *switches) pointed(r Repoint) {
	if r.Service != "live" {
		return
	}
	s.leads = true
	ro := s.w.Rollout()
	status := ro.Status
	s.law(r.To != "", "Service live is made to lead to everything")
	back := r.To == status.StableRS
	lost := back && r.From == "" // it was made anew
	s.law(!ro.Spec.Paused || status.Abort || lost, "spec.paused, and Service live is switched")
	switch {
	case r.After >= r.Replicas:
	case !back:
		s.law(false, "law 1: Service live leads to a new revision of which %d of %d pods serve", r.After, r.Replicas)
	default:
		enough := r.After >= enoughOf(r.Replicas) || r.After >= r.Before || r.Unseen
		s.law(enough && r.After > 0, "law 1: Service live goes back from %d to %d serving pods of %d", r.Before, r.After, r.Replicas)
	}
}

// watches looks at every status that was saved.
func (s *switches) watches(before api.RolloutStatus) {
	now := s.w.Rollout().Status
	if now.CurrentPodHash != before.CurrentPodHash {
		s.full = false
		s.law(!now.Abort, "a new template is still aborted")
	}
	if now.StableRS != before.StableRS {
		s.promotes(before, now)
		s.proven[now.StableRS] = true
	}
	s.law(now.Phase == "" || now.Phase == api.RolloutPhaseHealthy || now.Message != "", "law 13: %s without a message", now.Phase)
	s.law(now.CurrentStepIndex == nil, "a blue-green Rollout has no steps")
	s.watchAttempt(now)
	for _, d := range now.Decisions {
		s.law(size(d) <= 1024, "law 12: a decision of %d bytes", size(d))
	}
	s.law(len(now.Decisions) <= api.MaxDecisions, "law 12: %d decisions", len(now.Decisions))
	s.goesBack(now)
	s.led = s.leads
}

// promotes holds that a revision becomes stable only with successful runs of this attempt, or for a reason
// that needs none.
func (s *switches) promotes(before, now api.RolloutStatus) {
	why := ""
	for _, d := range now.Decisions {
		if d.Reason == decide.DecidedPromotion {
			why = d.Message
		}
	}
	ro := s.w.Rollout()
	b := ro.Spec.Strategy.BlueGreen
	switch {
	case slices.ContainsFunc(now.Decisions, func(d api.Decision) bool {
		return d.Reason == decide.DecidedInitialDeploy && d.Revision == now.StableRS
	}):
		s.law(before.StableRS == "" || !s.led || s.proven[now.StableRS], "law 6: a revision is deployed without a look although another one serves")
		return
	case strings.HasPrefix(why, "Full promotion"):
		s.law(s.full, "law 6: a full promotion nobody asked for")
	case strings.HasPrefix(why, "Fast rollback"):
		s.law(s.proven[now.StableRS], "law 6: a fast rollback to a revision that was never stable")
	case strings.HasPrefix(why, "Rollback within window"):
		s.law(ro.Spec.RollbackWindow != nil, "law 6: a rollback within a window that does not exist")
	case strings.HasPrefix(why, "No pods"):
		s.law(*ro.Spec.Replicas == 0, "law 6: %d pods are wanted, and nothing was measured", *ro.Spec.Replicas)
	default:
		s.law(strings.HasPrefix(why, "Completed blue-green update"), "law 6: promoted because: %s", why)
		s.passed(now, b.PrePromotionAnalysis, before.BlueGreen.PrePromotionAnalysisRunStatus, "before")
		s.passed(now, b.PostPromotionAnalysis, before.BlueGreen.PostPromotionAnalysisRunStatus, "after")
	}
	s.law(now.BlueGreen.ActiveSelector == now.StableRS, "law 6: %s is stable, and Service live was seen to lead to %s", now.StableRS, now.BlueGreen.ActiveSelector)
}

func (s *switches) passed(now api.RolloutStatus, asked *api.RolloutAnalysis, before *api.RolloutAnalysisRunStatus, when string) {
	if asked == nil || before == nil && when == "before" {
		return // it may have been asked for when the switch was over already
	}
	ref := now.BlueGreen.PostPromotionAnalysisRunStatus
	if when == "before" {
		ref = now.BlueGreen.PrePromotionAnalysisRunStatus
	}
	if ref == nil {
		s.law(false, "law 6: promoted without a run %s the switch", when)
		return
	}
	run := s.w.Runs()[ref.Name]
	s.law(ref.Status == api.AnalysisPhaseSuccessful, "law 6: promoted although the run %s the switch is %s", when, ref.Status)
	s.law(run == nil || s.attempt(ref.Name) == now.Attempt, "law 7: promoted because of a run of another attempt")
	s.law(run == nil || run.Labels[api.LabelPodTemplateHash] == now.StableRS, "law 7: promoted because of a run of another revision")
}

// goesBack holds the bound of an abort: when the stable revision can serve, Service live leads to it after
// two passes without a fault.
func (s *switches) goesBack(now api.RolloutStatus) {
	live, there := s.w.services["live"]
	ours := there && (live.ManagedBy == "" || live.ManagedBy == s.w.Rollout().Name) && live.Hash != ""
	faulty := s.fate.faults != s.faults
	s.faults = s.fate.faults
	_, serving := s.w.Pods(now.StableRS)
	replicas, _, _ := s.limits()
	if !now.Abort || now.AbortedAt == nil || !ours || faulty || serving < enoughOf(replicas) || live.Hash == now.StableRS || s.w.sets[s.w.Rollout().Name+"-"+now.StableRS] == nil {
		s.late = 0
		return
	}
	s.late++
	s.law(s.late <= 2, "law 5: aborted %d passes ago, and Service live still leads elsewhere although %d of %d stable pods serve", s.late, serving, replicas)
}

// PromoteFull asks for a full promotion.
func (s *switches) PromoteFull(*rapid.T) {
	s.full = s.w.Rollout().Status.CurrentPodHash != s.w.Rollout().Status.StableRS
	s.w.Apply(func(ro *api.Rollout) { ro.Status.PromoteFull = true })
	s.turn(1)
}

// Scale changes the size, but not during a restart: while spec.paused holds a canary, that changes no size there.
func (s *switches) Scale(t *rapid.T) {
	if !decide.RestartPending(s.w.Rollout()) {
		s.history.Scale(t)
	}
}

// Roles asks for metadata, or for none.
func (s *switches) Roles(t *rapid.T) {
	worn := rapid.Bool().Draw(t, "worn")
	blueGreenOf(s.w, func(b *api.BlueGreenStrategy) {
		b.PreviewMetadata, b.ActiveMetadata = nil, nil
		if worn {
			b.PreviewMetadata = &api.PodTemplateMetadata{Labels: map[string]string{"role": "preview"}}
			b.ActiveMetadata = &api.PodTemplateMetadata{Labels: map[string]string{"role": "active"}}
		}
	})
	s.turn(1)
}

// EditSteps edits what a blue-green Rollout has instead of steps.
func (s *switches) EditSteps(t *rapid.T) {
	maybe := func(what string, values ...int32) *int32 {
		v := rapid.SampledFrom(append([]int32{-1}, values...)).Draw(t, what)
		if v < 0 {
			return nil
		}
		return &v
	}
	s.w.Apply(func(ro *api.Rollout) {
		b := ro.Spec.Strategy.BlueGreen
		b.PreviewReplicaCount = maybe("preview", 0, 1, 2)
		b.ScaleDownDelaySeconds = maybe("delay", 0, 10, 600)
		b.AbortScaleDownDelaySeconds = maybe("delay of an abort", 0, 10, 600)
		b.ScaleDownDelayRevisionLimit = maybe("limit", 0, 1)
		b.AutoPromotionSeconds = rapid.SampledFrom([]int32{0, 0, 20}).Draw(t, "pause")
		b.AutoPromotionEnabled = nil
		if rapid.IntRange(0, 3).Draw(t, "by hand") == 0 {
			byHand(b)
		}
		b.PrePromotionAnalysis, b.PostPromotionAnalysis = nil, nil
		if rapid.Bool().Draw(t, "measured before") {
			measuredBefore(b)
		}
		if rapid.Bool().Draw(t, "measured after") {
			measuredAfter(b)
		}
	})
	s.turn(1)
}

// Meddle does to a Service what its users may.
func (s *switches) Meddle(t *rapid.T) {
	name := rapid.SampledFrom([]string{"live", "live", "next"}).Draw(t, "service")
	switch rapid.IntRange(0, 4).Draw(t, "edit") {
	case 0:
		s.w.DeleteService(name)
	case 1:
		s.w.CreateService(name)
	case 2:
		s.w.EditService(name, func(x *decide.Service) { x.Hash, x.ManagedBy = "", "" })
	case 3:
		s.w.EditService(name, func(x *decide.Service) { x.Hash = s.w.Rollout().Status.StableRS })
	case 4:
		s.w.EditService(name, func(x *decide.Service) { x.ManagedBy = "" })
	}
	s.turn(1)
}

// Boot makes pods come sooner or later from now on.
func (s *switches) Boot(t *rapid.T) {
	boot := rapid.SampledFrom([]time.Duration{0, time.Second, 40 * time.Second, -1}).Draw(t, "boot")
	s.w.Boot = func(string) time.Duration { return boot }
}

// Kill takes pods away, as a node that dies does.
func (s *switches) Kill(t *rapid.T) {
	status := s.w.Rollout().Status
	hash := rapid.SampledFrom([]string{status.StableRS, status.CurrentPodHash}).Draw(t, "revision")
	s.w.LosePods(hash, rapid.IntRange(1, 3).Draw(t, "pods"))
	s.turn(1)
}

// Calm lets everything heal and come to an end, without faults.
func (s *switches) Calm(t *rapid.T) {
	s.fate.off = true
	defer func() { s.fate.off = false }()
	s.heal()
	if s.w.Invalid != nil || s.w.Unsupported != nil {
		s.law(s.rest(), "law 8: the world never came to rest")
		s.restored()
		s.w.Invalid, s.w.Unsupported = nil, nil
	}
	writes := s.w.Writes()
	s.law(s.rest(), "law 8: the world never came to rest")
	s.law(s.w.Writes()-writes <= 120, "law 8: %d writes to come to rest", s.w.Writes()-writes)
	if s.broken != "" {
		return
	}
	writes = s.w.Writes()
	s.w.Turn()
	s.law(s.w.Writes() == writes, "law 8: %d writes at rest", s.w.Writes()-writes)
	s.ends()
}

func (s *switches) heal() {
	s.w.Mend()
	s.w.Boot = func(string) time.Duration { return time.Second }
	for _, set := range s.w.sets {
		for i := range set.pods {
			set.pods[i].never = false
		}
	}
	s.w.Refuse, s.w.past = nil, nil
	for _, name := range []string{"live", "next"} {
		s.w.CreateService(name)
	}
}

func (s *switches) rest() bool {
	return s.w.Until(s.w.Now.Add(20*time.Minute), func() { s.watches(s.w.Rollout().Status) })
}

// restored holds that an abort comes to its end although the spec is invalid.
func (s *switches) restored() {
	status := s.w.Rollout().Status
	live, _ := s.w.Service("live")
	if status.Abort && status.AbortedAt != nil && s.w.sets[s.w.Rollout().Name+"-"+status.StableRS] != nil {
		s.law(live.Hash == status.StableRS, "law 5: aborted with an invalid spec, and Service live leads to %q", live.Hash)
	}
}

// ends holds at the end of every story.
func (s *switches) ends() {
	ro := s.w.Rollout()
	status := ro.Status
	replicas, _, _ := s.limits()
	live, _ := s.w.Service("live")
	next, _ := s.w.Service("next")
	_, stable := s.w.Pods(status.StableRS)
	fresh, _ := s.w.Pods(status.CurrentPodHash)
	s.law(s.w.liveJobs() == 0, "%d Jobs outlive their runs", s.w.liveJobs())
	s.law(stable == replicas, "%d of %d stable pods serve", stable, replicas)
	s.law(ro.Spec.Paused && !status.Abort || live.Hash == status.StableRS || live.Hash == status.CurrentPodHash, "Service live leads to %q", live.Hash)
	s.law(live.Hash == "" || s.w.Serving("live") == replicas, "%d of %d pods serve", s.w.Serving("live"), replicas)
	kept := ro.Spec.Strategy.BlueGreen.AbortScaleDownDelaySeconds
	switch {
	case status.Abort:
		s.law(status.Phase == api.RolloutPhaseDegraded, "aborted, but %s", status.Phase)
		s.law(live.Hash == status.StableRS, "law 5: aborted, and Service live leads to %q", live.Hash)
		s.law(fresh == 0 || kept != nil && *kept == 0, "law 5: %d pods of an aborted update stay", fresh)
	case ro.Spec.Paused:
		s.law(status.Phase == api.RolloutPhasePaused, "spec.paused, but %s", status.Phase)
	case status.StableRS == status.CurrentPodHash:
		s.law(status.Phase == api.RolloutPhaseHealthy, "promoted, but %s %s", status.Phase, status.Message)
		s.law(live.Hash == status.StableRS && next.Hash == status.StableRS, "promoted, but the Services lead to %q and %q", live.Hash, next.Hash)
		wanted, _ := s.w.Totals()
		s.law(wanted == replicas, "law 2.10: %d pods are wanted in all, of %d", wanted, replicas)
	case replicas == 0:
	default:
		held := status.Phase == api.RolloutPhasePaused || s.waitsForJob()
		s.law(held, "neither promoted nor stopped nor waiting: %s %s (%s)", status.Phase, status.Message, s.w.Reason().Message)
		s.law(next.Hash == status.CurrentPodHash || status.Phase == api.RolloutPhasePaused, "Service next leads to %q", next.Hash)
	}
}

func TestLawsOfBlueGreen(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := newSwitches(t, rt)
		s.turn(5)
		rt.Repeat(rapid.StateMachineActions(s))
		s.Calm(rt)
		s.Check(rt)
	})
}
