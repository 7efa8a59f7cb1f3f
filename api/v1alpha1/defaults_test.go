package v1alpha1

import (
	"testing"

	"k8s.io/apimachinery/pkg/util/intstr"
	"pgregory.net/rapid"
)

func TestAbsentSurgeAndUnavailableAreAQuarter(t *testing.T) {
	for _, c := range []struct{ replicas, surge, unavailable int32 }{
		{1, 1, 0}, {2, 1, 0}, {3, 1, 0}, {4, 1, 1}, {5, 2, 1}, {10, 3, 2}, {0, 0, 1},
	} {
		var canary CanaryStrategy
		surge, err := canary.ResolvedMaxSurge(c.replicas)
		if err != nil || surge != c.surge {
			t.Errorf("%d replicas: surge %d (%v), want %d", c.replicas, surge, err, c.surge)
		}
		unavailable, err := canary.ResolvedMaxUnavailable(c.replicas)
		if err != nil || unavailable != c.unavailable {
			t.Errorf("%d replicas: unavailable %d (%v), want %d", c.replicas, unavailable, err, c.unavailable)
		}
	}
}

func TestSurge(t *testing.T) {
	for _, c := range []struct {
		name  string
		value intstr.IntOrString
		want  int32
		fails bool
	}{
		{name: "a number is a number of pods", value: intstr.FromInt32(3), want: 3},
		{name: "a percentage is rounded up", value: intstr.FromString("21%"), want: 3},
		{name: "a string without a percent sign is a percentage", value: intstr.FromString("21"), want: 3},
		{name: "a percentage may exceed a hundred", value: intstr.FromString("250%"), want: 25},
		{name: "a negative number is an error", value: intstr.FromInt32(-1), fails: true},
		{name: "a negative percentage is an error", value: intstr.FromString("-1%"), fails: true},
		{name: "a word is an error", value: intstr.FromString("some"), fails: true},
		{name: "an empty string is an error", value: intstr.FromString(""), fails: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			canary := CanaryStrategy{MaxSurge: &c.value}
			got, err := canary.ResolvedMaxSurge(10)
			if got != c.want || (err != nil) != c.fails {
				t.Errorf("got %d, %v", got, err)
			}
			if _, err := canary.ResolvedMaxUnavailable(10); (err != nil) != c.fails {
				t.Errorf("maxUnavailable with this surge: %v", err)
			}
		})
	}
}

func TestUnavailableIsRoundedDown(t *testing.T) {
	value := intstr.FromString("19%")
	canary := CanaryStrategy{MaxUnavailable: &value}
	if got, err := canary.ResolvedMaxUnavailable(10); err != nil || got != 1 {
		t.Errorf("a canary: %d, %v, want 1", got, err)
	}
	blueGreen := BlueGreenStrategy{MaxUnavailable: &value}
	if got, err := blueGreen.ResolvedMaxUnavailable(10); err != nil || got != 1 {
		t.Errorf("blue-green: %d, %v, want 1", got, err)
	}
}

func TestSomethingCanAlwaysMove(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		canary := CanaryStrategy{MaxSurge: drawShare(t, "surge"), MaxUnavailable: drawShare(t, "unavailable")}
		replicas := rapid.Int32Range(0, 10_000).Draw(t, "replicas")
		surge, err := canary.ResolvedMaxSurge(replicas)
		if err != nil {
			t.Fatal(err)
		}
		unavailable, err := canary.ResolvedMaxUnavailable(replicas)
		if err != nil {
			t.Fatal(err)
		}
		if surge < 0 || unavailable < 0 || surge+unavailable == 0 {
			t.Fatalf("surge %d, unavailable %d", surge, unavailable)
		}
	})
}

func drawShare(t *rapid.T, label string) *intstr.IntOrString {
	if rapid.Bool().Draw(t, label+" is absent") {
		return nil
	}
	value := intstr.FromInt32(rapid.Int32Range(0, 1000).Draw(t, label))
	if rapid.Bool().Draw(t, label+" is a percentage") {
		value = intstr.FromString(value.String() + "%")
	}
	return &value
}

func TestDefaultsOfASpec(t *testing.T) {
	var empty RolloutSpec
	if got := empty.ResolvedReplicas(); got != 1 {
		t.Errorf("replicas %d, want 1", got)
	}
	if got := empty.ResolvedRevisionHistoryLimit(); got != 10 {
		t.Errorf("revisionHistoryLimit %d, want 10", got)
	}
	if got := empty.ResolvedProgressDeadlineSeconds(); got != 600 {
		t.Errorf("progressDeadlineSeconds %d, want 600", got)
	}
	zero := int32(0)
	explicit := RolloutSpec{Replicas: &zero, RevisionHistoryLimit: &zero}
	if explicit.ResolvedReplicas() != 0 || explicit.ResolvedRevisionHistoryLimit() != 0 {
		t.Error("an explicit 0 is replaced by the default")
	}
}

func TestTheLargestWeightIsNeverBelowOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		weight := rapid.Int32().Draw(t, "weight")
		canary := &CanaryStrategy{TrafficRouting: &RolloutTrafficRouting{MaxTrafficWeight: &weight}}
		got := canary.ResolvedMaxTrafficWeight()
		if weight > 0 && got != weight || weight <= 0 && got != 100 {
			t.Fatalf("maxTrafficWeight %d counts as %d", weight, got)
		}
	})
	var none *CanaryStrategy
	if got := none.ResolvedMaxTrafficWeight(); got != 100 {
		t.Errorf("without a canary: %d, want 100", got)
	}
}
