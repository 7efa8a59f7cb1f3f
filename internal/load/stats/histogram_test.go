package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"pgregory.net/rapid"
)

func durations() *rapid.Generator[[]time.Duration] {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) time.Duration {
		return time.Duration(rapid.Int64Range(0, 1<<rapid.IntRange(1, 43).Draw(t, "bits")).Draw(t, "ns"))
	}), 0, 300)
}

func histogramOf(p precision, ds []time.Duration) *Histogram {
	h := newHistogram(p)
	for _, d := range ds {
		h.record(d)
	}
	return h
}

func TestBucketsTileTheValues(t *testing.T) {
	for _, p := range []precision{fine, coarse, packed} {
		next := int64(0)
		for i := range p.bucket(highest) + 1 {
			low, high := p.bounds(i)
			if low != next || p.bucket(low) != i || p.bucket(high) != i || high < low {
				t.Fatalf("precision %d: bucket %d holds %d to %d, which are in %d and %d; %d is next", p, i, low, high, p.bucket(low), p.bucket(high), next)
			}
			next = high + 1
		}
		if next <= highest {
			t.Errorf("precision %d: the buckets end at %d", p, next)
		}
	}
}

// HdrHistogram's own code is the oracle: the same buckets with the same counts.
func TestTheBucketsAreHdrHistograms(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ds := durations().Draw(t, "durations")
		for digits, p := range map[int]precision{3: fine, 2: coarse} {
			h, oracle := histogramOf(p, ds), hdrhistogram.New(1, highest, digits)
			for _, d := range ds {
				if err := oracle.RecordValue(min(d.Microseconds(), highest)); err != nil {
					t.Fatal(err)
				}
			}
			for _, bar := range oracle.Distribution() {
				i := p.bucket(bar.From)
				low, high := p.bounds(i)
				if n := h.count(i); n != bar.Count || low != bar.From || high != bar.To {
					t.Fatalf("%d digits: %d to %d holds %d, HdrHistogram says %s", digits, low, high, n, bar.String())
				}
			}
		}
	})
}

// What is made coarser and then added is what is added and then made coarser.
func TestMakingCoarserAndAddingCommute(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := durations().Draw(t, "a"), durations().Draw(t, "b")
		p := rapid.SampledFrom([]precision{fine, coarse}).Draw(t, "precision")
		apart := newHistogram(packed)
		for _, ds := range [][]time.Duration{a, b} {
			h, err := Unpack(histogramOf(p, ds).Pack())
			if err != nil {
				t.Fatal(err)
			}
			apart.merge(h)
		}
		whole := histogramOf(p, slices.Concat(a, b))
		if apart.Pack() != whole.Pack() {
			t.Fatalf("%+v added up is not %+v", apart.Summary(), whole.Summary())
		}
		want := newHistogram(packed)
		want.merge(whole)
		if apart.Summary() != want.Summary() || apart.Percentile(99.99) != want.Percentile(99.99) {
			t.Fatalf("%+v added up is not %+v", apart.Summary(), want.Summary())
		}
	})
}

// shapes are what latencies look like; the cliff has 1 % slow and 0.1 % very slow answers.
func shapes() map[string]func(*rand.Rand) time.Duration {
	millis := func(v float64) time.Duration { return time.Duration(v * float64(time.Millisecond)) }
	return map[string]func(*rand.Rand) time.Duration{
		"even":        func(r *rand.Rand) time.Duration { return millis(1 + 99*r.Float64()) },
		"exponential": func(r *rand.Rand) time.Duration { return millis(20 * r.ExpFloat64()) },
		"log-normal":  func(r *rand.Rand) time.Duration { return millis(math.Exp(2 + 0.8*r.NormFloat64())) },
		"cliff": func(r *rand.Rand) time.Duration {
			switch x := r.Float64(); {
			case x < 0.001:
				return millis(1000 + 1000*r.Float64())
			case x < 0.01:
				return millis(200 + 200*r.Float64())
			}
			return millis(math.Exp(1 + 0.5*r.NormFloat64()))
		},
	}
}

func TestEveryShapeKeepsItsPercentiles(t *testing.T) {
	for name, shape := range shapes() {
		for _, n := range []int{1_000, 30_000, 300_000} {
			random := rand.New(rand.NewPCG(1, uint64(n)))
			ds := make([]time.Duration, n)
			for i := range ds {
				ds[i] = max(100*time.Microsecond, shape(random)).Truncate(time.Microsecond)
			}
			h := histogramOf(fine, ds)
			packed := h.Pack()
			travelled, err := Unpack(packed)
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(ds)
			for _, percent := range []float64{50, 75, 90, 95, 99, 99.9} {
				exact := ds[int(math.Ceil(percent/100*float64(n)-1e-9))-1].Seconds() * 1000
				for what, got := range map[string]float64{
					"fine": h.Percentile(percent), "coarse": histogramOf(coarse, ds).Percentile(percent), "packed": travelled.Percentile(percent),
				} {
					if math.Abs(got-exact) > 0.01*exact {
						t.Errorf("%s, %d values, %s: p%g = %v ms, exactly %v ms", name, n, what, percent, got, exact)
					}
				}
			}
			hdr, err := h.Encode()
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%s, %d values: packed %d bytes, HdrHistogram %d bytes", name, n, len(packed), len(hdr))
			if len(packed) > 900 {
				t.Errorf("%s, %d values: packed into %d bytes, want at most 900", name, n, len(packed))
			}
		}
	}
}

func TestTextsThatAreNoHistogram(t *testing.T) {
	good := histogramOf(fine, []time.Duration{1, time.Millisecond, time.Minute}).Pack()
	for _, text := range []string{"!", "A", "Ag", "AQ", "AQAA", good[:len(good)-2], good + "AAAA"} {
		if h, err := Unpack(text); err == nil {
			t.Errorf("%q was read as %+v", text, h.Summary())
		}
	}
	if h, err := Unpack(""); err != nil || h.Count() != 0 {
		t.Errorf("no text is %v, %v", h, err)
	}
	if text := newHistogram(fine).Pack(); text != "" {
		t.Errorf("nothing packs to %q", text)
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add("")
	f.Add(histogramOf(coarse, []time.Duration{1, time.Millisecond, time.Minute}).Pack())
	f.Add(histogramOf(fine, []time.Duration{time.Hour, time.Hour}).Pack())
	f.Fuzz(func(t *testing.T, text string) {
		h, err := Unpack(text)
		if err != nil {
			return
		}
		again, err := Unpack(h.Pack())
		if err != nil || again.Summary() != h.Summary() {
			t.Errorf("%+v was packed and came back as %+v: %v", h.Summary(), again, err)
		}
	})
}

func BenchmarkRecord(b *testing.B) {
	h := newHistogram(fine)
	for b.Loop() {
		h.record(1234567)
	}
}

func BenchmarkDrain(b *testing.B) {
	r := NewRecorder(2)
	key := r.Timer("request.duration")
	random := rand.New(rand.NewPCG(1, 2))
	shape := shapes()["cliff"]
	for b.Loop() {
		b.StopTimer()
		for k := range int64(1000) {
			r.Record(k, func(s *Set) { s.Observe(key, shape(random)) })
		}
		b.StartTimer()
		r.Drain()
	}
}
