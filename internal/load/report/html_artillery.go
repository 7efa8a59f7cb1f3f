package report

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"sluice.dev/sluice/internal/load/result"
	"sluice.dev/sluice/internal/load/series"
)

// MaxReport is how long a JSON report may be that is read, in bytes.
const MaxReport = 64 << 20

// loose is a number that may also be written as a text, or be missing. What is no number is 0.
type loose float64

// UnmarshalJSON takes anything.
func (n *loose) UnmarshalJSON(text []byte) error {
	v, err := strconv.ParseFloat(strings.Trim(string(text), `"`), 64)
	if err != nil || !finite(v) {
		v = 0
	}
	*n = loose(min(max(v, 0), 1e15))
	return nil
}

// moment is a time as reports write it: milliseconds since 1970 as a number or a text, or RFC 3339.
type moment struct{ time.Time }

// UnmarshalJSON takes anything; what is no time is the zero time.
func (m *moment) UnmarshalJSON(text []byte) error {
	word := strings.Trim(string(text), `"`)
	if v, err := strconv.ParseFloat(word, 64); err == nil {
		if v > 0 && v < 1e14 {
			m.Time = time.UnixMilli(int64(v))
		}
		return nil
	}
	if t, err := time.Parse(time.RFC3339, word); err == nil {
		m.Time = t
	}
	return nil
}

type looseMap map[string]loose

// foreign is one block of numbers of a report: of Artillery 2, or of 1.
type foreign struct {
	Counters  looseMap            `json:"counters"`
	Rates     looseMap            `json:"rates"`
	Summaries map[string]looseMap `json:"summaries"`
	// Histograms is the older name of the summaries.
	Histograms    map[string]looseMap `json:"histograms"`
	FirstMetricAt moment              `json:"firstMetricAt"`
	LastMetricAt  moment              `json:"lastMetricAt"`
	Period        moment              `json:"period"`

	Timestamp          moment   `json:"timestamp"`
	ScenariosCreated   loose    `json:"scenariosCreated"`
	ScenariosCompleted loose    `json:"scenariosCompleted"`
	ScenariosAvoided   loose    `json:"scenariosAvoided"`
	RequestsCompleted  loose    `json:"requestsCompleted"`
	Latency            looseMap `json:"latency"`
	ScenarioDuration   looseMap `json:"scenarioDuration"`
	Errors             looseMap `json:"errors"`
	Codes              looseMap `json:"codes"`
	Concurrency        loose    `json:"concurrency"`
}

// ErrNotAReport says that a file is no JSON report of Artillery's.
var ErrNotAReport = errors.New("not a JSON report of Artillery's")

// FromArtillery reads a JSON report, as `artillery run -o` of version 2 or 1 writes it, and ours.
func FromArtillery(text []byte) (Page, error) {
	if len(text) > MaxReport {
		return Page{}, fmt.Errorf("reading the report: it has more than the %d MiB that are read", MaxReport>>20)
	}
	var file struct {
		foreignSide
		Sluice *ownSide `json:"sluice"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return Page{}, fmt.Errorf("reading the report: %w: %w", ErrNotAReport, err)
	}
	if file.Aggregate == nil || !file.Aggregate.known() && file.Sluice == nil {
		return Page{}, fmt.Errorf(`reading the report: %w: it has no "aggregate" with counters`, ErrNotAReport)
	}
	page := Page{Title: "Load test"}
	periods, err := file.periods(&page)
	if err != nil {
		return Page{}, err
	}
	page = assemble(page, file.Aggregate.modern(), periods)
	if file.Sluice == nil {
		return page, nil
	}
	return file.Sluice.judged(page)
}

// foreignSide are the numbers of one side.
type foreignSide struct {
	Aggregate    *foreign          `json:"aggregate"`
	Intermediate []json.RawMessage `json:"intermediate"`
}

// periods are so many of a side as are shown.
func (s foreignSide) periods(page *Page) ([]foreign, error) {
	if len(s.Intermediate) > MaxPeriods {
		page.Notes = append(page.Notes, fmt.Sprintf("The report has %d periods; the charts show the first %d.", len(s.Intermediate), MaxPeriods))
		s.Intermediate = s.Intermediate[:MaxPeriods]
	}
	periods := make([]foreign, len(s.Intermediate))
	for i, raw := range s.Intermediate {
		if err := json.Unmarshal(raw, &periods[i]); err != nil {
			return nil, fmt.Errorf("reading the report: period %d: %w", i, err)
		}
	}
	return periods, nil
}

// ownSide is what only our reports have.
type ownSide struct {
	Result       json.RawMessage `json:"result"`
	Target       string          `json:"target"`
	ComparedWith string          `json:"comparedWith"`
	Version      string          `json:"version"`
	Stable       *foreignSide    `json:"stable"`
}

// judged is a page of our own report: the result's, with what only the periods tell.
func (o ownSide) judged(numbers Page) (Page, error) {
	res, err := result.ParseLong(o.Result)
	if err != nil {
		numbers.Notes = append(numbers.Notes, sentence("what sluice-load said of the test cannot be read: "+err.Error()))
		return numbers, nil
	}
	page := NewPage(numbers.Title, res)
	page.Notes = append(page.Notes, numbers.Notes...)
	page.Sides[0].takePoints(numbers.Sides[0])
	if o.Stable != nil && o.Stable.Aggregate != nil && len(page.Sides) > 1 {
		periods, err := o.Stable.periods(&Page{})
		if err != nil {
			return Page{}, fmt.Errorf("the stable version's side: %w", err)
		}
		page.Sides[1].takePoints(assemble(Page{}, o.Stable.Aggregate.modern(), periods).Sides[0])
	}
	if o.Target != "" {
		target := Fact{Name: "Target", Value: o.Target}
		if o.ComparedWith != "" {
			target.Value += ", compared with " + o.ComparedWith
		}
		page.Facts = append([]Fact{target}, page.Facts...)
	}
	if o.Version != "" {
		page.Facts = append(page.Facts, Fact{Name: "sluice-load", Value: o.Version})
	}
	return page, nil
}

// takePoints takes what happened over time from the periods of a report.
func (s *Side) takePoints(from Side) {
	s.Points, s.Timed, s.Completed, s.Failed = from.Points, from.Timed, from.Completed, from.Failed
}

func (f foreign) known() bool {
	return len(f.Counters) > 0 || len(f.Summaries) > 0 || len(f.Histograms) > 0 || f.old()
}

func (f foreign) old() bool { return len(f.Latency) > 0 || len(f.Codes) > 0 || f.ScenariosCreated > 0 }

// modern tells a block of version 1 in the words of version 2.
func (f foreign) modern() foreign {
	if len(f.Summaries) == 0 {
		f.Summaries = f.Histograms
	}
	if f.Period.IsZero() {
		f.Period = f.Timestamp
	}
	if !f.old() || len(f.Summaries) > 0 {
		return f
	}
	counters := looseMap{
		series.VUsersCreated: f.ScenariosCreated, series.VUsersCompleted: f.ScenariosCompleted,
		series.VUsersSkipped: f.ScenariosAvoided, series.Requests: f.RequestsCompleted,
	}
	for code, n := range f.Codes {
		counters[series.Codes+code] = n
	}
	for name, n := range f.Errors {
		counters[series.Errors+name] = n
	}
	f.Counters = counters
	f.Summaries = map[string]looseMap{}
	if len(f.Latency) > 0 {
		f.Summaries[series.ResponseTime] = f.Latency
	}
	if len(f.ScenarioDuration) > 0 {
		f.Summaries[series.SessionLength] = f.ScenarioDuration
	}
	return f
}

func assemble(page Page, whole foreign, periods []foreign) Page {
	for i := range periods {
		periods[i] = periods[i].modern()
	}
	slices.SortStableFunc(periods, func(a, b foreign) int { return a.Period.Compare(b.Period.Time) })
	page.StartedAt, page.Duration = extent(whole, periods)
	side := Side{
		Arrivals: whole.count(series.VUsersCreated), Skipped: whole.count(series.VUsersSkipped), Requests: whole.count(series.Requests),
		Completed: whole.count(series.VUsersCompleted), Failed: whole.count(series.VUsersFailed),
		Codes: whole.family(series.Codes), Errors: whole.family(series.Errors),
		Timed:  "From the end of sending to the first byte of the answer (Artillery’s http.response_time), in each period.",
		Points: foreignPoints(page.StartedAt, page.Duration, periods), Endpoints: foreignEndpoints(whole),
	}
	bad := int64(0)
	for code, n := range side.Codes {
		if strings.HasPrefix(code, "5") {
			bad += n
		}
	}
	for _, n := range side.Errors {
		bad += n
	}
	side.ErrorRate = min(1, share(bad, side.Requests))
	if score, ok := whole.Rates[series.Apdex]; ok {
		side.Apdex = new(float64(score))
	}
	for _, t := range [][2]string{{series.Duration, wholeRequest}, {series.ResponseTime, toFirstByte}, {series.SessionLength, "a virtual user’s whole visit"}} {
		if s := whole.Summaries[t[0]]; len(s) > 0 {
			side.Times = append(side.Times, Times{t[1], quantilesOf(s)})
		}
	}
	page.Sides = []Side{side}
	return page
}

// extent is when a report's test began, and how long it lasted.
func extent(whole foreign, periods []foreign) (time.Time, time.Duration) {
	first, last := whole.FirstMetricAt.Time, whole.LastMetricAt.Time
	if n := len(periods); n > 0 {
		if begin := periods[0].Period.Time; first.IsZero() || !begin.IsZero() && begin.Before(first) {
			first = begin
		}
		if last.IsZero() {
			last = periods[n-1].Period.Time
		}
	}
	if first.IsZero() || last.Before(first) {
		return first, 0
	}
	return first, last.Sub(first)
}

func (f foreign) count(name string) int64 { return int64(f.Counters[name]) }

// family are the counters whose names begin alike, by what comes after.
func (f foreign) family(prefix string) map[string]int64 {
	out := map[string]int64{}
	for name, n := range f.Counters {
		if rest, ok := strings.CutPrefix(name, prefix); ok && n > 0 {
			out[rest] = int64(n)
		}
	}
	return out
}

func quantilesOf(s looseMap) result.Quantiles {
	p50 := s["p50"]
	if _, ok := s["p50"]; !ok {
		p50 = s["median"]
	}
	or := func(name string, other loose) loose {
		if v, ok := s[name]; ok {
			return v
		}
		return other
	}
	p95 := s["p95"]
	return result.Quantiles{
		P50: float64(p50), P90: float64(or("p90", loose(math.NaN()))), P95: float64(p95), P99: float64(s["p99"]),
		P999: float64(or("p999", loose(math.NaN()))), Max: float64(s["max"]),
	}
}

// foreignPoints lays the periods on the time axis; each lasts until the next one begins.
func foreignPoints(started time.Time, length time.Duration, periods []foreign) []Point {
	var out []Point
	var created, over int64
	for i, f := range periods {
		if f.Period.IsZero() {
			continue
		}
		from, to := f.Period.Sub(started), length
		if i+1 < len(periods) {
			to = periods[i+1].Period.Sub(started)
		}
		if to <= from {
			to = from + time.Second
		}
		p := Point{From: max(0, from), To: to, Planned: -1, Arrivals: f.count(series.VUsersCreated), Requests: f.count(series.Requests), Errors: map[string]int64{}}
		created += p.Arrivals
		over += f.count(series.VUsersCompleted) + f.count(series.VUsersFailed)
		p.Active = max(0, created-over)
		if c := int64(f.Concurrency); c > 0 {
			p.Active = c
		}
		for code, n := range f.family(series.Codes) {
			p.answer(code, n)
		}
		for class, n := range f.family(series.Errors) {
			p.Codes[0] += n
			p.Errors[class] += n
		}
		if s := f.Summaries[series.ResponseTime]; len(s) > 0 {
			q := quantilesOf(s)
			p.Q = &Quick{q.P50, q.P95, q.P99}
		}
		out = append(out, p)
	}
	return out
}

// foreignEndpoints finds what the plugin metrics-by-endpoint has counted, the busiest first.
func foreignEndpoints(f foreign) []Row {
	const prefix = "plugins.metrics-by-endpoint."
	rows := map[string]*Row{}
	for name, s := range f.Summaries {
		if endpoint, ok := strings.CutPrefix(name, prefix+"response_time."); ok {
			q := quantilesOf(s)
			rows[endpoint] = &Row{Name: short(endpoint), Q: &q}
		}
	}
	for name, n := range f.Counters {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			countEndpoint(rows, rest, int64(n))
		}
	}
	out := make([]Row, 0, len(rows))
	for _, row := range rows {
		out = append(out, *row)
	}
	slices.SortFunc(out, func(a, b Row) int {
		return cmp.Or(cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.Name, b.Name))
	})
	return out[:min(len(out), maxRows)]
}

// countEndpoint adds a counter such as "/products/.codes.201" to its endpoint.
func countEndpoint(rows map[string]*Row, name string, n int64) {
	for _, kind := range []string{".codes.", ".errors."} {
		i := strings.LastIndex(name, kind)
		if i < 0 || rows[name[:i]] == nil {
			continue
		}
		row := rows[name[:i]]
		row.Requests += n
		if kind == ".errors." || strings.HasPrefix(name[i+len(kind):], "5") {
			row.Bad += n
		}
		return
	}
}
