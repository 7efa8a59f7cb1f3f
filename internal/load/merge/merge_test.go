package merge_test

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sluice.dev/sluice/internal/load/merge"
	"sluice.dev/sluice/internal/load/report"
	"sluice.dev/sluice/internal/load/result"
	"sluice.dev/sluice/internal/load/schedule"
	"sluice.dev/sluice/internal/load/script"
	"sluice.dev/sluice/internal/load/series"
	"sluice.dev/sluice/internal/load/stats"
	"sluice.dev/sluice/internal/load/verdict"
)

const text = `
config:
  target: http://a
  phases: [{duration: 5, arrivalRate: 20, name: Warm up}, {duration: 5, arrivalRate: 20, name: Burn}]
  plugins: {ensure: {}, apdex: {}}
  ensure:
    thresholds: [{http.response_time.p99: 3000}, {'plugins.metrics-by-endpoint.response_time./b b.p50': 2500}]
    conditions:
      - expression: "vusers.created_by_name.Some shop > 0 and apdex > 0.2"
      - {expression: "http.request_rate < 50", strict: false}
      - {expression: "request.duration.mean < 1900 or plugins.metrics-by-endpoint./b b.codes.200 < 3"}
      - {expression: "http.codes.5xx < 4", strict: false}
      - {expression: "plugins.metrics-by-endpoint./b b.codes.5xx < 2", strict: false}
    maxErrorRate: 90
scenarios: [{name: Some shop, flow: [{get: {url: /a}}, {get: {url: '/b b'}}]}]
`

func load(t interface{ Fatal(...any) }) *script.Script {
	s, err := script.Load([]byte(text), script.Options{File: "s.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	if s.Checks, err = verdict.WithDefaults(s.Checks, s.Catalogue); err != nil {
		t.Fatal(err)
	}
	return s
}

var began = time.Date(2026, 8, 6, 13, 27, 30, 0, time.UTC)

// request is one sample.
type request struct {
	phase, code int
	took        time.Duration
	endpoint    string
	at          time.Duration
}

func (r request) record(s *stats.Set) {
	e := series.NewEndpoint("plugins.metrics-by-endpoint", r.endpoint)
	s.At(began.Add(r.at))
	s.Count(series.VUsersCreated, 1)
	s.Count(series.VUsersCreatedByName+"Some shop", 1)
	s.Count(series.PhaseArrivals(r.phase), 1)
	s.Count(series.PhaseRequests(r.phase), 1)
	s.Count(series.Requests, 1)
	s.Time(series.Lag, r.took/1_000_000)
	if r.code == 0 {
		s.Count(series.ErrorClass+"conn_reset", 1)
		s.Count(series.VUsersFailed, 1)
		s.Count(e.Errors+"ECONNRESET", 1)
		return
	}
	code := map[int]string{200: "200", 404: "404", 500: "500"}[r.code]
	s.Count(series.VUsersCompleted, 1)
	s.Count(series.Responses, 1)
	if r.code == 404 {
		s.Count(series.ExpectFailed, 1)
	}
	s.Count(series.Codes+code, 1)
	s.Count(e.Codes+code, 1)
	s.Count([]string{series.ApdexSatisfied, series.ApdexTolerated, series.ApdexFrustrated}[min(2, int(r.took/time.Second))], 1)
	for _, name := range []string{series.ResponseTime, series.Duration, series.DurationFromIntended, series.PhaseDuration(r.phase), e.ResponseTime} {
		s.Time(name, r.took)
	}
}

// shareOf is what generator i of n reports of the samples it took.
func shareOf(s *script.Script, i, n int, samples []request) (result.Result, error) {
	run := runOf(s, samples)
	run.Share = &schedule.Share{Index: int64(i), Of: int64(n)}
	run.Stable = runOf(s, samples)
	return report.Result(*run)
}

func runOf(s *script.Script, samples []request) *report.Run {
	total := stats.NewSet()
	for _, r := range samples {
		r.record(total)
	}
	f := verdict.Facts{
		Total: total, Offered: int64(len(samples)), Planned: 10, Took: 10, Tightest: math.Inf(1), Throttled: 0, Idle: len(samples) == 0, Expects: true,
	}
	for _, c := range s.Checks {
		f.Outcomes = append(f.Outcomes, c.Evaluate(total.Value))
	}
	return &report.Run{Script: s, Facts: f, Achieved: int64(len(samples)), StartedAt: began, Duration: 10 * time.Second}
}

func samples() *rapid.Generator[[]request] {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) request {
		return request{
			phase: rapid.IntRange(0, 1).Draw(t, "phase"), code: rapid.SampledFrom([]int{200, 200, 404, 500, 0}).Draw(t, "code"),
			took:     time.Duration(rapid.Int64Range(0, 4_000_000).Draw(t, "µs")) * time.Microsecond,
			endpoint: rapid.SampledFrom([]string{"/a", "/b b"}).Draw(t, "endpoint"),
			at:       time.Duration(rapid.IntRange(0, 10_000).Draw(t, "ms")) * time.Millisecond,
		}
	}), 1, 60)
}

// However the samples are spread over generators, and in whatever order these
// report, the whole is what one generator's report says, byte for byte.
func TestAnySplitMergesToTheSame(t *testing.T) {
	s := load(t)
	rapid.Check(t, func(t *rapid.T) {
		all := samples().Draw(t, "samples")
		n := rapid.IntRange(1, 5).Draw(t, "shares")
		split := make([][]request, n)
		for _, r := range all {
			to := rapid.IntRange(0, n-1).Draw(t, "share")
			split[to] = append(split[to], r)
		}
		var parts []result.Result
		for i := range n {
			run := runOf(s, split[i])
			run.Share, run.Stable = &schedule.Share{Index: int64(i), Of: int64(n)}, runOf(s, split[i])
			parts = append(parts, travel(t, *run))
		}
		parts = rapid.Permutation(parts).Draw(t, "order")
		got, err := merge.Results(parts, n)
		if err != nil {
			t.Fatal(err)
		}
		one, err := shareOf(s, 0, 1, all)
		if err != nil {
			t.Fatal(err)
		}
		want, err := merge.Results([]result.Result{one}, 1)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(write(t, want)), string(write(t, got))); diff != "" {
			t.Fatalf("%d shares (-one +merged):\n%s", n, diff)
		}
	})
}

// travel sends a share through its termination message.
func travel(t *rapid.T, run report.Run) result.Result {
	r, err := report.Result(run)
	if err != nil {
		t.Fatal(err)
	}
	back, err := result.Parse(write(t, r))
	if err != nil {
		t.Fatal(err)
	}
	return back
}

func write(t interface{ Fatal(...any) }, r result.Result) []byte {
	text, err := r.Fit(1 << 30)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// spread gives every n-th of 300 quick, good answers to a share.
func spread(t *testing.T, s *script.Script, n int, change func(i int, r *result.Result)) []result.Result {
	t.Helper()
	split := make([][]request, n)
	for k := range 300 {
		split[k%n] = append(split[k%n], request{
			phase: k % 2, code: 200, took: time.Duration(k) * time.Millisecond, endpoint: "/b b", at: time.Duration(k) * 30 * time.Millisecond,
		})
	}
	var out []result.Result
	for i := range n {
		r, err := shareOf(s, i, n, split[i])
		if err != nil {
			t.Fatal(err)
		}
		change(i, &r)
		out = append(out, r)
	}
	return out
}

func TestVerdictOfTheWhole(t *testing.T) {
	s := load(t)
	of1 := func(what func(*result.Result)) func(int, *result.Result) {
		return func(i int, r *result.Result) {
			if i == 1 {
				what(r)
			}
		}
	}
	tests := []struct {
		name   string
		change func(int, *result.Result)
		keep   int
		want   result.Verdict
		why    string
	}{
		{"nothing is wrong", func(int, *result.Result) {}, 3, result.Pass, ""},
		{"a lost share leaves the question open", func(int, *result.Result) {}, 2, result.Inconclusive, "share 2 of 3 left no result"},
		{"two lost shares", func(int, *result.Result) {}, 1, result.Inconclusive, "shares 1, 2 of 3 left no result"},
		{"no share at all", func(int, *result.Result) {}, 0, result.Inconclusive, "shares 0, 1, 2 of 3 left no result"},
		{"so does one that was killed", of1(func(r *result.Result) {
			r.Verdict, r.Stopped, r.Why = result.Inconclusive, "killed", "killed after 3.0 s"
		}), 3, result.Inconclusive, "share 1: killed after 3.0 s"},
		{"and one whose generator was the bottleneck", of1(func(r *result.Result) { r.Part.Limited = "sending took 11.0 s instead of 10.0 s" }), 3,
			result.Inconclusive, "the load generator was the bottleneck: share 1: sending took 11.0 s"},
		{"and one whose generator was the bottleneck for the stable version", of1(func(r *result.Result) { r.Stable.Part.Limited = "sending took 11.0 s" }), 3,
			result.Inconclusive, "share 1: beside the stable version, sending took 11.0 s"},
		{"a share that stopped early, because harm was certain, fails the whole", of1(func(r *result.Result) {
			r.Verdict, r.Stopped, r.Why = result.Fail, "abort", "stopped early: errors.rate > 0.5: errors.rate = 1"
		}), 3, result.Fail, "stopped early: share 1: errors.rate > 0.5"},
		{"a share's own failed gate is judged again on the sums", of1(func(r *result.Result) { r.Verdict, r.Why = result.Fail, "apdex" }), 3, result.Pass, ""},
		{"a gate that is not met on the sums", of1(func(r *result.Result) { r.Codes["500"] = 10 }), 3, result.Fail, "errors.server <= 0.01: errors.server = 0.033"},
		{"expectations that are not met", of1(func(r *result.Result) { r.Part.Counts["plugins.expect.failed"] = 3 }), 3,
			result.Fail, "3 expectations of the script were not met"},
		{"a share that should have stopped early, had there been time", of1(func(r *result.Result) {
			r.Part.Aborted = "a condition to abort on holds at the end: errors.rate > 0.5: errors.rate = 1"
		}), 3, result.Fail, "share 1: a condition to abort on holds at the end: errors.rate > 0.5"},
		{"the new version never answers", func(_ int, r *result.Result) {
			r.Codes, r.Errors = nil, map[string]int64{"response_timeout": r.Requests}
			r.Part.Counts["http.responses"], r.Part.Counts["vusers.completed"] = 0, 0
		}, 3, result.Fail, "maxErrorRate <= 90"},
		{"the new version refuses what the stable one takes", func(_ int, r *result.Result) {
			var all int64
			for _, n := range r.Codes {
				all += n
			}
			r.Codes = map[string]int64{"404": all}
		}, 3, result.Inconclusive, "with 4xx, the stable version 0 of"},
		{"users had not finished", of1(func(r *result.Result) { r.Part.Counts["vusers.completed"] -= 10 }), 3, result.Inconclusive, "10 of 300 virtual users had not finished"},
		{"a histogram that a gate needs was left out", of1(func(r *result.Result) { delete(r.Part.Needed, "http.response_time") }), 3,
			result.Inconclusive, "http.response_time.p99 < 3000: it cannot be judged, because the result of share 1 had no room for http.response_time.p99"},
		{"codes were left out", of1(func(r *result.Result) { r.Codes, r.Truncated = nil, []string{"codes"} }), 3,
			result.Inconclusive, "share 1 had no room for errors.server"},
		{"only the verdict was left", of1(func(r *result.Result) {
			*r = result.Result{Version: 1, Verdict: result.Pass, Share: r.Share, Truncated: []string{"all"}}
		}), 3, result.Inconclusive, "share 1: it cannot be judged"},
		{"a share that read the script and refused it", of1(func(r *result.Result) {
			*r = result.Result{Version: 1, Verdict: result.Inconclusive, Share: r.Share, Why: "nothing was sent: boom"}
		}), 3, result.Inconclusive, "share 1: nothing was sent: boom"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := merge.Results(spread(t, s, 3, tt.change)[:tt.keep], 3)
			if err != nil {
				t.Fatal(err)
			}
			if got.Verdict != tt.want || !strings.Contains(got.Why, tt.why) || (got.Why == "") != (tt.why == "") {
				t.Errorf("%s because %q, want %s because %q", got.Verdict, got.Why, tt.want, tt.why)
			}
			if got.Part != nil || got.Share != nil {
				t.Error("the whole is no share")
			}
		})
	}
}

func TestSharesOfDifferentTestsAreRefused(t *testing.T) {
	s := load(t)
	tests := []struct {
		name, want string
		change     func(int, *result.Result)
	}{
		{"another script", "share 1 the script other", func(i int, r *result.Result) { r.Script = []string{r.Script, "other"}[i] }},
		{"another number of shares", "share 1 says it is one of 5, not of 2", func(i int, r *result.Result) { r.Share[1] = []int64{2, 5}[i] }},
		{"one share twice", "share 0 is there twice", func(_ int, r *result.Result) { r.Share[0] = 0 }},
		{"a whole test's result", "is not of a share but pass by itself", func(i int, r *result.Result) {
			if i == 1 {
				r.Share = nil
			}
		}},
		{"a damaged histogram", "part 0: reading a histogram", func(_ int, r *result.Result) { r.Part.Needed["http.response_time"] = "AAAA" }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := merge.Results(spread(t, s, 2, tt.change), 2); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one that says %q", err, tt.want)
			}
		})
	}
}

func TestAWholeTestsResultStaysAsItIs(t *testing.T) {
	r := result.Result{Version: 1, Verdict: result.Fail, Why: "x", Requests: 7}
	got, err := merge.Results([]result.Result{r}, 1)
	if diff := cmp.Diff(r, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// A share of a real test fits its message with everything that its gates need.
func TestAShareFitsItsMessage(t *testing.T) {
	s := load(t)
	var parts []result.Result
	for _, r := range spread(t, s, 3, func(int, *result.Result) {}) {
		text, err := r.Fit(result.MaxBudget)
		if err != nil {
			t.Fatal(err)
		}
		back, err := result.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if back.Part == nil || len(back.Part.Needed) != len(r.Part.Needed) || len(text) > result.MaxBudget {
			t.Fatalf("%d bytes, dropped %v", len(text), back.Truncated)
		}
		parts = append(parts, back)
	}
	got, err := merge.Results(parts, 3)
	if err != nil || got.Verdict != result.Pass || got.Requests != 300 || slices.Contains(got.Truncated, "gates") {
		b, _ := json.Marshal(got)
		t.Errorf("%v: %s", err, b)
	}
}

// What one share came to grief by stands in the whole's result: the first share's words where several have some.
func TestCausesOfTheSharesAreThoseOfTheWhole(t *testing.T) {
	s := load(t)
	parts := spread(t, s, 3, func(int, *result.Result) {})
	parts[1].Errors = map[string]int64{"conn_reset": 90}
	parts[1].Causes = map[string]string{"conn_reset": "read: connection reset by peer"}
	parts[2].Errors = map[string]int64{"conn_reset": 3}
	parts[2].Causes = map[string]string{"conn_reset": "EPIPE", "dns": "lookup a: no such host"}
	got, err := merge.Results(parts, 3)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"conn_reset": "read: connection reset by peer", "dns": "lookup a: no such host"}
	if diff := cmp.Diff(want, got.Causes); diff != "" {
		t.Errorf("causes (-want +got):\n%s", diff)
	}
}

func FuzzResults(f *testing.F) {
	f.Add([]byte(`{"v":1,"verdict":"pass","sh":[0,2],"part":{"c":{"x":1},"h":{"http.response_time":""}},"gates":[{"x":"x < 1"}]}`),
		[]byte(`{"v":1,"verdict":"fail","sh":[1,2],"part":{"c":{"x":1},"hx":{"http.response_time":""}},"phases":[{"n":"a"}],"cmp":{"req":1}}`))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		first, err := result.Parse(a)
		if err != nil {
			return
		}
		second, err := result.Parse(b)
		if err != nil {
			return
		}
		one, errOne := merge.Results([]result.Result{first, second}, 2)
		other, errOther := merge.Results([]result.Result{second, first}, 2)
		if (errOne == nil) != (errOther == nil) {
			t.Fatalf("in one order %v, in the other %v", errOne, errOther)
		}
		if diff := cmp.Diff(one, other); diff != "" {
			t.Fatalf("the order matters:\n%s", diff)
		}
	})
}
