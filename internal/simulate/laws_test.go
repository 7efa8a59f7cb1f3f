package simulate

import (
	"context"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
)

// resized holds the availability law for every change of a size, and the one on surge where the pass
// could know.
func (h *history) resized(r Resize) {
	replicas, surge, missing := limitsOf(r.Replicas)
	h.law(r.ServingAfter >= min(replicas-missing, r.ServingBefore),
		"law 9: %s from %d to %d leaves %d pods serving of %d, %d may miss", r.Name, r.From, r.To, r.ServingAfter, replicas, missing)
	h.law(r.Unseen || r.WantedAfter <= max(replicas+surge, r.WantedBefore),
		"%s from %d to %d asks for %d pods, %d+%d may be", r.Name, r.From, r.To, r.WantedAfter, replicas, surge)
}

// watchAttempt looks at what belongs to one attempt at one revision: an abort ends every wait, and
// neither it nor the update follows a run of an earlier attempt.
func (h *history) watchAttempt(s api.RolloutStatus) {
	paused := len(s.PauseConditions) > 0 || s.ControllerPause
	h.law(!s.Abort || s.AbortedAt == nil || !paused, "law 5: aborted and still paused: %v", s.PauseConditions)
	if s.AbortedAt != nil && !s.AbortedAt.Equal(h.aborted) {
		for _, e := range s.Decisions[len(s.Decisions)-1].Evidence {
			h.law(h.attempt(e.Run) == s.Attempt, "law 7: attempt %d was aborted because of %s of attempt %d", s.Attempt, e.Run, h.attempt(e.Run))
		}
	}
	h.aborted = s.AbortedAt
	if s.Abort || s.StableRS == s.CurrentPodHash {
		return
	}
	for _, ref := range refs(s) {
		// A new run may be given a name that an old cache shows as free: nothing is taken from the run that has it.
		seen := h.w.Runs()[ref.Name] != nil && ref.Status != api.AnalysisPhasePending
		h.law(!seen || h.attempt(ref.Name) == s.Attempt, "law 7: attempt %d follows %s of attempt %d", s.Attempt, ref.Name, h.attempt(ref.Name))
	}
}

func refs(s api.RolloutStatus) (all []*api.RolloutAnalysisRunStatus) {
	for _, ref := range []*api.RolloutAnalysisRunStatus{s.Canary.CurrentStepAnalysisRunStatus, s.Canary.CurrentBackgroundAnalysisRunStatus} {
		if ref != nil {
			all = append(all, ref)
		}
	}
	return all
}

// attempt is the attempt a run belongs to.
func (h *history) attempt(name string) int32 {
	var of metav1.Object = h.w.Runs()[name]
	if h.w.Runs()[name] == nil {
		return 0
	}
	if owner := metav1.GetControllerOfNoCopy(of); owner.Kind == api.KindExperiment {
		if of = h.w.Experiments()[owner.Name]; h.w.Experiments()[owner.Name] == nil {
			return 0
		}
	}
	n, err := strconv.ParseInt(of.GetAnnotations()["sluice.dev/attempt"], 10, 32)
	if err != nil {
		return 0
	}
	return int32(n)
}

// moved looks at what one turn has changed.
func (h *history) moved(before api.RolloutStatus, ro *api.Rollout) {
	now := ro.Status
	if before.CurrentPodHash != now.CurrentPodHash {
		h.law(!now.Abort, "a new template is still aborted")
		return
	}
	if !ro.Spec.Paused || before.StableRS == "" {
		return
	}
	i, j := before.CurrentStepIndex, now.CurrentStepIndex
	promoted := now.StableRS == now.CurrentPodHash // then there are no steps to take, whatever a client wrote
	h.law(i == nil || j == nil || *j <= *i || promoted, "spec.paused, and the steps go on")
	h.law(now.StableRS == before.StableRS, "spec.paused, and %s is promoted", now.StableRS)
}

// plan looks at what would be decided now, whether or not it can be carried out: what takes pods away
// must name everything it relies on, and only empty ReplicaSets are deleted.
func (h *history) plan() {
	in, err := (&rolloutWorld{w: h.w}).Observe(context.Background())
	if err != nil {
		return
	}
	serving, pods, counted := map[string]int32{}, map[string]int32{}, in.Observed.Pods
	if !decide.CountsPods(in.Rollout, in.Now) {
		counted = nil // they are looked at for what they wear, not to count them
	}
	for _, rs := range in.Observed.ReplicaSets {
		serving[rs.Name], pods[rs.Name] = min(rs.Wanted, rs.Available, ready(counted, rs)), max(rs.Wanted, rs.Replicas)
	}
	actions := decide.Rollout(in).Actions
	for _, action := range actions {
		if a, ok := action.(decide.ReplicaSetWants); ok {
			serving[a.Name] = min(serving[a.Name], a.To) // what the same plan takes away is not relied on
		}
	}
	for _, action := range actions {
		switch a := action.(type) {
		case decide.ReplicaSetGone:
			h.law(pods[a.Name] == 0, "%s is deleted with %d pods", a.Name, pods[a.Name])
		case decide.ReplicaSetWants:
			h.reliance(a, serving)
		case decide.PodGone:
			h.spared(a, in.Observed.Pods)
		}
	}
}

func (h *history) reliance(a decide.ReplicaSetWants, serving map[string]int32) {
	if a.To >= a.From {
		return
	}
	relied := map[string]int32{}
	for _, c := range a.Relies {
		relied[c.ReplicaSet] = c.Available
	}
	for name, n := range serving {
		h.law(name == a.Name || relied[name] == n, "law 9: lowering %s does not rely on the %d pods of %s", a.Name, n, name)
	}
}
