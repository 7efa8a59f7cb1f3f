package merge

import (
	"math"
	"strings"
	"time"

	"sluice.dev/sluice/internal/load/gate"
	"sluice.dev/sluice/internal/load/result"
	"sluice.dev/sluice/internal/load/series"
	"sluice.dev/sluice/internal/load/stats"
	"sluice.dev/sluice/internal/load/verdict"
)

// Source is what a share measured.
type Source struct {
	Total    *stats.Set
	Checks   []gate.Check
	Facts    verdict.Facts
	Achieved int64
	// Phases is how many the script has.
	Phases int
}

// always are the counters that are carried whatever the gates look at.
var always = []string{series.Responses, series.VUsersCompleted, series.VUsersFailed, series.Overflow}

// apdex are the counters that the score is made of.
var apdex = []string{series.ApdexSatisfied, series.ApdexTolerated, series.ApdexFrustrated}

// Part collects what the whole test's result needs of a share.
func Part(s Source) *result.Part {
	p := &result.Part{
		Offered: s.Facts.Offered, Achieved: s.Achieved, Planned: result.Round(s.Facts.Planned, 3), Took: result.Round(s.Facts.Took, 3),
		Limited: verdict.Limited(s.Facts), Aborted: s.Facts.Aborted, Counts: map[string]int64{}, Needed: map[string]string{}, Others: map[string]string{},
	}
	if first, last := s.Total.Span(); !first.IsZero() {
		p.First, p.Last = first.UnixMilli(), last.UnixMilli()
	}
	for _, name := range always {
		p.Counts[name] = s.Total.Counter(name)
	}
	if s.Facts.Expects {
		p.Counts[series.ExpectFailed] = s.Total.Counter(series.ExpectFailed)
	}
	if _, scored := s.Total.Apdex(); scored {
		s.carry(p, series.Apdex, series.Score)
	}
	for _, c := range s.Checks {
		for _, name := range c.Names() {
			s.carry(p, name, c.Kind(name))
		}
	}
	others := []string{series.Duration, series.ResponseTime, series.DurationFromIntended, series.Lag}
	for i := range s.Phases {
		others = append(others, series.PhaseDuration(i))
	}
	for _, name := range others {
		if _, needed := p.Needed[name]; !needed {
			p.Others[name] = s.Total.Histogram(name).Pack()
		}
	}
	return p
}

// carry adds what one metric of a gate is computed from.
func (s Source) carry(p *result.Part, name string, kind series.Kind) {
	switch {
	case kind == series.Histogram:
		base := baseOf(name)
		p.Needed[base] = s.Total.Histogram(base).Pack()
	case name == series.Apdex:
		for _, counter := range apdex {
			p.Counts[counter] = s.Total.Counter(counter)
		}
	case kind == series.Counter && !inResult(name):
		// The value of a class of codes is a sum, which no counter holds.
		n, _ := s.Total.Value(name)
		p.Counts[name] = int64(n)
	}
}

// baseOf is a histogram's name without the statistic behind it.
func baseOf(name string) string { return name[:max(0, strings.LastIndexByte(name, '.'))] }

// inResult says whether every result has a counter anyway.
func inResult(name string) bool {
	switch name {
	case series.VUsersCreated, series.VUsersSkipped, series.Requests:
		return true
	}
	return strings.HasPrefix(name, series.Codes) || strings.HasPrefix(name, series.ErrorClass)
}

// carries says whether a share has all that a metric is computed from.
func carries(n numbers, name string, kind series.Kind) bool {
	switch {
	case n.part == nil:
		return false
	case kind == series.Histogram:
		_, needed := n.part.Needed[baseOf(name)]
		_, other := n.part.Others[baseOf(name)]
		return needed || other
	case kind == series.Counter:
		return carriesCounter(n, name)
	case name == series.Apdex:
		_, there := n.part.Counts[series.ApdexSatisfied]
		return there || n.requests == 0
	case name == series.FailedRate:
		return carriesCounter(n, series.VUsersFailed)
	case name == series.Achieved || name == series.RequestRate:
		return true
	}
	return !n.lostCounts
}

func carriesCounter(n numbers, name string) bool {
	if !inResult(name) {
		_, there := n.part.Counts[name]
		return there
	}
	return !n.lostCounts || !strings.HasPrefix(name, series.Codes) && !strings.HasPrefix(name, series.ErrorClass)
}

// numbers are what one share says about one version.
type numbers struct {
	arrivals, skipped, requests int64
	codes, errors               map[string]int64
	causes                      map[string]string
	phases                      []result.Phase
	part                        *result.Part
	// lostCounts says that codes or classes of errors were left out.
	lostCounts bool
}

func numbersOf(r result.Result) numbers {
	return numbers{
		arrivals: r.Arrivals, skipped: r.Skipped, requests: r.Requests, codes: r.Codes, errors: r.Errors, causes: r.Causes, phases: r.Phases,
		part: r.Part, lostCounts: lost(r),
	}
}

func stableNumbers(r result.Result) numbers {
	s := r.Stable
	return numbers{
		arrivals: s.Arrivals, requests: s.Requests, codes: s.Codes, errors: s.Errors, causes: s.Causes, phases: s.Phases,
		part: s.Part, lostCounts: lost(r),
	}
}

func lost(r result.Result) bool { return left(r, "codes") || left(r, "err") || left(r, "all") }

func left(r result.Result, key string) bool {
	for _, t := range r.Truncated {
		if t == key {
			return true
		}
	}
	return false
}

// addTo counts a share's numbers into the whole; histograms are those that every share carries.
func (n numbers) addTo(total *stats.Set, histograms []string) error {
	total.Count(series.VUsersCreated, n.arrivals)
	total.Count(series.VUsersSkipped, n.skipped)
	total.Count(series.Requests, n.requests)
	for code, count := range n.codes {
		total.Count(series.Codes+code, count)
	}
	for class, count := range n.errors {
		total.Count(series.ErrorClass+class, count)
	}
	for class, why := range n.causes {
		total.Explain(class, func() string { return why })
	}
	for i, p := range n.phases {
		total.Count(series.PhaseArrivals(i), p.Arrivals)
		total.Count(series.PhaseRequests(i), p.Requests)
	}
	if n.part == nil {
		return nil
	}
	for name, count := range n.part.Counts {
		if !inResult(name) {
			total.Count(name, count)
		}
	}
	if n.part.First > 0 {
		total.At(time.UnixMilli(n.part.First))
		total.At(time.UnixMilli(n.part.Last))
	}
	for _, name := range histograms {
		h, err := stats.Unpack(n.part.Needed[name] + n.part.Others[name]) // only one of the two has it
		if err != nil {
			return err
		}
		total.Add(name, h)
	}
	return nil
}

// common are the histograms that every share carries.
func common(shares []numbers) []string {
	seen := map[string]int{}
	for _, n := range shares {
		if n.part == nil {
			return nil
		}
		for name := range n.part.Needed {
			seen[name]++
		}
		for name := range n.part.Others {
			if _, twice := n.part.Needed[name]; !twice {
				seen[name]++
			}
		}
	}
	var out []string
	for name, n := range seen {
		if n == len(shares) {
			out = append(out, name)
		}
	}
	return out
}

// PerSecond is a rate with two digits, 0 of no time.
func PerSecond(n int64, seconds float64) float64 {
	if seconds <= 0 || math.IsNaN(seconds) {
		return 0
	}
	return result.Round(float64(n)/seconds, 2)
}
