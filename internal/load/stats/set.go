// Package stats counts and times what a load test does.
package stats

import (
	"strings"
	"time"

	"sluice.dev/sluice/internal/load/series"
)

// Set holds counters and histograms by name. It is not safe for concurrent
// use; a Recorder is.
type Set struct {
	counters map[string]int64
	times    map[string]*Histogram
	// tallies and timers are the series of a recorder's keys, until it is drained.
	tallies []tally
	timers  []*Histogram
	// causes say in words why something was counted first, by its class; nil while there are none.
	causes map[string]string
	first  time.Time
	last   time.Time
}

// tally is a counter; one that was counted stays even when it is 0.
type tally struct {
	n    int64
	seen bool
}

// NewSet returns an empty set.
func NewSet() *Set {
	return &Set{counters: map[string]int64{}, times: map[string]*Histogram{}}
}

// Count adds to a counter.
func (s *Set) Count(name string, n int64) { s.counters[name] += n }

// Time records a duration.
func (s *Set) Time(name string, d time.Duration) { s.histogram(name, precisionOf(name)).record(d) }

// Inc adds to the counter of a key of the recorder the set belongs to.
func (s *Set) Inc(c Counter, n int64) {
	if int(c) >= len(s.tallies) {
		s.tallies = append(s.tallies, make([]tally, int(c)+1-len(s.tallies))...)
	}
	t := &s.tallies[c]
	t.n += n
	t.seen = true
}

// Observe records a duration under a key of the recorder the set belongs to.
func (s *Set) Observe(t Timer, d time.Duration) {
	if int(t.id) >= len(s.timers) {
		s.timers = append(s.timers, make([]*Histogram, int(t.id)+1-len(s.timers))...)
	}
	h := s.timers[t.id]
	if h == nil {
		h = newHistogram(t.precision)
		s.timers[t.id] = h
	}
	h.record(d)
}

// Add puts a histogram's counts into the one of this name.
func (s *Set) Add(name string, h *Histogram) {
	if h.Count() > 0 {
		s.histogram(name, h.precision).merge(h)
	}
}

// At notes that something was recorded at this time.
func (s *Set) At(t time.Time) {
	if s.first.IsZero() || t.Before(s.first) {
		s.first = t
	}
	if t.After(s.last) {
		s.last = t
	}
}

// histogram returns the one of this name. What it holds may be coarser than p, never finer.
func (s *Set) histogram(name string, p precision) *Histogram {
	h := s.times[name]
	if h == nil {
		h = newHistogram(p)
		s.times[name] = h
	}
	if p < h.precision {
		coarser := newHistogram(p)
		coarser.merge(h)
		*h = *coarser
	}
	return h
}

// precisionOf is fine for the few series every run has.
func precisionOf(name string) precision {
	switch name {
	case series.ResponseTime, series.Duration, series.DurationFromIntended, series.SessionLength, series.Lag:
		return fine
	}
	return coarse
}

// Merge adds everything another set holds under names.
func (s *Set) Merge(from *Set) {
	for name, n := range from.counters {
		s.counters[name] += n
	}
	for name, h := range from.times {
		if h.Count() > 0 {
			s.histogram(name, h.precision).merge(h)
		}
	}
	for class, why := range from.causes {
		s.Explain(class, func() string { return why })
	}
	if !from.first.IsZero() {
		s.At(from.first)
		s.At(from.last)
	}
}

// Reset empties the set and keeps its memory.
func (s *Set) Reset() {
	clear(s.counters)
	clear(s.tallies)
	for _, h := range s.times {
		h.reset()
	}
	for _, h := range s.timers {
		if h != nil {
			h.reset()
		}
	}
	s.causes, s.first, s.last = nil, time.Time{}, time.Time{}
}

// Counter returns a counter's value.
func (s *Set) Counter(name string) int64 { return s.counters[name] }

// Counters returns all counters; the caller must not change the map.
func (s *Set) Counters() map[string]int64 { return s.counters }

// Summaries returns the summary of every histogram that has samples.
func (s *Set) Summaries() map[string]Summary {
	out := make(map[string]Summary, len(s.times))
	for name, h := range s.times {
		if h.Count() > 0 {
			out[name] = h.Summary()
		}
	}
	return out
}

// Histogram returns a histogram, or nil when nothing was timed under the name.
func (s *Set) Histogram(name string) *Histogram {
	if h := s.times[name]; h != nil && h.Count() > 0 {
		return h
	}
	return nil
}

// Span is when the first and the last thing was recorded.
func (s *Set) Span() (first, last time.Time) { return s.first, s.last }

// RequestRate is requests per second between the first and the last record,
// and false when nothing was sent. A span below a second counts as a second.
func (s *Set) RequestRate() (float64, bool) {
	n := s.counters[series.Requests]
	if n == 0 {
		return 0, false
	}
	return float64(n) / max(1, s.last.Sub(s.first).Seconds()), true
}

// Apdex is the share of satisfied answers plus half of the tolerated ones, and
// false when no answer was scored.
func (s *Set) Apdex() (float64, bool) {
	satisfied, tolerated := s.counters[series.ApdexSatisfied], s.counters[series.ApdexTolerated]
	total := satisfied + tolerated + s.counters[series.ApdexFrustrated]
	if total == 0 {
		return 0, false
	}
	return (float64(satisfied) + float64(tolerated)/2) / float64(total), true
}

// Value looks a metric up as gates name it: a counter, the rate, the score, or
// a histogram with a statistic behind it.
func (s *Set) Value(name string) (float64, bool) {
	switch name {
	case series.RequestRate:
		return s.RequestRate()
	case series.Apdex:
		return s.Apdex()
	case series.ErrorRate, series.ServerErrorRate, series.UnansweredRate:
		return s.errorRate(name)
	case series.FailedRate:
		return s.failed()
	case series.Achieved:
		return s.achieved()
	}
	if n, ok := s.counters[name]; ok {
		return float64(n), true
	}
	if prefix, ok := series.CodeClass(name); ok {
		return s.class(prefix), true
	}
	i := strings.LastIndexByte(name, '.')
	if i < 0 {
		return 0, false
	}
	h := s.Histogram(name[:i])
	if h == nil {
		return 0, false
	}
	return h.Summary().Value(name[i+1:])
}

// class is how many answers had a status code of a class.
func (s *Set) class(prefix string) float64 {
	var sum int64
	for name, n := range s.counters {
		if code, ok := strings.CutPrefix(name, prefix); ok && len(code) == 2 {
			sum += n
		}
	}
	return float64(sum)
}

// Bad is how many requests got a 5xx answer, and how many got none. An answer
// with a 5xx code whose body broke off counts in both.
func (s *Set) Bad() (serverErrors, unanswered int64) {
	for name, n := range s.counters {
		if code, ok := strings.CutPrefix(name, series.Codes); ok && strings.HasPrefix(code, "5") {
			serverErrors += n
		}
		if class, ok := strings.CutPrefix(name, series.ErrorClass); ok && series.Unanswered(class) {
			unanswered += n
		}
	}
	return serverErrors, unanswered
}

// errorRate is one of the three shares of bad requests, and false when nothing was sent.
func (s *Set) errorRate(which string) (float64, bool) {
	n := s.counters[series.Requests]
	if n == 0 {
		return 0, false
	}
	serverErrors, unanswered := s.Bad()
	switch which {
	case series.ServerErrorRate:
		unanswered = 0
	case series.UnansweredRate:
		serverErrors = 0
	}
	return min(1, float64(serverErrors+unanswered)/float64(n)), true
}

// failed is the share of virtual users that failed, and false when none started.
func (s *Set) failed() (float64, bool) {
	started := s.counters[series.VUsersCreated]
	if started == 0 {
		return 0, false
	}
	return float64(s.counters[series.VUsersFailed]) / float64(started), true
}

// achieved is the share of arrivals that started of those that could have
// without a bound of our own, and false when nobody arrived.
func (s *Set) achieved() (float64, bool) {
	started := s.counters[series.VUsersCreated]
	due := started + s.counters[series.Overflow]
	if due == 0 {
		return 0, false
	}
	return float64(started) / float64(due), true
}
