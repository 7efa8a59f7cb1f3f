package report

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice.dev/sluice/internal/load/result"
	"sluice.dev/sluice/internal/load/schedule"
	"sluice.dev/sluice/internal/load/series"
	"sluice.dev/sluice/internal/load/stats"
)

// invented is a run of a minute in three phases; slow is how many times slower than usual it is,
// and in the middle a fifth of the answers are errors when broken.
func invented(name string, slow float64, broken bool) Side {
	plan := inventedPlan()
	var line Timeline
	total := stats.NewSet()
	for second := range 60 {
		s := stats.NewSet()
		arrivals := due(plan, schedule.Whole, time.Duration(second+1)*time.Second) - due(plan, schedule.Whole, time.Duration(second)*time.Second)
		s.Count(series.VUsersCreated, arrivals)
		s.Count(series.VUsersCompleted, max(0, arrivals-int64(second%3)))
		for i := range 3 * arrivals {
			s.Count(series.Requests, 1)
			took := slow * (8 + 3*math.Sin(float64(second)/5) + 30*math.Pow(float64(i%40)/40, 6))
			s.Time(series.Duration, time.Duration(took*float64(time.Millisecond)))
			switch {
			case broken && second > 30 && second < 45 && i%5 == 0:
				s.Count(series.Codes+"503", 1)
			case broken && second > 38 && second < 42 && i%5 == 1:
				s.Count(series.ErrorClass+"conn_reset", 1)
			default:
				s.Count(series.Codes+"200", 1)
			}
		}
		total.Merge(s)
		line.Add(s, time.Duration(second+1)*time.Second)
	}
	side := sidesOf(result.Result{
		Arrivals: total.Counter(series.VUsersCreated), Requests: total.Counter(series.Requests),
		Codes: result.Suffixes(total, series.Codes), Errors: result.Suffixes(total, series.ErrorClass), Latency: result.QuantilesOf(total, series.Duration),
		Phases: []result.Phase{
			{Name: "Warm up", From: 0, To: 10, Arrivals: 28, Requests: 84, Latency: result.QuantilesOf(total, series.Duration)},
			{Name: "Ramp up", From: 10, To: 30, Arrivals: 550, Requests: 1650, Latency: result.QuantilesOf(total, series.Duration)},
			{Name: "Burn", From: 30, To: 60, Arrivals: 1200, Requests: 3600, Latency: result.QuantilesOf(total, series.Duration)},
		},
		Endpoints: []result.Endpoint{
			{Name: "/collection/FRONT_PAGE", Requests: 1776, Bad: 120, FirstByte: result.QuantilesOf(total, series.Duration)},
			{Name: "/products/ (add one with a rather long name)", Requests: 3552, FirstByte: result.QuantilesOf(total, series.Duration)},
		},
	})[0]
	bad := total.Counter(series.Codes+"503") + total.Counter(series.ErrorClass+"conn_reset")
	side.ErrorRate = share(bad, side.Requests)
	side.Name, side.Points = name, line.Points(plan, schedule.Whole)
	return side
}

func inventedPlan() schedule.Plan {
	plan, err := schedule.New([]schedule.Phase{
		{Name: "Warm up", Kind: schedule.Ramp, Rate: 1, RampTo: 10, Duration: 10 * time.Second},
		{Name: "Ramp up", Kind: schedule.Ramp, Rate: 10, RampTo: 40, Duration: 20 * time.Second},
		{Name: "Burn", Kind: schedule.Constant, Rate: 40, Duration: 30 * time.Second},
	})
	if err != nil {
		panic(err)
	}
	return plan
}

// pages are one of each kind.
func pages(t *testing.T) map[string]Page {
	t.Helper()
	generator := &Generator{
		Lag: &result.Quantiles{P50: 0.09, P99: 0.8, Max: 2.1}, CPU: 2300 * time.Millisecond, Throttled: new(0.0), Offered: 29.5, Achieved: 29.5,
	}
	p95 := Measured{"http.response_time.p95", 37.4}
	all := map[string]Page{
		"passed": {
			Verdict: result.Pass, Sides: []Side{invented("", 1, false)},
			Checks: []Check{
				{Text: "http.response_time.p95 < 6000", OK: true, Values: []Measured{p95}},
				{Text: "errors.rate <= 0.01", OK: true, Default: true, Values: []Measured{{"errors.rate", 0}}},
			},
		},
		"failed": {
			Verdict: result.Fail, Why: "http.response_time.p95 < 30: http.response_time.p95 = 37.4; errors.rate <= 0.01: errors.rate = 0.053",
			Sides: []Side{invented("", 1, true)}, Notes: []string{"No gate of this script looks at 5xx answers."},
			Checks: []Check{
				{Text: "http.response_time.p95 < 30", Values: []Measured{p95}},
				{Text: "errors.rate <= 0.01", Values: []Measured{{"errors.rate", 0.053}}},
				{Text: "http.codes.503 / http.requests < 0.5 and apdex > 0.9", OK: true, Values: []Measured{{"http.codes.503", 282}, {"http.requests", 5328}, {"apdex", 0.97}}},
				{Text: "vusers.failed < 1", Optional: true, Why: "nothing was timed under this name"},
			},
		},
		"compared": {
			Verdict: result.Fail, Why: "ratio.latency.p95 <= 1.3: ratio.latency.p95 = 2",
			Sides: []Side{invented("canary", 2, false), invented("stable", 1, false)},
		},
		"starved": {
			Verdict: result.Inconclusive, Why: "the load generator was the bottleneck: its CPU quota ran out in 80 % of the seconds",
			Sides: []Side{invented("", 3, false)},
		},
	}
	for name, p := range all {
		p.Title, p.StartedAt, p.Duration = "benchmark.yaml", time.Date(2026, 11, 23, 15, 4, 5, 0, time.UTC), 60*time.Second
		p.Facts, p.Bands, p.Generator = []Fact{{"Target", "http://shop.example"}, {"Script", "a1b2c3d4"}}, Bands(inventedPlan()), generator
		all[name] = p
	}
	for _, name := range []string{"artillery-1", "artillery-2"} {
		raw, err := os.ReadFile(filepath.Join("testdata", name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		p, err := FromArtillery(raw)
		if err != nil {
			t.Fatal(err)
		}
		p.Title = name + ".json"
		all[name] = p
	}
	all["empty"] = Page{}
	return all
}

func written(t *testing.T, p Page) string {
	t.Helper()
	var b bytes.Buffer
	if err := HTML(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// KEEP_HTML names a directory where the pages are left to be looked at.
func TestPagesSayWhatHappened(t *testing.T) {
	wants := map[string][]string{
		"passed":      {"Passed", "All 2 checks that count were met.", "0.62 % of it", "p95", "Warm up", "/collection/FRONT_PAGE", "Arrivals per second", "not the target’s"},
		"failed":      {"✘ Failed", "✘ not met", "125 % of it", "503", "conn_reset", "Errors per second", "✘ not met, optional", "nothing was timed", "No gate of this script"},
		"compared":    {"Side by side", "2.00 ×", "Latency, canary", "Latency, stable", "Users in flight, stable"},
		"starved":     {"Inconclusive", "The load generator was the bottleneck"},
		"artillery-2": {"Not judged", "360", "ECONNRESET", "503", "/products/", "Latency"},
		"artillery-1": {"Not judged", "ETIMEDOUT", "Users in flight", "600"},
		"empty":       {"Not judged"},
	}
	for name, p := range pages(t) {
		t.Run(name, func(t *testing.T) {
			text := written(t, p)
			for _, want := range wants[name] {
				if !strings.Contains(text, want) {
					t.Errorf("the page does not say %q", want)
				}
			}
			if dir := os.Getenv("KEEP_HTML"); dir != "" {
				if err := os.WriteFile(filepath.Join(dir, name+".html"), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if len(text) > 400<<10 {
				t.Errorf("the page has %d KiB", len(text)>>10)
			}
		})
	}
}

var outside = regexp.MustCompile(`(?i)\b(src|href|srcset|action|data|poster)\s*=|url\(|@import|<script|<link|<iframe|\bstyle\s*=|\bon[a-z]+\s*=`)

func TestAPageNeedsNothingElse(t *testing.T) {
	for name, p := range pages(t) {
		if found := outside.FindString(written(t, p)); found != "" {
			t.Errorf("%s: the page has %q, which a strict policy forbids or which loads something", name, found)
		}
	}
}

func TestEverythingIsEscaped(t *testing.T) {
	const evil = `"'><script>alert(1)</script>&{{.}}`
	p := pages(t)["failed"]
	p.Title, p.Why, p.Notes, p.Facts = evil, evil, []string{evil}, []Fact{{evil, evil}}
	p.Checks = []Check{{Text: evil, Why: evil}, {Text: evil, Values: []Measured{{evil, 1}}}}
	p.Bands = []Band{{evil, 0, time.Minute}}
	s := &p.Sides[0]
	s.Name, s.Target, s.Timed = evil, evil, evil
	s.Codes, s.Errors = map[string]int64{evil: 1}, map[string]int64{evil: 1}
	s.Times[0].Name, s.Phases[0].Name, s.Phases[0].When, s.Endpoints[0].Name = evil, evil, evil, evil
	s.Points[3].Errors = map[string]int64{evil: 5}
	text := written(t, p)
	if strings.Contains(text, "<script") || strings.Contains(text, `"'>`) {
		t.Error("a text of the run is markup in the page")
	}
	if n := strings.Count(text, "&lt;script&gt;alert(1)"); n < 14 {
		t.Errorf("the text is shown %d times, want 14 or more", n)
	}
}

// Whatever the numbers are, no drawing has a coordinate that is none.
func TestOddNumbersAreDrawnAllTheSame(t *testing.T) {
	odd := []float64{0, -1, math.NaN(), math.Inf(1), math.Inf(-1), 1e-300, 1e300}
	p := Page{Bands: []Band{{"a", 5, 1}, {"b", 0, math.MaxInt64}}, Generator: &Generator{Offered: math.Inf(1), Achieved: math.NaN()}}
	side := Side{Requests: -5, ErrorRate: math.NaN(), Apdex: new(math.Inf(1))}
	for i, v := range odd {
		side.Points = append(side.Points, Point{
			From: time.Duration(i) * time.Second, To: time.Duration(i+i%2) * time.Second, Planned: int64(i) - 1, Arrivals: math.MaxInt64 / 2, Active: int64(i) - 2,
			Codes: [6]int64{int64(i)}, Q: &Quick{v, v, v},
		})
	}
	p.Sides = []Side{side, side}
	text := written(t, p)
	for _, path := range regexp.MustCompile(` (?:d|x|y|width)="([^"]*)"`).FindAllStringSubmatch(text, -1) {
		if strings.ContainsAny(path[1], "NaIfe+") {
			t.Errorf("a drawing has the coordinate %q", path[1])
		}
	}
}

func TestATimelineStaysBounded(t *testing.T) {
	var line Timeline
	const n = 10*maxPoints + 7
	for i := range n {
		s := stats.NewSet()
		s.Count(series.VUsersCreated, 1)
		s.Count(series.Requests, 2)
		s.Count(series.Codes+"200", 2)
		line.Add(s, time.Duration(i+1)*time.Second)
	}
	points := line.Points(inventedPlan(), schedule.Whole)
	if len(points) > maxPoints {
		t.Errorf("it has %d points", len(points))
	}
	var requests, at int64
	for i, p := range points {
		requests += p.Requests
		if int64(p.From) != at {
			t.Fatalf("point %d begins at %s and the one before it ends at %s", i, p.From, time.Duration(at))
		}
		at = int64(p.To)
	}
	if requests != 2*n || time.Duration(at) != n*time.Second {
		t.Errorf("its points have %d requests in %s, want %d in %s", requests, time.Duration(at), 2*n, n*time.Second)
	}
}

func TestPointsSayWhatWasPlanned(t *testing.T) {
	plan := inventedPlan()
	for _, share := range []schedule.Share{schedule.Whole, {Index: 1, Of: 3}} {
		var line Timeline
		for second := range 60 {
			line.Add(stats.NewSet(), time.Duration(second+1)*time.Second)
		}
		sum := int64(0)
		for _, p := range line.Points(plan, share) {
			sum += p.Planned
		}
		if sum != share.Total(plan) {
			t.Errorf("share %d of %d: the points plan %d arrivals, the plan has %d", share.Index, share.Of, sum, share.Total(plan))
		}
	}
}

func TestScalesAreRound(t *testing.T) {
	for _, c := range []struct {
		highest, step float64
	}{{0, 1}, {3, 1}, {7, 2}, {12, 5}, {41, 10}, {99, 20}, {0.04, 0.01}, {1e6, 200000}} {
		if got := niceStep(c.highest); math.Abs(got/c.step-1) > 1e-9 {
			t.Errorf("up to %g the steps are %g, want %g", c.highest, got, c.step)
		}
	}
	var labels []string
	for _, at := range timeTicks(10 * time.Minute) {
		labels = append(labels, timeLabel(at))
	}
	if diff := cmp.Diff([]string{"0s", "2:00", "4:00", "6:00", "8:00", "10:00"}, labels); diff != "" {
		t.Errorf("ten minutes (-want +got):\n%s", diff)
	}
	for _, end := range []time.Duration{1, time.Millisecond, time.Second, time.Hour, 7 * 24 * time.Hour} {
		if n := len(timeTicks(end)); n < 1 || n > 12 {
			t.Errorf("%s has %d ticks", end, n)
		}
	}
}

func TestNumbersAreShort(t *testing.T) {
	got := []string{
		milli(0), milli(0.094), milli(1.234), milli(41.26), milli(812.4), milli(23456), percent(0), percent(0.00001), percent(0.0534),
		count(7), count(1234), count(1234567), count(-1234), seconds(1500 * time.Millisecond), seconds(90 * time.Second),
	}
	want := []string{
		"0 ms", "0.09 ms", "1.23 ms", "41.3 ms", "812 ms", "23.5 s", "0 %", "< 0.01 %", "5.34 %",
		"7", "1,234", "1,234,567", "-1,234", "1.50 s", "1m30s",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAResultBecomesAPage(t *testing.T) {
	text := []byte(`{"v":1,"verdict":"fail","why":"x < 1: x = 2","t0":1700000000.5,"dur":25.1,"arr":10,"req":30,"er":0.1,"codes":{"200":27,"503":3},` +
		`"lat":{"p50":5,"p90":7,"p95":8,"p99":9,"p999":9,"max":9},"rate":{"offered":1,"achieved":1},"gates":[{"x":"errors.rate <= 0.01","v":0.1,"ok":false,"def":true}],` +
		`"phases":[{"n":"Burn","from":0,"to":25,"arr":10,"req":30}],"cmp":{"arr":10,"req":30,"er":0,"lat":{"p50":2.5,"p90":7,"p95":4,"p99":9,"p999":9,"max":9}}}`)
	p, err := FromFile("result.json", text)
	if err != nil {
		t.Fatal(err)
	}
	page := written(t, p)
	for _, want := range []string{"result.json", "✘ Failed", "by default", "14 November 2023", "25.1 s", "<b>10 %</b>", "Side by side", "stable 4.00 ms · ratio 2.00 ×", "Phases, canary"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if _, err := FromFile("x", []byte(`{"v":7,"verdict":"pass"}`)); err == nil || !strings.Contains(err.Error(), "version 7") {
		t.Errorf("a result of another version: %v", err)
	}
}

func TestNoReportIsRefused(t *testing.T) {
	for _, text := range []string{"", "[]", "{}", `{"aggregate":{}}`, `{"aggregate":{"counters":"no"}}`, `{"aggregate":{"counters":{"a":1}},"intermediate":[3]}`, "null"} {
		if _, err := FromArtillery([]byte(text)); err == nil {
			t.Errorf("%q is taken for a report", text)
		}
	}
}

func FuzzFromArtillery(f *testing.F) {
	for _, name := range []string{"artillery-1", "artillery-2"} {
		raw, err := os.ReadFile(filepath.Join("testdata", name+".json"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte(`{"aggregate":{"counters":{"http.codes.":1e400,"errors.<b>":"7"},"summaries":{"a":null}},"intermediate":[{"period":"x"},{"period":-1}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := FromArtillery(text)
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := HTML(&b, p); err != nil {
			t.Fatal(err)
		}
		if err := wellFormed(b.String()); err != nil {
			t.Fatal(err)
		}
	})
}

// wellFormed reads a page's tags: all that are opened are closed, and none comes from a text.
func wellFormed(page string) error {
	page = strings.ReplaceAll(page, "<!doctype html>", "")
	d := xml.NewDecoder(strings.NewReader(page))
	d.Strict, d.AutoClose, d.Entity = false, []string{"meta", "br"}, xml.HTMLEntity
	for {
		token, err := d.Token()
		if token == nil {
			if err != nil && err.Error() != "EOF" {
				return fmt.Errorf("the page's markup: %w", err)
			}
			return nil
		}
		if tag, ok := token.(xml.StartElement); ok && tag.Name.Local == "script" {
			return fmt.Errorf("the page has a script")
		}
	}
}
