package simulate

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"pgregory.net/rapid"

	api "sluice.dev/sluice/api/v1alpha1"
)

// handover is a random life of a Rollout that takes over from a Deployment. Its Check is the laws.
type handover struct {
	w       *World
	fate    *dice
	mode    api.ScaleDownMode
	version int
	broken  string
}

func (h *handover) law(ok bool, what string) {
	if !ok && h.broken == "" {
		h.broken = what
	}
}

func newHandover(t *testing.T, rt *rapid.T) *handover {
	mode := rapid.SampledFrom([]api.ScaleDownMode{api.ScaleDownOnSuccess, api.ScaleDownProgressively, api.ScaleDownNever}).Draw(rt, "mode")
	h := &handover{w: migrating(mode)(t), fate: &dice{t: rt, odds: 12}, mode: mode}
	h.w.Apply(func(ro *api.Rollout) {
		weight := int32(40)
		ro.Spec.Strategy.Canary.Steps = []api.CanaryStep{{SetWeight: &weight}}
	})
	h.w.Fate = h.fate
	h.w.Rescaled = func(r Rescale) {
		h.law(mode != api.ScaleDownNever || r.To >= r.From, "the Deployment was scaled down although nobody asked for that")
		floor := min(r.Replicas-r.Replicas/4, r.ServingBefore)
		h.law(r.To >= r.From || r.ServingAfter >= floor, "law 9: scaling the Deployment down left fewer pods than may serve")
		h.law(r.To >= r.From || h.held(), "pods were taken from the Deployment while nothing holds the Rollout for it")
	}
	return h
}

func (h *handover) held() bool {
	for _, f := range h.w.Rollout().Finalizers {
		if f == api.FinalizerRestoreWorkload {
			return true
		}
	}
	return false
}

func (h *handover) turn(n int) {
	for range n {
		h.w.Turn()
	}
}

func (h *handover) Ship(*rapid.T) {
	h.version++
	h.w.EditDeployment(func(_ *int32, template *corev1.PodTemplateSpec) {
		template.Spec.Containers[0].Env[0].Value = string(rune('a' + h.version%26))
	})
	h.turn(2)
}

func (h *handover) Rescale(t *rapid.T) {
	n := rapid.Int32Range(0, 8).Draw(t, "pods")
	h.w.EditDeployment(func(replicas *int32, _ *corev1.PodTemplateSpec) { *replicas = n })
	h.turn(1)
}

func (h *handover) Scale(t *rapid.T) {
	n := rapid.Int32Range(0, 9).Draw(t, "replicas")
	h.w.Apply(func(ro *api.Rollout) { ro.Spec.Replicas = &n })
	h.turn(1)
}

func (h *handover) Abort(*rapid.T) {
	h.w.Apply(func(ro *api.Rollout) { ro.Status.Abort = true })
	h.turn(1)
}

func (h *handover) Break(t *rapid.T) {
	h.w.Break(h.w.Rollout().Status.CurrentPodHash, rapid.IntRange(1, 4).Draw(t, "pods"))
	h.turn(1)
}

func (h *handover) Mend(*rapid.T) {
	h.w.Mend()
	h.turn(1)
}

func (h *handover) Wait(t *rapid.T) {
	for range rapid.IntRange(1, 10).Draw(t, "moments") {
		h.turn(1)
		h.w.Now = h.w.Now.Add(rapid.SampledFrom([]time.Duration{100 * time.Millisecond, time.Second, 20 * time.Second}).Draw(t, "time"))
	}
}

func (h *handover) Check(t *rapid.T) {
	if h.broken != "" {
		t.Fatal(h.broken)
	}
}

// ends calms the world, looks at where it has come to, deletes the Rollout, and looks again.
func (h *handover) ends(t *rapid.T) {
	h.fate.off = true
	h.w.Mend()
	rest := func(d time.Duration) {
		if !h.w.Until(h.w.Now.Add(d), func() {}) {
			t.Fatalf("the world never came to rest: %s", h.w.Reason().Message)
		}
	}
	rest(20 * time.Minute)
	ro := h.w.Rollout()
	wanted, _ := h.w.DeploymentPods()
	before := h.w.deployment.Before
	h.law(h.held() == (before > 0), "the finalizer is there exactly while pods are taken")
	healthy := ro.Status.Phase == api.RolloutPhaseHealthy && *ro.Spec.Replicas > 0
	h.law(!healthy || h.mode == api.ScaleDownNever || wanted == 0, "E7: a healthy Rollout leaves the Deployment its pods: "+ro.Status.Message)
	h.w.Delete()
	rest(20 * time.Minute)
	after, serving := h.w.DeploymentPods()
	h.law(h.w.Gone(), "E8: the deletion never ends")
	h.law(before == 0 || after >= max(before, *ro.Spec.Replicas) && serving == after && h.w.deployment.Before == 0, "E8: the Deployment does not have its pods back")
	h.Check(t)
}

// TestLawsOfHandover holds the laws of a migration in random histories, with crashes, lost and repeated actions and
// stale views at any point.
func TestLawsOfHandover(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h := newHandover(t, rt)
		h.turn(2)
		rt.Repeat(rapid.StateMachineActions(h))
		h.ends(rt)
	})
}
