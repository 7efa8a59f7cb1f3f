package result

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"sort"
	"strings"

	"sluice.dev/sluice/internal/load/series"
	"sluice.dev/sluice/internal/load/stats"
)

// Measured makes a result of what a set holds: everything but the verdict,
// the times, the gates, the phases and the endpoints.
func Measured(s *stats.Set) (Result, error) {
	out := Result{
		Version: Version, Arrivals: s.Counter(series.VUsersCreated), Skipped: s.Counter(series.VUsersSkipped),
		Requests: s.Counter(series.Requests), Codes: Suffixes(s, series.Codes), Errors: Suffixes(s, series.ErrorClass), Causes: causesOf(s),
		Latency: QuantilesOf(s, series.Duration), FirstByte: QuantilesOf(s, series.ResponseTime),
		Intended: QuantilesOf(s, series.DurationFromIntended), Lag: QuantilesOf(s, series.Lag),
	}
	if rate, ok := s.Value(series.ErrorRate); ok {
		out.ErrorRate = Round(rate, 4)
	}
	if score, ok := s.Apdex(); ok {
		score = Round(score, 3)
		out.Apdex = &score
	}
	if h := s.Histogram(series.Duration); h != nil {
		encoded, err := h.Encode()
		if err != nil {
			return Result{}, err
		}
		out.Histogram = encoded
	}
	return out, nil
}

// Bounds on what a result says of errors in words.
const (
	maxCauses = 5
	maxCause  = 160
)

// causesOf are the first causes of the classes of errors that were counted most, and of expectations that were not met.
func causesOf(s *stats.Set) map[string]string {
	counted := Suffixes(s, series.ErrorClass)
	var out map[string]string
	for _, class := range mostFrequent(counted, s.Causes()) {
		if out == nil {
			out = map[string]string{}
		}
		why := s.Causes()[class]
		if len(why) > maxCause {
			why = Clip(why, maxCause) + "…"
		}
		out[class] = why
	}
	return out
}

// mostFrequent are the classes that have a cause, those that were counted most first, and not too many.
func mostFrequent(counted map[string]int64, causes map[string]string) []string {
	names := slices.SortedFunc(maps.Keys(causes), func(a, b string) int {
		return cmp.Or(cmp.Compare(counted[b], counted[a]), strings.Compare(a, b))
	})
	return names[:min(len(names), maxCauses)]
}

// MeasuredSide makes the stable version's side of what a set holds, without its phases.
func MeasuredSide(s *stats.Set) (Side, error) {
	r, err := Measured(s)
	return r.canary(), err
}

// Answered says whether the version answered anything.
func (s Side) Answered() bool {
	for _, n := range s.Codes {
		if n > 0 {
			return true
		}
	}
	return false
}

// MeasurePhase fills in what a set holds about phase i.
func MeasurePhase(p Phase, s *stats.Set, i int) Phase {
	p.Arrivals, p.Requests = s.Counter(series.PhaseArrivals(i)), s.Counter(series.PhaseRequests(i))
	p.Latency = QuantilesOf(s, series.PhaseDuration(i))
	return p
}

// QuantilesOf describes a histogram; nil when it has no samples.
func QuantilesOf(s *stats.Set, name string) *Quantiles {
	h := s.Histogram(name)
	if h == nil {
		return nil
	}
	q := h.Summary()
	return &Quantiles{
		P50: Round(q.P50, 2), P90: Round(q.P90, 2), P95: Round(q.P95, 2), P99: Round(q.P99, 2),
		P999: Round(q.P999, 2), Max: Round(q.Max, 2),
	}
}

// Suffixes returns the counters whose names begin with prefix, without it.
func Suffixes(s *stats.Set, prefix string) map[string]int64 {
	out := map[string]int64{}
	for name, n := range s.Counters() {
		if rest, ok := strings.CutPrefix(name, prefix); ok && n > 0 {
			out[rest] = n
		}
	}
	return out
}

// Round keeps so many digits behind the point.
func Round(v float64, digits int) float64 {
	scale := math.Pow10(digits)
	return math.Round(v*scale) / scale
}

// Clip cuts a text to n bytes, between characters.
func Clip(s string, n int) string {
	shorten(&s, n)
	return s
}

// SortEndpoints puts the busiest first.
func SortEndpoints(list []Endpoint) {
	sort.Slice(list, func(i, j int) bool {
		return list[i].Requests > list[j].Requests || list[i].Requests == list[j].Requests && list[i].Name < list[j].Name
	})
}
