package report

import (
	"bytes"
	"encoding/json"
	"flag"
	"math"
	"os"
	"path/filepath"
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
	got, err := a.Encode(sample(), started)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "artillery.json", got)
}

func TestArtilleryWithoutPeriods(t *testing.T) {
	var a Artillery
	text, err := a.Encode(stats.NewSet(), started)
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
