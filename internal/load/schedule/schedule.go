// Package schedule says when each virtual user of a load test arrives.
//
// A plan is a pure function: arrival k is due at Due(k) after the start, for
// every k in [0, Total). Because nothing else decides, N generators that take
// the arrivals k ≡ i (mod N) together send exactly what one would have sent.
package schedule

import (
	"fmt"
	"math"
	"sort"
	"time"
)

// Limits keep a plan's tables small and its arithmetic exact.
const (
	MaxPhases   = 200
	MaxDuration = 7 * 24 * time.Hour
	MaxRate     = 1_000_000
	MaxArrivals = 1_000_000_000
)

// Kind says how the arrivals of a phase are spread.
type Kind int

const (
	// Pause has no arrivals.
	Pause Kind = iota
	// Constant keeps one rate.
	Constant
	// Ramp changes the rate once per whole second.
	Ramp
	// Count spreads a fixed number evenly.
	Count
	// Poisson has arrivals by chance, Rate of them in a second on average.
	Poisson
)

// Phase is one stretch of a load test.
type Phase struct {
	Name     string
	Kind     Kind
	Duration time.Duration
	// Rate is in arrivals per second: of a constant phase, or where a ramp starts.
	Rate float64
	// RampTo is the rate of a ramp's last second.
	RampTo float64
	// Arrivals is how many a Count phase has.
	Arrivals int64
	// MaxVUsers bounds the virtual users in flight while the phase lasts; 0 is no bound.
	MaxVUsers int
	// Seed decides a Poisson phase's arrivals; the same seed always gives the same ones.
	Seed uint64
}

// Arrival is one virtual user's start.
type Arrival struct {
	At    time.Duration
	Phase int
}

// Window is a phase with its place in the plan.
type Window struct {
	Phase
	Start    time.Duration
	First    int64
	Arrivals int64

	interval time.Duration
	// seconds holds, for a ramp and a Poisson phase, how many arrivals come before second t.
	seconds []int64
	chance  *chance
}

// End is when the next phase starts.
func (w Window) End() time.Duration { return w.Start + w.Duration }

// Plan is a whole test's arrivals.
type Plan struct {
	windows []Window
	total   int64
	length  time.Duration
}

// New checks the phases and lays them end to end.
func New(phases []Phase) (Plan, error) {
	if len(phases) > MaxPhases {
		return Plan{}, fmt.Errorf("%d phases are more than the %d a plan may have", len(phases), MaxPhases)
	}
	var p Plan
	for i, phase := range phases {
		if err := check(phase); err != nil {
			return Plan{}, fmt.Errorf("phase %d: %w", i, err)
		}
		w := lay(phase)
		w.Start, w.First = p.length, p.total
		p.length += phase.Duration
		p.total += w.Arrivals
		if p.length > MaxDuration {
			return Plan{}, fmt.Errorf("the phases last %s, longer than the %s a plan may last", p.length, MaxDuration)
		}
		if p.total > MaxArrivals {
			return Plan{}, fmt.Errorf("the phases have more than %d arrivals", MaxArrivals)
		}
		p.windows = append(p.windows, w)
	}
	return p, nil
}

func check(p Phase) error {
	switch {
	case p.Duration < 0 || p.Duration > MaxDuration:
		return fmt.Errorf("a duration of %s is outside 0 to %s", p.Duration, MaxDuration)
	case p.Arrivals < 0 || p.Arrivals > MaxArrivals:
		return fmt.Errorf("an arrival count of %d is outside 0 to %d", p.Arrivals, MaxArrivals)
	case p.MaxVUsers < 0:
		return fmt.Errorf("a bound of %d virtual users is negative", p.MaxVUsers)
	}
	for _, rate := range []float64{p.Rate, p.RampTo} {
		if !(rate >= 0 && rate <= MaxRate) {
			return fmt.Errorf("a rate of %g per second is outside 0 to %d", rate, MaxRate)
		}
	}
	return nil
}

// lay computes how many arrivals a phase has and how they are spread.
func lay(p Phase) Window {
	w := Window{Phase: p}
	switch p.Kind {
	case Constant:
		if p.Rate > 0 {
			// Below one arrival in the longest plan the interval stops growing, so that it cannot overflow.
			micros := min(math.Floor(1e6/p.Rate), 2*float64(MaxDuration/time.Microsecond))
			w.interval = time.Duration(micros) * time.Microsecond
			w.Arrivals = int64(p.Duration / w.interval)
		}
	case Ramp:
		w.seconds = rampSeconds(p)
		w.Arrivals = w.seconds[len(w.seconds)-1]
	case Count:
		w.Arrivals = p.Arrivals
	case Poisson:
		w.chance = &chance{seed: p.Seed}
		w.seconds = poissonSeconds(p)
		w.Arrivals = w.seconds[len(w.seconds)-1]
	case Pause:
	}
	return w
}

// rampSeconds returns the running sums of the arrivals of each whole second.
// Five seconds from 1/s to 10/s: 1, 3.25, 5.5, 7.75, 10 round half up to
// 1+3+6+8+10, so the sums are 0, 1, 4, 10, 18, 28.
func rampSeconds(p Phase) []int64 {
	n := max(1, int(p.Duration/time.Second))
	sums := make([]int64, n+1)
	for t := range n {
		rate := (p.Rate + p.RampTo) / 2
		if n > 1 {
			rate = p.Rate + (p.RampTo-p.Rate)/float64(n-1)*float64(t)
		}
		sums[t+1] = sums[t] + int64(math.Floor(rate+0.5))
	}
	return sums
}

// Total is the number of arrivals.
func (p Plan) Total() int64 { return p.total }

// Length is how long the phases last together.
func (p Plan) Length() time.Duration { return p.length }

// Windows returns the phases with their places; the caller must not change them.
func (p Plan) Windows() []Window { return p.windows }

// Due says when arrival k starts, counted from the start of the test. k must
// be in [0, Total).
func (p Plan) Due(k int64) Arrival {
	i := sort.Search(len(p.windows), func(i int) bool {
		w := p.windows[i]
		return w.First+w.Arrivals > k
	})
	w := p.windows[i]
	return Arrival{At: w.Start + w.due(k-w.First), Phase: i}
}

// due places the j-th arrival inside its phase. The first one comes one
// interval after the phase starts, as a timer's first tick does.
func (w Window) due(j int64) time.Duration {
	switch w.Kind {
	case Constant:
		return time.Duration(j+1) * w.interval
	case Ramp:
		t := sort.Search(len(w.seconds)-1, func(t int) bool { return w.seconds[t+1] > j })
		// A ramp shorter than a second has one second's arrivals, all at its end
		// where its ticks would go beyond it.
		return min(time.Duration(t)*time.Second+inSecond(j-w.seconds[t], w.seconds[t+1]-w.seconds[t]), w.Duration)
	case Count:
		// j and the count are below 1e9 and the duration below 6.1e14 ns, so the
		// product needs more than 64 bits; float64 keeps it within a microsecond.
		return time.Duration(float64(w.Duration) * (float64(j+1) / float64(w.Arrivals)))
	case Poisson:
		t := sort.Search(len(w.seconds)-1, func(t int) bool { return w.seconds[t+1] > j })
		from := time.Duration(t) * time.Second
		return from + w.chance.at(t, j-w.seconds[t], w.seconds[t+1]-w.seconds[t], min(time.Second, w.Duration-from))
	case Pause:
	}
	return 0
}

// inSecond places the j-th of n arrivals inside one second: on whole-millisecond
// ticks while these are enough, evenly in microseconds above 1,000 per second.
func inSecond(j, n int64) time.Duration {
	if n <= 1000 {
		return time.Duration(j+1) * time.Duration(1000/n) * time.Millisecond
	}
	return time.Duration((j+1)*1_000_000/n) * time.Microsecond
}

// Share is one generator's part of a plan: the arrivals Index, Index+Of, Index+2·Of …
type Share struct{ Index, Of int64 }

// Whole is the share of a generator that works alone.
var Whole = Share{Index: 0, Of: 1}

// Total is how many arrivals of the plan the share has.
func (s Share) Total(p Plan) int64 {
	if p.total <= s.Index {
		return 0
	}
	return (p.total - s.Index + s.Of - 1) / s.Of
}

// Part is the share's part of a number: the first shares take what is left over.
func (s Share) Part(n int64) int64 {
	if s.Of <= 1 {
		return n
	}
	part := n / s.Of
	if s.Index < n%s.Of {
		part++
	}
	return part
}
