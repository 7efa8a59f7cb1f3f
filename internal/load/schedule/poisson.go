package schedule

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"
)

// poissonSeconds draws how many arrivals each second of a phase has and
// returns the running sums. Counts of separate seconds are independent, and
// within a second arrivals lie evenly by chance: together that is a Poisson
// process, of which each second can be drawn without the ones before it.
func poissonSeconds(p Phase) []int64 {
	n := int((p.Duration + time.Second - 1) / time.Second)
	sums := make([]int64, n+1)
	random := rand.New(rand.NewPCG(p.Seed, 0))
	for t := range n {
		length := min(time.Second, p.Duration-time.Duration(t)*time.Second).Seconds()
		sums[t+1] = sums[t] + poisson(random, p.Rate*length)
	}
	return sums
}

// poisson draws from a Poisson distribution: by multiplying for small means,
// else by transformed rejection (Hörmann 1993), whose cost does not grow with the mean.
func poisson(random *rand.Rand, mean float64) int64 {
	if mean <= 0 {
		return 0
	}
	if mean < 10 {
		n, product := int64(0), random.Float64()
		for limit := math.Exp(-mean); product > limit; n++ {
			product *= random.Float64()
		}
		return n
	}
	b := 0.931 + 2.53*math.Sqrt(mean)
	a := -0.059 + 0.02483*b
	inverse := 1.1239 + 1.1328/(b-3.4)
	quick := 0.9277 - 3.6224/(b-2)
	for {
		u, v := random.Float64()-0.5, random.Float64()
		us := 0.5 - math.Abs(u)
		k := math.Floor((2*a/us+b)*u + mean + 0.43)
		if us >= 0.07 && v <= quick {
			return int64(k)
		}
		if k < 0 || us < 0.013 && v > us {
			continue
		}
		factorial, _ := math.Lgamma(k + 1)
		if math.Log(v*inverse/(a/(us*us)+b)) <= k*math.Log(mean)-mean-factorial {
			return int64(k)
		}
	}
}

// chance draws the arrivals of a second and remembers the second it drew last,
// because arrivals are asked for one after the other.
type chance struct {
	seed uint64
	last atomic.Pointer[second]
}

type second struct {
	t     int
	times []time.Duration
}

// at returns the j-th of the n arrivals in second t, which lasts so long.
func (c *chance) at(t int, j, n int64, length time.Duration) time.Duration {
	s := c.last.Load()
	if s == nil || s.t != t {
		s = &second{t: t, times: make([]time.Duration, n)}
		random := rand.New(rand.NewPCG(c.seed, uint64(t)+1))
		for i := range s.times {
			s.times[i] = time.Duration(random.Int64N(int64(length)))
		}
		slices.Sort(s.times)
		c.last.Store(s)
	}
	return s.times[j]
}
