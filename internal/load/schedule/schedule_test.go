package schedule

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTotal(t *testing.T) {
	tests := []struct {
		name   string
		phases []Phase
		want   int64
	}{
		{"no phase has no arrivals", nil, 0},
		{"a pause has no arrivals", []Phase{{Kind: Pause, Duration: time.Minute}}, 0},
		{"a constant phase has rate times duration", []Phase{{Kind: Constant, Rate: 100, Duration: 10 * time.Second}}, 1000},
		{"an interval is cut to whole microseconds, so 700/s for 10 s gives two more", []Phase{{Kind: Constant, Rate: 700, Duration: 10 * time.Second}}, 7002},
		{"a rate below one per second is kept", []Phase{{Kind: Constant, Rate: 0.5, Duration: 10 * time.Second}}, 5},
		{"a constant rate of zero is a pause", []Phase{{Kind: Constant, Duration: time.Second}}, 0},
		{"a ramp rounds every second half up", []Phase{{Kind: Ramp, Rate: 1, RampTo: 10, Duration: 5 * time.Second}}, 28},
		{"a ramp may go down", []Phase{{Kind: Ramp, Rate: 10, RampTo: 1, Duration: 5 * time.Second}}, 28},
		{"a ramp of one second takes the mean", []Phase{{Kind: Ramp, Rate: 10, RampTo: 21, Duration: time.Second}}, 16},
		{"a count is a count", []Phase{{Kind: Count, Arrivals: 7, Duration: time.Second}}, 7},
		{"the seed's three phases have 28, 550 and 1000 arrivals", seed(), 1578},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := New(tt.phases)
			if err != nil {
				t.Fatal(err)
			}
			if p.Total() != tt.want {
				t.Errorf("total = %d, want %d", p.Total(), tt.want)
			}
		})
	}
}

func seed() []Phase {
	return []Phase{
		{Name: "Warm up", Kind: Ramp, Rate: 1, RampTo: 10, Duration: 5 * time.Second},
		{Name: "Ramp up", Kind: Ramp, Rate: 10, RampTo: 100, Duration: 10 * time.Second},
		{Name: "Burn", Kind: Constant, Rate: 100, Duration: 10 * time.Second},
	}
}

func TestDue(t *testing.T) {
	tests := []struct {
		name  string
		phase Phase
		want  []time.Duration
	}{
		{"the first constant arrival comes after one interval", Phase{Kind: Constant, Rate: 4, Duration: time.Second},
			[]time.Duration{250 * time.Millisecond, 500 * time.Millisecond, 750 * time.Millisecond, time.Second}},
		{"a ramp spreads each second on whole milliseconds", Phase{Kind: Ramp, Rate: 1, RampTo: 3, Duration: 2 * time.Second},
			[]time.Duration{time.Second, 1333 * time.Millisecond, 1666 * time.Millisecond, 1999 * time.Millisecond}},
		{"a count ends with the phase", Phase{Kind: Count, Arrivals: 3, Duration: 3 * time.Second},
			[]time.Duration{time.Second, 2 * time.Second, 3 * time.Second}},
		{"a count without a duration comes at once", Phase{Kind: Count, Arrivals: 2}, []time.Duration{0, 0}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := New([]Phase{{Kind: Pause, Duration: time.Minute}, tt.phase})
			if err != nil {
				t.Fatal(err)
			}
			var got []time.Duration
			for k := range p.Total() {
				a := p.Due(k)
				if a.Phase != 1 {
					t.Errorf("arrival %d belongs to phase %d, want 1", k, a.Phase)
				}
				got = append(got, a.At-time.Minute)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("arrivals differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	tests := []struct {
		name   string
		phases []Phase
		want   string
	}{
		{"a negative duration", []Phase{{Duration: -1}}, "duration"},
		{"a negative rate", []Phase{{Kind: Constant, Rate: -1}}, "rate of -1"},
		{"a rate the microsecond clock cannot show", []Phase{{Kind: Constant, Rate: 2e6}}, "outside 0 to 1000000"},
		{"phases that last for ever", []Phase{{Duration: MaxDuration}, {Duration: 1}}, "longer than"},
		{"more arrivals than can be counted", []Phase{{Kind: Count, Arrivals: MaxArrivals}, {Kind: Count, Arrivals: 1}}, "more than"},
		{"a negative bound", []Phase{{MaxVUsers: -1}}, "negative"},
		{"too many phases", make([]Phase, MaxPhases+1), "201 phases"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := New(tt.phases)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want one that contains %q", err, tt.want)
			}
		})
	}
}

func TestTheSharesOfANumberAddUpToIt(t *testing.T) {
	for _, n := range []int64{0, 1, 3, 10, 1001} {
		for _, of := range []int64{1, 2, 3, 7} {
			sum, least, most := int64(0), n, int64(0)
			for i := range of {
				part := Share{Index: i, Of: of}.Part(n)
				sum, least, most = sum+part, min(least, part), max(most, part)
			}
			if sum != n || most-least > 1 {
				t.Errorf("%d shares of %d: together %d, from %d to %d each", of, n, sum, least, most)
			}
		}
	}
}
