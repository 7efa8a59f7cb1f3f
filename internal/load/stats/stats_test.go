package stats

import (
	"math"
	"sort"
	"sync"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sluice.dev/sluice/internal/load/series"
)

func TestMergingShardsIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 6).Draw(t, "shards")
		many, one := NewRecorder(n), NewRecorder(1)
		start := time.UnixMilli(1_700_000_000_000)
		for k, micros := range rapid.SliceOfN(rapid.Int64Range(-5, 2*highest), 0, 60).Draw(t, "durations") {
			name := rapid.SampledFrom([]string{series.Duration, "http.response_time.5xx"}).Draw(t, "name")
			for _, r := range []*Recorder{many, one} {
				r.Record(int64(k), func(s *Set) {
					s.At(start.Add(time.Duration(k%7) * time.Second))
					s.Count(series.Requests, 1)
					s.Time(name, time.Duration(micros)*time.Microsecond)
					s.Inc(r.Counter("http.responses"), 1)
					s.Observe(r.Timer("http.response_time"), time.Duration(micros)*time.Microsecond)
					s.Observe(r.Timer(name), time.Duration(micros)*time.Microsecond)
				})
			}
			if rapid.Bool().Draw(t, "drain") && k == 20 {
				// A period's end moves everything into a total; nothing may be lost or doubled.
				a, b := many.Drain(), one.Drain()
				if diff := cmp.Diff(b.Counters(), a.Counters()); diff != "" {
					t.Fatalf("counters differ (-one +many):\n%s", diff)
				}
				many.Record(0, func(s *Set) { s.Merge(a) })
				one.Record(0, func(s *Set) { s.Merge(b) })
			}
		}
		a, b := many.Drain(), one.Drain()
		if diff := cmp.Diff(b.Summaries(), a.Summaries(), cmp.Comparer(sameSum)); diff != "" {
			t.Fatalf("one shard and %d differ (-one +many):\n%s", n, diff)
		}
		if diff := cmp.Diff(b.Counters(), a.Counters()); diff != "" {
			t.Fatalf("counters differ (-one +many):\n%s", diff)
		}
		for name, h := range b.times {
			if h.Count() > 0 && a.times[name].Pack() != h.Pack() {
				t.Fatalf("the histograms of %s differ", name)
			}
		}
		if again := many.Drain(); len(again.Summaries()) != 0 || len(again.Counters()) != 0 {
			t.Fatalf("a drained recorder still holds %v", again.Counters())
		}
	})
}

// sameSum takes means as equal that differ only by the order of floating-point additions.
func sameSum(a, b float64) bool { return math.Abs(a-b) <= 1e-9*math.Max(math.Abs(a), math.Abs(b)) }

func TestQuantilesStayWithinOnePercentOfTheExactOnes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		micros := rapid.SliceOfN(rapid.Int64Range(1, 5_000_000), 1, 400).Draw(t, "durations")
		for _, name := range []string{series.Duration, "http.response_time.2xx"} {
			s := NewSet()
			for _, m := range micros {
				s.Time(name, time.Duration(m)*time.Microsecond)
			}
			sort.Slice(micros, func(i, j int) bool { return micros[i] < micros[j] })
			got := s.Histogram(name).Summary()
			for quantile, v := range map[float64]float64{0.5: got.P50, 0.95: got.P95, 0.99: got.P99, 0.999: got.P999} {
				exact := float64(micros[int(math.Ceil(quantile*float64(len(micros))))-1]) / 1000
				if math.Abs(v-exact) > 0.01*exact {
					t.Fatalf("%s: p%g = %v, exactly %v", name, quantile*100, v, exact)
				}
			}
			if got.Min != float64(micros[0])/1000 || got.Max != float64(micros[len(micros)-1])/1000 {
				t.Fatalf("%s: min and max are %v and %v", name, got.Min, got.Max)
			}
		}
	})
}

func TestRecordingFromManySides(t *testing.T) {
	r := NewRecorder(4)
	var users sync.WaitGroup
	for k := range int64(8) {
		users.Go(func() {
			for range 500 {
				r.Record(k, func(s *Set) { s.Count(series.Requests, 1) })
			}
		})
	}
	total := NewSet()
	for range 10 {
		total.Merge(r.Drain())
	}
	users.Wait()
	total.Merge(r.Drain())
	if got := total.Counter(series.Requests); got != 4000 {
		t.Errorf("%d requests were counted, want 4000", got)
	}
}

func TestValue(t *testing.T) {
	s := NewSet()
	start := time.UnixMilli(1_700_000_000_000)
	s.At(start)
	s.At(start.Add(4 * time.Second))
	s.Count(series.Requests, 20)
	for _, code := range []string{"200", "500", "503", "503"} {
		s.Count(series.Codes+code, 1)
	}
	s.Count("plugins.metrics-by-endpoint./a.codes.404", 2)
	s.Count(series.ApdexSatisfied, 6)
	s.Count(series.ApdexTolerated, 2)
	s.Count(series.ApdexFrustrated, 2)
	s.Time(series.ResponseTime, 10*time.Millisecond)
	s.Time(series.ResponseTime, 30*time.Millisecond)
	tests := []struct {
		name string
		want float64
		ok   bool
	}{
		{"http.requests", 20, true},
		{"http.codes.503", 2, true},
		{"http.codes.5xx", 3, true},
		{"http.codes.2xx", 1, true},
		{"http.codes.3xx", 0, true},
		{"plugins.metrics-by-endpoint./a.codes.4xx", 2, true},
		{"http.request_rate", 5, true},
		{"apdex", 0.7, true},
		{"http.response_time.min", 10, true},
		{"http.response_time.max", 30, true},
		{"http.response_time.mean", 20, true},
		{"http.response_time.count", 2, true},
		{"http.response_time.p99", 30, true},
		{"http.response_time.p98", 0, false},
		{"http.response_time.5xx.p99", 0, false},
		{"nothing", 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, ok := s.Value(tt.name); got != tt.want || ok != tt.ok {
				t.Errorf("Value = %v, %t, want %v, %t", got, ok, tt.want, tt.ok)
			}
		})
	}
}

func TestEncodeCanBeReadByAnyHdrHistogram(t *testing.T) {
	for _, name := range []string{series.Duration, "http.response_time.2xx"} {
		s := NewSet()
		for i := range 1000 {
			s.Time(name, time.Duration(i+1)*time.Millisecond)
		}
		text, err := s.Histogram(name).Encode()
		if err != nil {
			t.Fatal(err)
		}
		h, err := hdrhistogram.Decode([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if h.TotalCount() != 1000 || math.Abs(float64(h.ValueAtQuantile(99))-990_000) > 9900 {
			t.Errorf("%s: decoded %d values with p99 = %d µs", name, h.TotalCount(), h.ValueAtQuantile(99))
		}
	}
}
