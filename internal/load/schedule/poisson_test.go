package schedule

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func poissonPlan(t *testing.T, rate float64, d time.Duration, seed uint64) Plan {
	t.Helper()
	p, err := New([]Phase{{Kind: Poisson, Rate: rate, Duration: d, Seed: seed}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func dues(p Plan) []time.Duration {
	var out []time.Duration
	for k := range p.Total() {
		out = append(out, p.Due(k).At)
	}
	return out
}

func TestAPoissonPhaseIsDecidedByItsSeed(t *testing.T) {
	const d = 5500 * time.Millisecond
	one := dues(poissonPlan(t, 20, d, 7))
	if diff := cmp.Diff(one, dues(poissonPlan(t, 20, d, 7))); diff != "" {
		t.Errorf("the same seed gives other arrivals:\n%s", diff)
	}
	if cmp.Equal(one, dues(poissonPlan(t, 20, d, 8))) {
		t.Error("another seed gives the same arrivals")
	}
	// Asked for in any order, and by many at once, an arrival is the same.
	p := poissonPlan(t, 20, d, 7)
	for k := p.Total() - 1; k >= 0; k-- {
		if got := p.Due(k).At; got != one[k] {
			t.Fatalf("arrival %d is at %s, want %s", k, got, one[k])
		}
	}
}

// Counts have the mean and the variance of a Poisson distribution, and gaps are
// exponential: their mean is the rate's inverse, and so is their deviation.
func TestAPoissonPhaseArrivesByChance(t *testing.T) {
	for _, rate := range []float64{0.5, 4, 50, 2000} {
		const n = 2000
		p := poissonPlan(t, rate, n*time.Second, 42)
		w := p.Windows()[0]
		var sum, squares float64
		for i := range n {
			c := float64(w.seconds[i+1] - w.seconds[i])
			sum += c
			squares += c * c
		}
		mean := sum / n
		variance := squares/n - mean*mean
		if math.Abs(mean-rate) > 5*math.Sqrt(rate/n) || math.Abs(variance/rate-1) > 0.2 {
			t.Errorf("%g per second: mean %g, variance %g", rate, mean, variance)
		}
	}
	times := dues(poissonPlan(t, 50, 400*time.Second, 3))
	var sum, squares float64
	for i := 1; i < len(times); i++ {
		gap := (times[i] - times[i-1]).Seconds()
		sum += gap
		squares += gap * gap
	}
	n := float64(len(times) - 1)
	mean := sum / n
	if deviation := math.Sqrt(squares/n - mean*mean); math.Abs(mean*50-1) > 0.05 || math.Abs(deviation/mean-1) > 0.05 {
		t.Errorf("gaps have mean %g and deviation %g, want both near 0.02", mean, deviation)
	}
}
