package decide

import (
	"testing"

	"k8s.io/apimachinery/pkg/util/intstr"

	api "sluice.dev/sluice/api/v1alpha1"
)

func behindRouter(replicas int32, change func(*api.CanaryStrategy)) facts {
	f := facts{replicas: replicas, canary: api.CanaryStrategy{TrafficRouting: &api.RolloutTrafficRouting{SMI: &api.SMITrafficRouting{}}}}
	if change != nil {
		change(&f.canary)
	}
	return f
}

func TestNeededIsWhatAShareNeeds(t *testing.T) {
	for _, c := range []struct{ replicas, share, want int32 }{
		{3, 10, 1}, {4, 25, 1}, {10, 5, 1}, {10, 33, 4}, {7, 50, 4}, {10, 0, 0}, {0, 50, 0}, {10, 100, 10},
	} {
		if got := behindRouter(c.replicas, nil).needed(c.share); got != c.want {
			t.Errorf("%d of %d pods need %d, want %d", c.share, c.replicas, got, c.want)
		}
	}
}

func TestCarryIsWhatPodsCanTake(t *testing.T) {
	two := intstr.FromInt32(2)
	for _, c := range []struct{ replicas, serving, want int32 }{
		{10, 10, 100}, {10, 8, 100}, {10, 7, 70}, {10, 4, 40}, {10, 0, 0}, {0, 0, 100}, {3, 1, 100}, {1, 0, 0},
	} {
		f := behindRouter(c.replicas, func(s *api.CanaryStrategy) { s.MaxUnavailable = &two })
		if got := f.carry(c.serving); got != c.want {
			t.Errorf("%d of %d pods carry %d, want %d", c.serving, c.replicas, got, c.want)
		}
	}
}

func TestEnoughIsNeverNoneOfSome(t *testing.T) {
	for _, c := range []struct {
		name        string
		threshold   *api.ReplicaProgressThreshold
		count, want int32
	}{
		{"without a threshold all pods", nil, 10, 10},
		{"a share is rounded up", &api.ReplicaProgressThreshold{Type: api.ProgressThresholdPercent, Value: 75}, 10, 8},
		{"a number of pods", &api.ReplicaProgressThreshold{Type: api.ProgressThresholdPods, Value: 3}, 10, 3},
		{"any other type means pods", &api.ReplicaProgressThreshold{Type: "Percentage", Value: 3}, 10, 3},
		{"no more than there should be", &api.ReplicaProgressThreshold{Type: api.ProgressThresholdPods, Value: 3}, 2, 2},
		{"nothing means one", &api.ReplicaProgressThreshold{Type: api.ProgressThresholdPercent}, 10, 1},
		{"a negative one means all", &api.ReplicaProgressThreshold{Type: api.ProgressThresholdPods, Value: -1}, 10, 10},
		{"nothing of nothing", &api.ReplicaProgressThreshold{Type: api.ProgressThresholdPercent, Value: 50}, 0, 0},
	} {
		f := facts{canary: api.CanaryStrategy{ReplicaProgressThreshold: c.threshold}}
		if got := f.enough(c.count); got != c.want {
			t.Errorf("%s: %d of %d, want %d", c.name, got, c.count, c.want)
		}
	}
}

// TestCountAt covers the rows of the contract about setCanaryScale and minPodsPerReplicaSet.
func TestCountAt(t *testing.T) {
	weight := func(w int32) api.CanaryStep { return api.CanaryStep{SetWeight: &w} }
	replicas := func(n int32) api.CanaryStep { return api.CanaryStep{SetCanaryScale: &api.SetCanaryScale{Replicas: &n}} }
	share := func(w int32) api.CanaryStep { return api.CanaryStep{SetCanaryScale: &api.SetCanaryScale{Weight: &w}} }
	match := api.CanaryStep{SetCanaryScale: &api.SetCanaryScale{MatchTrafficWeight: true}}
	three := int32(3)
	for _, c := range []struct {
		name    string
		steps   []api.CanaryStep
		index   int32
		dynamic bool
		least   *int32
		want    int32
	}{
		{"the weight by itself", []api.CanaryStep{weight(33)}, 0, false, nil, 4},
		{"before any weight there is none", []api.CanaryStep{{Pause: &api.RolloutPause{}}}, 0, false, nil, 0},
		{"a size by hand", []api.CanaryStep{replicas(2), weight(50)}, 1, false, nil, 2},
		{"a size by hand may exceed all", []api.CanaryStep{replicas(25)}, 0, false, nil, 25},
		{"a share by hand", []api.CanaryStep{share(25), weight(50)}, 1, false, nil, 3},
		{"matchTrafficWeight gives the size back to the weight", []api.CanaryStep{replicas(2), weight(50), match}, 2, false, nil, 5},
		{"the nearest one counts", []api.CanaryStep{replicas(2), replicas(7), weight(50)}, 2, false, nil, 7},
		{"when all steps are done none counts", []api.CanaryStep{replicas(2), weight(50)}, 2, false, nil, 10},
		{"a floor for what is not nothing", []api.CanaryStep{weight(5)}, 0, false, &three, 3},
		{"the floor leaves nothing as it is", []api.CanaryStep{weight(0)}, 0, false, &three, 0},
		{"the floor leaves a size by hand alone", []api.CanaryStep{replicas(1)}, 0, false, &three, 1},
		{"but not of a dynamic canary", []api.CanaryStep{replicas(1)}, 0, true, &three, 3},
	} {
		f := behindRouter(10, func(s *api.CanaryStrategy) {
			s.Steps, s.DynamicStableScale, s.MinPodsPerReplicaSet = c.steps, c.dynamic, c.least
		})
		if got := (&draft{}).countAt(f, c.index); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}
