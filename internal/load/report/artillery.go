package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"sluice.dev/sluice/internal/load/result"
	"sluice.dev/sluice/internal/load/series"
	"sluice.dev/sluice/internal/load/stats"
)

// MaxPeriods bounds the periods a report keeps: a day at ten seconds each.
const MaxPeriods = 8640

// Artillery collects a report in the shape of Artillery's JSON.
type Artillery struct {
	// Hide takes out of the names of series what nobody may see; nil takes out nothing.
	Hide    func(string) string
	periods []period
}

// period holds one block of numbers; field order is the file's order.
type period struct {
	Counters         map[string]int64              `json:"counters"`
	Rates            map[string]float64            `json:"rates"`
	FirstCounterAt   int64                         `json:"firstCounterAt"`
	FirstHistogramAt int64                         `json:"firstHistogramAt"`
	LastCounterAt    int64                         `json:"lastCounterAt"`
	LastHistogramAt  int64                         `json:"lastHistogramAt"`
	FirstMetricAt    int64                         `json:"firstMetricAt"`
	LastMetricAt     int64                         `json:"lastMetricAt"`
	Period           any                           `json:"period"`
	Summaries        map[string]map[string]float64 `json:"summaries"`
	Histograms       map[string]map[string]float64 `json:"histograms"`
}

// Add keeps the numbers of a period that started at a time.
func (a *Artillery) Add(s *stats.Set, start time.Time) {
	if len(a.periods) < MaxPeriods {
		// In periods the start is a text, in the whole a number: readers rely on both.
		a.periods = append(a.periods, a.period(s, fmt.Sprint(start.UnixMilli())))
	}
}

// Own is what a report has besides the keys that Artillery's have, under one key that their readers do not look at.
type Own struct {
	Result result.Result
	// Target is what was loaded, ComparedWith the stable version's address, "" where nothing was compared.
	Target, ComparedWith, Version string
	// Stable has the stable version's periods, StableTotal its whole; nil where nothing was compared.
	Stable      *Artillery
	StableTotal *stats.Set
}

// blocks are the numbers of one side.
type blocks struct {
	Aggregate    period   `json:"aggregate"`
	Intermediate []period `json:"intermediate"`
}

// ownJSON is Own as it is written.
type ownJSON struct {
	Result       json.RawMessage `json:"result"`
	Target       string          `json:"target,omitempty"`
	ComparedWith string          `json:"comparedWith,omitempty"`
	Version      string          `json:"version,omitempty"`
	Stable       *blocks         `json:"stable,omitempty"`
}

// Encode writes the report of the whole test, which started at a time.
func (a *Artillery) Encode(total *stats.Set, start time.Time, own Own) ([]byte, error) {
	long, err := own.Result.Long()
	if err != nil {
		return nil, fmt.Errorf("writing the JSON report: %w", err)
	}
	beside := ownJSON{Result: long, Target: a.hidden(own.Target), ComparedWith: a.hidden(own.ComparedWith), Version: own.Version}
	if own.Stable != nil && own.StableTotal != nil {
		stable := own.Stable.blocks(own.StableTotal, start)
		beside.Stable = &stable
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // people read it, and gates are full of "<"
	e.SetIndent("", "  ")
	if err := e.Encode(struct {
		blocks
		Sluice ownJSON `json:"sluice"`
	}{a.blocks(total, start), beside}); err != nil {
		return nil, fmt.Errorf("writing the JSON report: %w", err)
	}
	return b.Bytes(), nil
}

func (a *Artillery) hidden(text string) string {
	if a.Hide == nil {
		return text
	}
	return a.Hide(text)
}

func (a *Artillery) blocks(total *stats.Set, start time.Time) blocks {
	periods := a.periods
	if periods == nil {
		periods = []period{}
	}
	return blocks{a.period(total, start.UnixMilli()), periods}
}

func (a *Artillery) period(s *stats.Set, start any) period {
	p := newPeriod(s, start)
	p.Counters, p.Summaries = rename(p.Counters, a.Hide), rename(p.Summaries, a.Hide)
	p.Histograms = p.Summaries
	return p
}

func newPeriod(s *stats.Set, start any) period {
	first, last := s.Span()
	p := period{
		Counters: map[string]int64{}, Rates: map[string]float64{}, Summaries: map[string]map[string]float64{}, Period: start,
	}
	if !first.IsZero() {
		p.FirstCounterAt, p.FirstHistogramAt, p.FirstMetricAt = first.UnixMilli(), first.UnixMilli(), first.UnixMilli()
		p.LastCounterAt, p.LastHistogramAt, p.LastMetricAt = last.UnixMilli(), last.UnixMilli(), last.UnixMilli()
	}
	for name, n := range s.Counters() {
		if shown(name, "") {
			p.Counters[name] = n
		}
	}
	if _, ok := s.Apdex(); ok {
		for _, name := range []string{series.ApdexSatisfied, series.ApdexTolerated, series.ApdexFrustrated} {
			p.Counters[name] += 0 // all three are there where one is
		}
	}
	if rate, ok := s.RequestRate(); ok {
		p.Rates[series.RequestRate] = oneDecimal(rate)
	}
	for name, summary := range s.Summaries() {
		if shown(name, "") {
			p.Summaries[name] = summaryJSON(summary)
		}
	}
	if score, ok := s.Apdex(); ok {
		p.Rates[series.Apdex] = score
	}
	p.Histograms = p.Summaries
	return p
}

func summaryJSON(s stats.Summary) map[string]float64 {
	out := map[string]float64{}
	for _, statistic := range series.Statistics() {
		v, _ := s.Value(statistic)
		out[statistic] = oneDecimal(v)
	}
	return out
}
