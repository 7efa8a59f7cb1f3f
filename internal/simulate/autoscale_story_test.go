package simulate

import (
	"math"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/labels"

	api "sluice.dev/sluice/api/v1alpha1"
)

// memoryScaler looks every 15 s, as a HorizontalPodAutoscaler with a memory target does: each pod uses a base that
// does not depend on the load, and its part of the load. It counts the pods that the selector of the scale finds.
type memoryScaler struct {
	base, load, target float64
	min, max           int32
}

// wish is what it sets: what there is while usage is near the target, else pods times usage by target.
func (m memoryScaler) wish(t *testing.T, w *World) int32 {
	t.Helper()
	s := w.Rollout().Status
	selector, err := labels.Parse(s.Selector)
	if err != nil || selector.Empty() {
		t.Fatalf("the selector of the scale is %q: %v", s.Selector, err)
	}
	pods := 0.0
	for _, set := range w.sets {
		for _, p := range set.pods {
			if selector.Matches(labels.Set(p.labels)) && p.available(w.Now) {
				pods++
			}
		}
	}
	if pods == 0 {
		t.Fatal("it finds no pods")
	}
	now := *w.Rollout().Spec.Replicas
	ratio := (m.base + m.load/pods) / m.target
	if math.Abs(ratio-1) <= autoscaleTolerance {
		return now
	}
	return min(max(int32(math.Ceil(pods*ratio)), m.min), m.max)
}

// scales lets it look for a while, and returns the largest and the last size it set.
func (m memoryScaler) scales(t *testing.T, w *World, tr *Transcript, looks int) (most, last int32) {
	t.Helper()
	for range looks {
		pass(t, w, tr, autoscaleEvery)
		last = *w.Rollout().Spec.Replicas
		if next := m.wish(t, w); next != last {
			does(t, w, tr, "the autoscaler changes spec.replicas", scale(int(next)))
			last = next
		}
		most = max(most, last)
		s := w.Rollout().Status
		if s.HPAReplicas != s.Replicas {
			t.Errorf("it is told of %d pods, there are %d", s.HPAReplicas, s.Replicas)
		}
	}
	return most, last
}

func TestAutoscalerStories(t *testing.T) {
	held := func(t *testing.T, w *World, tr *Transcript, weight int32) {
		w.Apply(func(ro *api.Rollout) {
			n := int32(10)
			ro.Spec.Replicas = &n
			ro.Spec.Strategy.Canary.Steps[0].SetWeight = &weight
			ro.Spec.Strategy.Canary.Steps[1].Pause.Duration = nil
		})
		deploy(t, w, tr)
		ship(w, tr, "2")
		pass(t, w, tr, 5*time.Second)
		at(t, w, 1)
	}
	tell(t, []story{
		{name: "E18 an autoscaler in mid-update finds its size and stays there", tell: func(t *testing.T, w *World, tr *Transcript) {
			held(t, w, tr, 50)
			serves(t, w, 5, 5)
			hpa := memoryScaler{base: 60, load: 400, target: 100, min: 2, max: 100}
			if most, _ := hpa.scales(t, w, tr, 20); most != 10 {
				t.Errorf("it went up to %d, although 10 pods carry the load", most)
			}
			tr.Say("the load is half as much again")
			hpa.load = 600
			most, last := hpa.scales(t, w, tr, 20)
			if stays := hpa.wish(t, w); most > 16 || last != most || stays != last {
				t.Errorf("it went up to %d, ended with %d and wants %d; 15 pods carry the load", most, last, stays)
			}
			tr.Say("the load is a quarter")
			hpa.load = 100
			_, last = hpa.scales(t, w, tr, 40)
			if stays := hpa.wish(t, w); stays != last || last < 2 {
				t.Errorf("it ended with %d and wants %d", last, stays)
			}
			at(t, w, 1)
			is(t, w, api.RolloutPhasePaused, "CanaryPauseStep")
		}},
		{name: "E18 an autoscaler meets the pods above the size", tell: func(t *testing.T, w *World, tr *Transcript) {
			held(t, w, tr, 33) // 3 canary beside 7 stable, and one more while they change places
			hpa := memoryScaler{base: 60, load: 400, target: 100, min: 2, max: 100}
			hpa.scales(t, w, tr, 4)
			does(t, w, tr, "promote", promote(w.Rollout())...)
			if most, last := hpa.scales(t, w, tr, 20); most > 11 || last > 11 {
				t.Errorf("it went up to %d and ended with %d, although 10 pods carry the load", most, last)
			}
			is(t, w, api.RolloutPhaseHealthy, "")
		}},
	})
}
