package schedule

import (
	"sort"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func phases() *rapid.Generator[[]Phase] {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Phase {
		return Phase{
			Kind:     rapid.SampledFrom([]Kind{Pause, Constant, Ramp, Count, Poisson}).Draw(t, "kind"),
			Duration: time.Duration(rapid.IntRange(0, 20_000).Draw(t, "milliseconds")) * time.Millisecond,
			Rate:     rapid.Float64Range(0, 1500).Draw(t, "rate"),
			RampTo:   rapid.Float64Range(0, 1500).Draw(t, "to"),
			Arrivals: rapid.Int64Range(0, 500).Draw(t, "count"),
			Seed:     rapid.Uint64().Draw(t, "seed"),
		}
	}), 0, 4)
}

func TestArrivalsAreOrderedAndStayInTheirPhase(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, err := New(phases().Draw(t, "phases"))
		if err != nil {
			t.Fatal(err)
		}
		perPhase := make([]int64, len(p.Windows()))
		var last time.Duration
		for k := range p.Total() {
			a := p.Due(k)
			w := p.Windows()[a.Phase]
			if a.At < last {
				t.Fatalf("arrival %d at %s is earlier than the one before at %s", k, a.At, last)
			}
			if a.At < w.Start || a.At > w.End() {
				t.Fatalf("arrival %d at %s lies outside phase %d, %s to %s", k, a.At, a.Phase, w.Start, w.End())
			}
			last = a.At
			perPhase[a.Phase]++
		}
		for i, w := range p.Windows() {
			if perPhase[i] != w.Arrivals {
				t.Fatalf("phase %d has %d arrivals, its closed form says %d", i, perPhase[i], w.Arrivals)
			}
		}
	})
}

func TestSharesTogetherAreThePlan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, err := New(phases().Draw(t, "phases"))
		if err != nil {
			t.Fatal(err)
		}
		n := rapid.Int64Range(1, 7).Draw(t, "generators")
		var union []int64
		for i := range n {
			s := Share{Index: i, Of: n}
			for j := range s.Total(p) {
				union = append(union, i+j*n)
			}
		}
		sort.Slice(union, func(a, b int) bool { return union[a] < union[b] })
		var whole []int64
		for k := range Whole.Total(p) {
			whole = append(whole, k)
		}
		if diff := cmp.Diff(whole, union); diff != "" {
			t.Fatalf("the shares are not the plan (-want +got):\n%s", diff)
		}
	})
}
