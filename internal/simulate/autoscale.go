package simulate

import (
	"math"
	"time"

	api "sluice.dev/sluice/api/v1alpha1"
)

// How a HorizontalPodAutoscaler behaves unless it is told otherwise.
const (
	autoscaleEvery     = 15 * time.Second
	autoscaleTolerance = 0.1
	autoscaleWindow    = 5 * time.Minute
)

// scaler is an autoscaler at work. It sees what the scale subresource shows.
type scaler struct {
	plan   Autoscaler
	nextAt time.Time
	wishes []wish
}

// wish is what it wanted at a moment; it scales down only to the most it wanted of late.
type wish struct {
	at       time.Time
	replicas int32
}

// load is what there is to carry, so long after the beginning.
func (a Autoscaler) load(after time.Duration) (load float64) {
	for _, p := range a.Load {
		if time.Duration(p.At) <= after {
			load = p.Is
		}
	}
	return load
}

// look is what spec.replicas should be now, by the formula of the HorizontalPodAutoscaler: the pods there
// are, times what each of them carries, by what each of them should carry.
func (s *scaler) look(w *World, load float64) int32 {
	s.nextAt = w.Now.Add(autoscaleEvery)
	now := int32(1)
	if r := w.rollout.Spec.Replicas; r != nil {
		now = *r
	}
	_, available := w.Totals()
	if available == 0 || now == 0 {
		return now
	}
	wanted := now
	if ratio := load / (float64(available) * s.plan.PerPod); math.Abs(ratio-1) > autoscaleTolerance {
		wanted = int32(min(math.Ceil(float64(w.rollout.Status.HPAReplicas)*ratio-1e-9), 1e6))
	}
	wanted = min(max(wanted, s.plan.Min, 1), s.plan.Max)
	s.wishes = append(s.wishes, wish{w.Now, wanted})
	for len(s.wishes) > 0 && w.Now.Sub(s.wishes[0].at) > autoscaleWindow {
		s.wishes = s.wishes[1:]
	}
	if wanted >= now {
		return wanted
	}
	for _, old := range s.wishes {
		wanted = max(wanted, old.replicas)
	}
	return min(wanted, now)
}

// Scale sets spec.replicas, as a person or an autoscaler does.
func (w *World) Scale(replicas int32) {
	w.Apply(func(ro *api.Rollout) { ro.Spec.Replicas = &replicas })
}
