package simulate

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
)

// passesToSafety is the stated bound of an abort: after so many passes in which the stable revision can
// serve, and nothing else changes but what people do to the update, the canary has no share. One sees the
// abort and tells the router; where Services lead to the revisions, one more re-points the canary's. A router
// that has not caught up adds its own time: what counts then is that it was told.
const passesToSafety = 3

// trafficHistory is a random life of a canary behind a router.
type trafficHistory struct {
	w       *World
	fate    *dice
	life    *history
	version int
	turns   int
	// calm counts passes since an aborted update could have been brought to safety.
	calm    int
	before  int32 // pods that were missing before the last change
	minimum int32
	// sized says that steps size the canary by hand: nobody knows how many pods its share needs then.
	sized bool
}

func newTrafficHistory(t *testing.T, rt *rapid.T) *trafficHistory {
	how := Routing{Subsets: rapid.Bool().Draw(rt, "subsets"), Parts: rapid.Bool().Draw(rt, "by parts")}
	list := rapid.IntRange(0, 3).Draw(rt, "steps")
	steps := [][]api.CanaryStep{
		{setWeight(20), waitFor(5), setWeight(50), wait(), setWeight(80)},
		{setScale(api.SetCanaryScale{Replicas: ptr(2)}), header("beta", true), setWeight(50), wait(), setScale(api.SetCanaryScale{MatchTrafficWeight: true}), setWeight(20)},
		{setScale(api.SetCanaryScale{Weight: ptr(60)}), setWeight(40), wait(), setScale(api.SetCanaryScale{Replicas: ptr(1)}), header("beta", true), header("beta", false)},
		{setWeight(100), wait(), setWeight(0), waitFor(5), setWeight(30)},
	}[list]
	life := &history{w: routedBy(how, 5, steps...)(t), fate: &dice{t: rt, odds: 12}}
	life.w.Quick = rapid.IntRange(0, 3).Draw(rt, "without JSON") > 0
	h := &trafficHistory{w: life.w, fate: life.fate, life: life}
	h.sized = list == 1 || list == 2
	h.w.routing.Lag = func() time.Duration { return 0 }
	canaryOf(h.w, func(c *api.CanaryStrategy) {
		managed("beta")(c)
		c.DynamicStableScale = rapid.Bool().Draw(rt, "dynamic")
		if !c.DynamicStableScale && rapid.Bool().Draw(rt, "delays") {
			none, some := int32(0), int32(7)
			c.ScaleDownDelaySeconds = rapid.SampledFrom([]*int32{nil, &none, &some}).Draw(rt, "scale-down delay")
		}
		if rapid.Bool().Draw(rt, "abort delay") {
			some := int32(9)
			c.AbortScaleDownDelaySeconds = &some
		}
	})
	h.w.Fate = h.fate
	h.w.Redirected = func(why string) {
		if why == caughtUp { // pods may have gone since the router was told: what it was told was judged then
			h.before, h.minimum = h.missing()
			return
		}
		h.served(why)
	}
	h.w.Resized = func(r Resize) { h.served(fmt.Sprintf("%s from %d to %d", r.Name, r.From, r.To)) }
	h.w.Repointed = func(r Repoint) { h.served(fmt.Sprintf("Service %s from %s to %s", r.Service, r.From, r.To)) }
	return h
}

func (h *trafficHistory) law(ok bool, format string, args ...any) { h.life.law(ok, format, args...) }

// Check holds the laws after every action.
func (h *trafficHistory) Check(t *rapid.T) { h.life.turns = h.turns; h.life.Check(t) }

// served holds the laws about traffic after every change that we have made: it made nothing worse, for the
// pods of the traffic as it is divided now, than what may be missing anyway.
func (h *trafficHistory) served(why string) {
	short, unserved := h.missing()
	replicas, missing := h.size()
	h.law(why == toldLate || h.sized || short <= max(h.before, missing), "law 1: after %s %d pods are missing for the traffic of %d, before it were %d: %+v", why, short, replicas, h.before, h.w.Loads())
	h.law(unserved <= h.minimum, "law 1: after %s %d of the traffic reach nobody, before it were %d: %+v", why, unserved, h.minimum, h.w.Loads())
	h.before, h.minimum = short, unserved
	_, serves, _ := h.w.Traffic()
	all := serves.Canary.Weight + serves.Stable.Weight
	h.law(serves.Canary.Weight >= 0 && serves.Stable.Weight >= 0 && all == h.w.whole(), "law 2: shares %d and %d", serves.Canary.Weight, serves.Stable.Weight)
}

// missing is how many pods lack, and how much of the traffic reaches nobody, in what the router does and in
// what it was told, whichever is worse.
func (h *trafficHistory) missing() (short, unserved int32) {
	replicas, _ := h.size()
	for _, split := range []decide.Split{h.w.router.asked, h.w.router.serves} {
		s, u := int32(0), int32(0)
		for _, l := range h.w.loads(split, replicas) {
			s += max(l.Needed-l.Available, 0)
			if l.Available == 0 && l.Needed > 0 {
				u += l.Weight
			}
		}
		short, unserved = max(short, s), max(unserved, u)
	}
	return short, unserved
}

func (h *trafficHistory) size() (replicas, missing int32) {

	replicas, _, missing = h.life.limits()
	return replicas, missing
}

// turn is a turn with the laws before and after it: what pods do by themselves is nobody's doing.
func (h *trafficHistory) turn(n int) {
	for range n {
		h.w.node()
		h.before, h.minimum = h.missing()
		h.w.Turn()
		h.turns++
		h.life.watchAttempt(h.w.Rollout().Status)
		h.watchSafety()
	}
}

// watchSafety counts the passes until an aborted update is safe.
func (h *trafficHistory) watchSafety() {
	s := h.w.Rollout().Status
	asked, _, _ := h.w.Traffic()
	_, stable := h.w.Pods(s.StableRS)
	replicas, missing := h.size()
	able := stable > 0 && stable >= replicas-missing
	if s.AbortedAt == nil || !s.Abort || !able || !h.fate.off || h.w.routing.Refuse != nil || h.w.routing.Unknown != nil {
		h.calm = 0
		return
	}
	h.calm++
	h.law(h.calm <= passesToSafety || asked.Canary.Weight == 0,
		"law 5: %d passes after the abort, with %d of %d stable pods, the router is told to send %d to the canary", h.calm, stable, replicas, asked.Canary.Weight)
}

func (h *trafficHistory) Ship(*rapid.T) {
	h.version++
	h.w.Apply(func(ro *api.Rollout) {
		ro.Spec.Template.Spec.Containers[0].Env[0].Value = fmt.Sprint("v", h.version)
	})
	h.turn(2)
}

func (h *trafficHistory) GoBack(t *rapid.T) {
	back := rapid.IntRange(0, h.version).Draw(t, "version")
	h.w.Apply(func(ro *api.Rollout) {
		ro.Spec.Template.Spec.Containers[0].Env[0].Value = fmt.Sprint("v", back)
	})
	h.turn(2)
}

func (h *trafficHistory) Abort(t *rapid.T) {
	h.w.Apply(func(ro *api.Rollout) { ro.Status.Abort = true })
	if rapid.Bool().Draw(t, "without faults") {
		h.fate.off = true
		h.turn(passesToSafety + 2)
		h.fate.off = false
	}
	h.turn(1)
}

func (h *trafficHistory) Retry(*rapid.T) {
	h.w.Apply(func(ro *api.Rollout) { ro.Status.Abort = false })
	h.turn(1)
}

func (h *trafficHistory) Promote(*rapid.T) {
	h.w.Apply(func(ro *api.Rollout) {
		ro.Status.PauseConditions = nil
		if i := ro.Status.CurrentStepIndex; i != nil {
			next := *i + 1
			ro.Status.CurrentStepIndex = &next
		}
	})
	h.turn(1)
}

func (h *trafficHistory) PromoteFull(*rapid.T) {
	h.w.Apply(func(ro *api.Rollout) { ro.Status.PromoteFull = true })
	h.turn(1)
}

func (h *trafficHistory) Resume(*rapid.T) {
	h.w.Apply(func(ro *api.Rollout) { ro.Status.PauseConditions = nil })
	h.turn(1)
}

func (h *trafficHistory) Pause(t *rapid.T) {
	h.w.Apply(func(ro *api.Rollout) { ro.Spec.Paused = rapid.Bool().Draw(t, "paused") })
	h.turn(1)
}

func (h *trafficHistory) Scale(t *rapid.T) {
	n := rapid.Int32Range(0, 12).Draw(t, "replicas")
	h.w.Apply(func(ro *api.Rollout) { ro.Spec.Replicas = &n })
	h.turn(2)
}

func (h *trafficHistory) EditSteps(t *rapid.T) {
	h.w.Apply(func(ro *api.Rollout) {
		w := rapid.Int32Range(0, 100).Draw(t, "weight")
		for i := range ro.Spec.Strategy.Canary.Steps {
			if step := &ro.Spec.Strategy.Canary.Steps[i]; step.SetWeight != nil {
				step.SetWeight = &w
				return
			}
		}
	})
	h.turn(1)
}

func (h *trafficHistory) Mistake(t *rapid.T) {
	h.w.Invalid = nil
	if rapid.Bool().Draw(t, "invalid") {
		h.w.Invalid = func(*api.Rollout) []string { return []string{"spec.strategy.canary.steps[0].setWeight: is 200"} }
	}
	h.turn(2)
}

func (h *trafficHistory) Break(t *rapid.T) {
	s := h.w.Rollout().Status
	hash := rapid.SampledFrom([]string{s.StableRS, s.CurrentPodHash}).Draw(t, "revision")
	h.w.Break(hash, rapid.IntRange(1, 4).Draw(t, "pods"))
	h.turn(1)
}

func (h *trafficHistory) Mend(*rapid.T) {
	h.w.Mend()
	h.turn(1)
}

func (h *trafficHistory) SlowRouter(t *rapid.T) {
	d := rapid.SampledFrom([]time.Duration{0, 0, time.Second, 20 * time.Second, -1}).Draw(t, "lag")
	h.w.routing.Lag = lag(d)
}

func (h *trafficHistory) RefusingRouter(t *rapid.T) {
	h.w.routing.Refuse, h.w.routing.Unknown = nil, nil
	switch rapid.IntRange(0, 2).Draw(t, "router") {
	case 1:
		h.w.routing.Refuse = func() string { return "no" }
	case 2:
		h.w.routing.Unknown = func() string { return "no answer" }
	}
	h.turn(1)
}

func (h *trafficHistory) Wait(t *rapid.T) {
	for range rapid.IntRange(1, 20).Draw(t, "moments") {
		h.turn(1)
		h.w.Now = h.w.Now.Add(rapid.SampledFrom([]time.Duration{100 * time.Millisecond, time.Second, 7 * time.Second}).Draw(t, "time"))
	}
	h.turn(1)
}

// Calm lets everything heal and come to an end, without faults.
func (h *trafficHistory) Calm(*rapid.T) {
	h.fate.off = true
	defer func() { h.fate.off = false }()
	h.w.Mend()
	h.w.past, h.w.Invalid = nil, nil
	h.w.routing.Refuse, h.w.routing.Unknown, h.w.routing.Lag = nil, nil, lag(0)
	h.w.CatchUp()
	h.w.node()
	h.before, h.minimum = h.missing()
	each := func() {
		h.before, h.minimum = h.missing()
		h.life.watchAttempt(h.w.Rollout().Status)
	}
	h.law(h.w.Until(h.w.Now.Add(20*time.Minute), each), "law 8: the world never came to rest")
	if h.life.broken != "" {
		return
	}
	before := h.w.Writes()
	h.w.Turn()
	h.law(h.w.Writes() == before, "law 8: %d writes at rest", h.w.Writes()-before)
	h.settledTraffic()
}

// settledTraffic is what must hold at the end of every story.
func (h *trafficHistory) settledTraffic() {
	ro := h.w.Rollout()
	s := ro.Status
	replicas, _ := h.size()
	_, serves, _ := h.w.Traffic()
	_, stable := h.w.Pods(s.StableRS)
	h.law(s.Canary.Weights != nil && s.Canary.Weights.Canary.Weight == serves.Canary.Weight, "the status says %+v, the router does %d", s.Canary.Weights, serves.Canary.Weight)
	switch {
	case s.Abort:
		h.law(s.Phase == api.RolloutPhaseDegraded, "aborted, but %s", s.Phase)
		h.law(serves.Canary.Weight == 0, "law 5: aborted, and %d go to the canary", serves.Canary.Weight)
		h.law(stable == replicas, "law 5: aborted, with %d of %d stable pods", stable, replicas)
	case ro.Spec.Paused:
		h.law(s.Phase == api.RolloutPhasePaused, "spec.paused, but %s", s.Phase)
	case s.StableRS == s.CurrentPodHash:
		h.law(s.Phase == api.RolloutPhaseHealthy, "promoted, but %s %s", s.Phase, s.Message)
		h.law(stable == replicas && serves.Canary.Weight == 0, "promoted with %d of %d pods and %d sent to the canary", stable, replicas, serves.Canary.Weight)
		all, _ := h.w.Totals()
		h.law(all == replicas, "promoted, and %d pods are left of %d", all, replicas)
	default:
		held := s.Phase == api.RolloutPhasePaused || replicas == 0
		h.law(held, "neither promoted nor stopped nor waiting: %s %s (%s)", s.Phase, s.Message, h.w.Reason().Message)
	}
}

func TestLawsOfTraffic(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h := newTrafficHistory(t, rt)
		h.turn(5)
		rt.Repeat(rapid.StateMachineActions(h))
		h.Calm(rt)
		h.Check(rt)
	})
}
