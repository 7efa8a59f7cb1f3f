package report

import (
	"bytes"
	"encoding/json"
	"flag"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice.dev/sluice/internal/load/gate"
	"sluice.dev/sluice/internal/load/result"
	"sluice.dev/sluice/internal/load/script"
	"sluice.dev/sluice/internal/load/series"
	"sluice.dev/sluice/internal/load/stats"
	"sluice.dev/sluice/internal/load/verdict"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const namespace = "plugins.metrics-by-endpoint"

var started = time.Date(2026, 8, 6, 13, 27, 30, 0, time.UTC)

// sample is what a short run records: 40 requests, two of them answered with 500, one with nothing.
func sample() *stats.Set {
	s := stats.NewSet()
	e := series.NewEndpoint(namespace, "/products/")
	s.At(started)
	s.At(started.Add(4 * time.Second))
	s.Count(series.VUsersCreated, 20)
	s.Count(series.VUsersCreatedByName+"0", 20)
	s.Count(series.VUsersCompleted, 19)
	s.Count(series.VUsersFailed, 1)
	s.Count(series.Requests, 40)
	s.Count(series.Responses, 39)
	s.Count(series.Codes+"200", 37)
	s.Count(series.Codes+"500", 2)
	s.Count(e.Codes+"200", 37)
	s.Count(e.Codes+"500", 2)
	s.Count(e.Errors+"ECONNRESET", 1)
	s.Count(series.Errors+"ECONNRESET", 1)
	s.Count(series.ErrorClass+"conn_reset", 1)
	s.Count(series.PhaseArrivals(0), 20)
	s.Count(series.PhaseRequests(0), 40)
	s.Count(series.ApdexSatisfied, 30)
	s.Count(series.ApdexTolerated, 8)
	s.Count(series.ApdexFrustrated, 1)
	for i := range 39 {
		d := time.Duration(i+1) * 1250 * time.Microsecond
		for _, name := range []string{series.ResponseTime, series.ResponseTime + ".2xx", e.ResponseTime} {
			s.Time(name, d)
		}
		s.Time(series.Duration, d+time.Millisecond)
		s.Time(series.DurationFromIntended, d+2*time.Millisecond)
		s.Time(series.PhaseDuration(0), d+time.Millisecond)
	}
	s.Time(series.Lag, 90*time.Microsecond)
	return s
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func outcomes() []gate.Outcome {
	return []gate.Outcome{
		{Text: "http.response_time.p95 < 6000", Strict: true, OK: true, Values: []gate.Value{{Name: "http.response_time.p95", V: 47.5}}},
		{Text: "http.codes.500 == 0", Strict: true, Values: []gate.Value{{Name: "http.codes.500", V: 2}}},
		{Text: "apdex > 0.99", Values: []gate.Value{{Name: "apdex", V: 0.8718}}},
		{Text: "http.response_time.4xx.p99 < 5", Strict: true, Why: "nothing was measured for http.response_time.4xx.p99"},
	}
}

func TestConsole(t *testing.T) {
	var b bytes.Buffer
	c := Console{W: &b, Hidden: namespace + "."}
	for _, err := range []error{
		c.Period(sample(), started.Add(10*time.Second)), c.Summary(sample(), started.Add(10*time.Second)), c.Checks(outcomes()), c.Checks(nil),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	golden(t, "console.txt", b.Bytes())
}

func TestConsoleShowsEndpointsWhenAsked(t *testing.T) {
	var b bytes.Buffer
	if err := (Console{W: &b}).Summary(sample(), started); err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(b.Bytes(), []byte(namespace+".response_time./products/:")) || bytes.Contains(b.Bytes(), []byte(series.PhasePrefix)) {
		t.Errorf("the report should have endpoints and no phases:\n%s", b.String())
	}
}

func TestArtillery(t *testing.T) {
	var a Artillery
	a.Add(sample(), started)
	got, err := a.Encode(sample(), started, own())
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "artillery.json", got)
}

func TestArtilleryWithoutPeriods(t *testing.T) {
	var a Artillery
	text, err := a.Encode(stats.NewSet(), started, Own{})
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if list, ok := got["intermediate"].([]any); !ok || len(list) != 0 {
		t.Errorf("intermediate = %v, want an empty list", got["intermediate"])
	}
}

func TestResult(t *testing.T) {
	s, err := script.Load([]byte(`
config: {target: "http://a", phases: [{duration: 4, arrivalRate: 5, name: Burn}]}
scenarios: [{flow: [{get: {url: /products/}}]}]
`), script.Options{File: "s.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	r, err := Result(Run{
		Script: s, Achieved: 20, StartedAt: started, Duration: 4100 * time.Millisecond, CPU: 30 * time.Millisecond,
		Facts: verdict.Facts{Total: sample(), Outcomes: outcomes(), Offered: 20, Planned: 4, Took: 4, Tightest: 6000, Throttled: math.NaN()},
	})
	if err != nil {
		t.Fatal(err)
	}
	if r.Histogram == "" {
		t.Error("the result has no histogram")
	}
	r.Histogram = ""
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "result.json", append(text, '\n'))
	if r.Verdict != result.Fail {
		t.Errorf("verdict = %s", r.Verdict)
	}
}

func TestLines(t *testing.T) {
	var b bytes.Buffer
	at := started.Add(4100 * time.Millisecond)
	for _, s := range []Second{
		{At: at, Elapsed: 4100 * time.Millisecond, Active: 1, Set: sample()},
		{At: at, Elapsed: 4100 * time.Millisecond, Stable: true, Set: stats.NewSet()},
	} {
		if err := Line(&b, s); err != nil {
			t.Fatal(err)
		}
	}
	if err := LastLine(&b, result.Result{Version: 1, Verdict: result.Fail, Why: "errors.rate <= 0.01: errors.rate = 0.075"}); err != nil {
		t.Fatal(err)
	}
	golden(t, "lines.jsonl", b.Bytes())
}

func TestConsoleComparesTwoVersions(t *testing.T) {
	var b bytes.Buffer
	r := result.Result{
		Requests: 40, ErrorRate: 0.075, Latency: &result.Quantiles{P50: 30, P95: 61.5, P99: 90},
		Stable: &result.Side{Requests: 40, Latency: &result.Quantiles{P50: 10, P95: 20.5, P99: 30}},
	}
	if err := (Console{W: &b}).Comparison(r); err != nil {
		t.Fatal(err)
	}
	r.Stable = &result.Side{Why: "the target never answered: 40 × conn_refused", Requests: 40, ErrorRate: 1}
	if err := (Console{W: &b}).Comparison(r); err != nil {
		t.Fatal(err)
	}
	golden(t, "comparison.txt", b.Bytes())
}

// What tools that read Artillery's reports rely on, for names of every kind.
func TestArtillerysNamesAndNumbers(t *testing.T) {
	s := sample()
	for name, n := range map[string]int64{
		"errors.Failed capture or match": 3, "plugins.expect.ok": 5, "plugins.expect.ok.statusCode": 5, "plugins.expect.failed": 1,
		"plugins.expect.failed.contentType": 1, "my.counter": 7, "vusers.skipped": 2,
	} {
		s.Count(name, n)
	}
	for _, name := range []string{"http.dns", "http.tcp", "http.tls", "http.total", "my.histogram"} {
		s.Time(name, 1234567*time.Nanosecond)
	}
	var a Artillery
	a.Add(s, started)
	text, err := a.Encode(s, started, Own{})
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Aggregate struct {
			Counters                         map[string]int64
			Rates                            map[string]float64
			Summaries, Histograms            map[string]map[string]float64
			FirstMetricAt, LastMetricAt      int64
			FirstCounterAt, FirstHistogramAt int64
			Period                           float64
		}
		Intermediate []struct{ Period string }
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	r := got.Aggregate
	for name, want := range map[string]int64{
		"errors.ECONNRESET": 1, "errors.Failed capture or match": 3, "plugins.expect.failed.contentType": 1, "my.counter": 7, "http.codes.500": 2,
		"vusers.created": 20, "vusers.created_by_name.0": 20, "vusers.failed": 1, "http.requests": 40, "http.responses": 39,
		"plugins.metrics-by-endpoint./products/.codes.200": 37, "plugins.metrics-by-endpoint./products/.errors.ECONNRESET": 1,
	} {
		if r.Counters[name] != want {
			t.Errorf("%s = %d, want %d", name, r.Counters[name], want)
		}
	}
	for _, name := range []string{"http.response_time", "http.response_time.2xx", "http.dns", "http.total", "my.histogram", "plugins.metrics-by-endpoint.response_time./products/"} {
		if diff := cmp.Diff(r.Summaries[name], r.Histograms[name]); diff != "" || len(r.Summaries[name]) != 11 {
			t.Errorf("%s: %v and %v", name, r.Summaries[name], r.Histograms[name])
		}
		for statistic, v := range r.Summaries[name] {
			if math.Abs(v*10-math.Round(v*10)) > 1e-9 {
				t.Errorf("%s.%s = %v has more than one decimal", name, statistic, v)
			}
		}
	}
	if r.Rates["http.request_rate"] != 10 || r.Period != float64(started.UnixMilli()) || got.Intermediate[0].Period != "1786022850000" {
		t.Errorf("rate %v, periods %v and %v", r.Rates, r.Period, got.Intermediate)
	}
	if r.FirstMetricAt != started.UnixMilli() || r.LastMetricAt-r.FirstMetricAt != 4000 || r.FirstCounterAt != r.FirstHistogramAt {
		t.Errorf("from %d to %d", r.FirstMetricAt, r.LastMetricAt)
	}
	for name := range r.Counters {
		if strings.HasPrefix(name, series.PhasePrefix) {
			t.Errorf("%s is in no report of Artillery's", name)
		}
	}
}
