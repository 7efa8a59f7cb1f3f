package report

import (
	"fmt"
	"html/template"
	"maps"
	"math"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"sluice.dev/sluice/internal/load/result"
)

// Bounds on what a page shows: a report that somebody else wrote may hold anything.
const (
	maxRows   = 200
	maxNotes  = 50
	maxLetter = 400
)

// view is a page as the template reads it.
type view struct {
	Page
	Style   template.CSS
	Policy  string
	Word    string // the verdict as a heading
	Class   string
	Why     string
	When    string
	Cards   []card
	Checks  []checkRow
	Charts  []chart
	Compare []comparison
	Sides   []sideView
	Health  []Fact
}

// card is a number that is read first.
type card struct{ Name, Value, Note string }

type checkRow struct {
	Check
	Mark, Class string
	Limit       string
	Share       string
}

// comparison is a number of both sides.
type comparison struct{ Name, First, Second, Ratio string }

// sideView is a side with its tables in a fixed order.
type sideView struct {
	Side
	Heading string
	Codes   []tally
	Errors  []tally
	// Told says that some error has a cause.
	Told bool
}

type tally struct {
	Name  string
	N     int64
	Share float64
	Bad   bool
	Why   string
}

func newView(p Page) view {
	p = bounded(p)
	word, class := heading(p.Verdict)
	v := view{
		Page: p, Style: template.CSS(style), Policy: policy(), //nolint:gosec // it is the style of this package
		Word: word, Class: class, Why: why(p), When: when(p), Charts: charts(p), Health: health(p.Generator),
	}
	for _, c := range p.Checks {
		v.Checks = append(v.Checks, newCheckRow(c))
	}
	for _, s := range p.Sides {
		v.Sides = append(v.Sides, newSideView(s))
	}
	if len(p.Sides) > 0 {
		v.Cards = cards(p.Sides[0])
	}
	if len(p.Sides) > 1 {
		v.Compare = compare(p.Sides[0], p.Sides[1])
		v.Cards = compared(v.Compare, p.Sides[1].Name)
		v.Compare = slices.Concat(v.Compare, tallied("Answers ", p.Sides[0], p.Sides[1], func(s Side) map[string]int64 { return s.Codes }),
			tallied("Errors: ", p.Sides[0], p.Sides[1], func(s Side) map[string]int64 { return s.Errors }))
	}
	return v
}

// bounded cuts off what is too long to be looked at.
func bounded(p Page) Page {
	p.Notes = p.Notes[:min(len(p.Notes), maxNotes)]
	p.Checks = p.Checks[:min(len(p.Checks), maxRows)]
	p.Bands = p.Bands[:min(len(p.Bands), maxRows)]
	sides := make([]Side, len(p.Sides))
	for i, s := range p.Sides {
		s.Phases, s.Endpoints = s.Phases[:min(len(s.Phases), maxRows)], s.Endpoints[:min(len(s.Endpoints), maxRows)]
		sides[i] = s
	}
	p.Sides = sides
	p.Title, p.Why = short(p.Title), strings.ToValidUTF8(p.Why, "�")
	return p
}

func short(s string) string {
	if len(s) > maxLetter {
		s = s[:maxLetter] + "…"
	}
	return strings.ToValidUTF8(s, "")
}

func heading(v result.Verdict) (word, class string) {
	switch v {
	case result.Pass:
		return "Passed", "pass"
	case result.Fail:
		return "Failed", "fail"
	case result.Inconclusive:
		return "Inconclusive", "unsure"
	}
	return "Not judged", "unsure"
}

// why is the sentence behind the verdict; a test that passed needs one too.
func why(p Page) string {
	switch {
	case p.Why != "":
		return sentence(p.Why)
	case p.Verdict == result.Pass && len(p.Checks) == 0:
		return "The test ran to its end. It has no checks, so nothing could fail it."
	case p.Verdict == result.Pass && len(p.Checks) == 1:
		return "The one check was met."
	case p.Verdict == result.Pass:
		return fmt.Sprintf("All %d checks that count were met.", strict(p.Checks))
	case p.Verdict == "":
		return "This report holds numbers, and nobody's verdict about them."
	}
	return ""
}

func strict(checks []Check) (n int) {
	for _, c := range checks {
		if !c.Optional {
			n++
		}
	}
	return n
}

// sentence begins with a capital letter and ends with a full stop, unless it begins with a metric's name.
func sentence(s string) string {
	if word, _, _ := strings.Cut(s, " "); !strings.ContainsAny(word, ".:[(\"") && word != "" {
		s = strings.ToUpper(s[:1]) + s[1:]
	}
	if !strings.HasSuffix(s, ".") {
		s += "."
	}
	return s
}

func when(p Page) string {
	var parts []string
	if !p.StartedAt.IsZero() {
		parts = append(parts, p.StartedAt.UTC().Format("2 January 2006, 15:04:05 UTC"))
	}
	if p.Duration > 0 {
		parts = append(parts, seconds(p.Duration))
	}
	return strings.Join(parts, " · ")
}

func cards(s Side) []card {
	rate := "no answer was a 5xx, and none was missing"
	if s.ErrorRate > 0 {
		rate = "answers 5xx, and requests without an answer"
	}
	out := []card{
		{"Requests", count(s.Requests), arrivals(s)},
		{"Errors", percent(s.ErrorRate), rate},
	}
	if len(s.Times) > 0 {
		q := s.Times[0].Q
		out = append(out,
			card{"p50", milli(q.P50), "half of the requests took no longer"},
			card{"p95", milli(q.P95), s.Times[0].Name},
			card{"p99", milli(q.P99), "the slowest took " + milli(q.Max)})
	}
	if s.Apdex != nil {
		out = append(out, card{"Apdex", plain(*s.Apdex), "1 is satisfied, 0 frustrated"})
	}
	return out
}

func arrivals(s Side) string {
	if s.Arrivals == 0 {
		return ""
	}
	text := count(s.Arrivals) + " users started"
	if s.Skipped > 0 {
		text += ", " + count(s.Skipped) + " were turned away"
	}
	return text
}

func compare(a, b Side) []comparison {
	row := func(name string, first, second float64, show func(float64) string) comparison {
		c := comparison{Name: name, First: show(first), Second: show(second)}
		if second > 0 {
			c.Ratio = times(first / second)
		}
		return c
	}
	whole := func(v float64) string { return count(int64(v)) }
	out := []comparison{
		row("Requests", float64(a.Requests), float64(b.Requests), whole),
		row("Errors", a.ErrorRate, b.ErrorRate, percent),
	}
	for _, t := range a.Times {
		for _, u := range b.Times {
			if t.Name != u.Name {
				continue
			}
			out = append(out, row("p50, "+t.Name, t.Q.P50, u.Q.P50, milli), row("p95, "+t.Name, t.Q.P95, u.Q.P95, milli),
				row("p99, "+t.Name, t.Q.P99, u.Q.P99, milli), row("slowest, "+t.Name, t.Q.Max, u.Q.Max, milli))
		}
	}
	for i, phase := range a.Phases {
		if i < len(b.Phases) && phase.Q != nil && b.Phases[i].Q != nil {
			out = append(out, row("p95 in phase "+phase.Name, phase.Q.P95, b.Phases[i].Q.P95, milli))
		}
	}
	return out
}

// tallied puts counts of both sides beside each other, with their shares of the requests; a ratio of counts says nothing.
func tallied(name string, a, b Side, of func(Side) map[string]int64) []comparison {
	names := map[string]int64{}
	maps.Copy(names, of(a))
	maps.Copy(names, of(b))
	cell := func(s Side, key string) string {
		return count(of(s)[key]) + " (" + percent(share(of(s)[key], s.Requests)) + ")"
	}
	var out []comparison
	for _, key := range sorted(names) {
		out = append(out, comparison{Name: name + short(key), First: cell(a, key), Second: cell(b, key)})
	}
	return out[:min(len(out), maxRows)]
}

// compared shows the first numbers of a comparison as cards.
func compared(all []comparison, other string) []card {
	var out []card
	for i, c := range all[:min(len(all), 5)] {
		name, _, _ := strings.Cut(c.Name, ",")
		note := other + " " + c.Second
		if c.Ratio != "" && i > 0 {
			note += " · ratio " + c.Ratio
		}
		out = append(out, card{name, c.First, note})
	}
	return out
}

var simple = regexp.MustCompile(`^\s*(\S+)\s*(<=|<|>=|>)\s*([0-9.]+)\s*$`)

func newCheckRow(c Check) checkRow {
	row := checkRow{Check: c, Mark: "✔ met", Class: "pass"}
	switch {
	case !c.OK && c.Optional:
		row.Mark, row.Class = "✘ not met, optional", "unsure"
	case !c.OK:
		row.Mark, row.Class = "✘ not met", "fail"
	case c.Optional:
		row.Mark = "✔ met, optional"
	}
	parts := simple.FindStringSubmatch(c.Text)
	if parts == nil || len(c.Values) != 1 {
		return row
	}
	row.Limit = strings.NewReplacer("<=", "≤", ">=", "≥").Replace(parts[2]) + " " + parts[3]
	if parts[2] == ">" || parts[2] == ">=" {
		return row // what must be reached is not used up
	}
	limit, err := strconv.ParseFloat(parts[3], 64)
	if share := c.Values[0].Value / limit * 100; err == nil && limit > 0 && share < 1e6 {
		row.Share = strconv.FormatFloat(share, 'f', decimals(share), 64) + " % of it"
	}
	return row
}

func newSideView(s Side) sideView {
	out := sideView{Side: s, Heading: s.Name}
	for _, code := range sorted(s.Codes) {
		out.Codes = append(out.Codes, tally{Name: code, N: s.Codes[code], Share: share(s.Codes[code], s.Requests), Bad: strings.HasPrefix(code, "5")})
	}
	for _, class := range sorted(s.Errors) {
		why := short(s.Causes[class])
		out.Errors = append(out.Errors, tally{Name: class, N: s.Errors[class], Share: share(s.Errors[class], s.Requests), Bad: true, Why: why})
		out.Told = out.Told || why != ""
	}
	sort.SliceStable(out.Errors, func(i, j int) bool { return out.Errors[i].N > out.Errors[j].N })
	out.Codes, out.Errors = out.Codes[:min(len(out.Codes), maxRows)], out.Errors[:min(len(out.Errors), maxRows)]
	return out
}

func share(n, of int64) float64 {
	if of <= 0 {
		return 0
	}
	return float64(n) / float64(of)
}

// health says whether the numbers are the target's or the generator's own.
func health(g *Generator) []Fact {
	if g == nil {
		return nil
	}
	var out []Fact
	if g.Offered > 0 {
		out = append(out, Fact{"Arrivals per second", fmt.Sprintf("%s planned, %s started (%s)",
			plain(g.Offered), plain(g.Achieved), percent(g.Achieved/g.Offered))})
	}
	if g.Lag != nil {
		out = append(out, Fact{"Users started late by", fmt.Sprintf("%s (p50), %s (p99), %s at most", milli(g.Lag.P50), milli(g.Lag.P99), milli(g.Lag.Max))})
	}
	if g.CPU > 0 {
		out = append(out, Fact{"Processor time used", seconds(g.CPU)})
	}
	throttled := "not known on this system"
	if g.Throttled != nil {
		throttled = percent(*g.Throttled) + " of the seconds"
	}
	return append(out, Fact{"CPU quota ran out in", throttled})
}

// count groups digits: 1,234,567.
func count(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

func percent(share float64) string {
	v := share * 100
	switch {
	case v == 0 || !finite(v):
		return "0 %"
	case v < 0.01:
		return "< 0.01 %"
	}
	return strconv.FormatFloat(math.Round(v*100)/100, 'f', -1, 64) + " %"
}

// milli shows milliseconds with three digits that matter, in seconds from ten of them.
func milli(v float64) string {
	switch {
	case !finite(v):
		return "–"
	case v >= 10_000:
		return strconv.FormatFloat(v/1000, 'f', decimals(v/1000), 64) + " s"
	}
	return strconv.FormatFloat(v, 'f', decimals(v), 64) + " ms"
}

func decimals(v float64) int {
	switch v = math.Abs(v); {
	case v == 0 || v >= 100:
		return 0
	case v >= 10:
		return 1
	}
	return 2
}

func seconds(d time.Duration) string {
	if d >= time.Minute {
		return d.Round(time.Second).String()
	}
	return strconv.FormatFloat(d.Seconds(), 'f', decimals(d.Seconds()), 64) + " s"
}

func plain(v float64) string { return strconv.FormatFloat(math.Round(v*1000)/1000, 'f', -1, 64) }

func times(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) + " ×" }

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
