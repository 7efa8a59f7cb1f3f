package verdict

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice.dev/sluice/internal/load/gate"
	"sluice.dev/sluice/internal/load/result"
	"sluice.dev/sluice/internal/load/series"
	"sluice.dev/sluice/internal/load/stats"
)

// healthy are the facts of a run in which nothing is wrong.
func healthy() Facts {
	s := stats.NewSet()
	s.Count(series.VUsersCreated, 100)
	s.Count(series.VUsersCompleted, 100)
	s.Count(series.Requests, 300)
	s.Count(series.Responses, 300)
	s.Count(series.Codes+"200", 300)
	for range 100 {
		s.Time(series.Lag, 200*time.Microsecond)
	}
	return Facts{Total: s, Offered: 100, Planned: 10, Took: 10, Tightest: math.Inf(1), Throttled: math.NaN()}
}

func TestJudge(t *testing.T) {
	late := func(d time.Duration) func(*Facts) {
		return func(f *Facts) {
			for range 100 {
				f.Total.Time(series.Lag, d)
			}
		}
	}
	failed := gate.Outcome{Text: "apdex > 0.9", Strict: true, Values: []gate.Value{{Name: "apdex", V: 0.25}}}
	tests := []struct {
		name   string
		change func(*Facts)
		want   result.Verdict
		why    string
	}{
		{"nothing is wrong", func(*Facts) {}, result.Pass, ""},
		{"a gate is not met", func(f *Facts) { f.Outcomes = []gate.Outcome{failed} }, result.Fail, "apdex > 0.9: apdex = 0.25"},
		{"an optional gate is not met", func(f *Facts) { f.Outcomes = []gate.Outcome{{Text: "x"}} }, result.Pass, ""},
		{"a gate without data", func(f *Facts) {
			f.Outcomes = []gate.Outcome{{Text: "x < 1", Strict: true, Why: "nothing was measured for x"}}
		}, result.Fail, "x < 1: nothing was measured for x"},
		{"the run was stopped", func(f *Facts) { f.Stopped, f.Took = "SIGTERM", 3 }, result.Inconclusive, "stopped by SIGTERM after 3.0 of 10.0 s"},
		{"nobody arrived", func(f *Facts) { f.Total = stats.NewSet() }, result.Inconclusive, "no virtual user started"},
		{"nobody sent anything", func(f *Facts) {
			f.Total.Count(series.Requests, -300)
			f.Total.Count(series.ErrorClass+"script", 2)
			f.Outcomes = []gate.Outcome{{Text: "x < 1", Strict: true, Why: "nothing was measured for x"}}
		}, result.Inconclusive, "no request was sent, so nothing was measured: 2 × script"},
		{"the target took connections and never answered", func(f *Facts) {
			f.Total.Count(series.Responses, -300)
			f.Total.Count(series.ErrorClass+"conn_refused", 100)
			f.Total.Count(series.ErrorClass+"response_timeout", 200)
			f.Outcomes = []gate.Outcome{failed}
		}, result.Fail, "apdex > 0.9: apdex = 0.25"},
		{"it did, and no gate says that this matters", func(f *Facts) {
			f.Total.Count(series.Responses, -300)
			f.Total.Count(series.ErrorClass+"response_timeout", 300)
		}, result.Inconclusive, "the target never answered: 300 × response_timeout"},
		{"the target was never reached, while the stable version was", func(f *Facts) {
			f.Total.Count(series.Responses, -300)
			f.Total.Count(series.ErrorClass+"conn_refused", 300)
			f.Outcomes, f.Compared = []gate.Outcome{failed}, true
		}, result.Fail, "apdex > 0.9: apdex = 0.25"},
		{"a test that never got an answer was ended for it", func(f *Facts) {
			f.Total.Count(series.Responses, -300)
			f.Total.Count(series.ErrorClass+"response_timeout", 300)
			f.Aborted = "stopped early: errors.rate > 0.5: errors.rate = 1"
		}, result.Fail, "stopped early: errors.rate > 0.5"},
		{"expectations are not met", func(f *Facts) {
			f.Total.Count(series.ExpectFailed, 7)
			f.Expects = true
		}, result.Fail, "7 expectations of the script were not met"},
		{"expectations that do not count are not met", func(f *Facts) { f.Total.Count(series.ExpectFailed, 7) }, result.Pass, ""},
		{"the target never answered", func(f *Facts) {
			f.Total.Count(series.Responses, -300)
			f.Total.Count(series.ErrorClass+"conn_refused", 299)
			f.Total.Count(series.ErrorClass+"dns", 1)
			f.Outcomes = []gate.Outcome{failed}
		}, result.Inconclusive, "the target never answered: 299 × conn_refused, 1 × dns"},
		{"users started late beside a tight gate", func(f *Facts) { late(20 * time.Millisecond)(f); f.Tightest = 50 }, result.Inconclusive,
			"virtual users started late, p99 20.0 ms where 10.0 ms are allowed"},
		{"users started very late without a gate", late(120 * time.Millisecond), result.Inconclusive, "p99 120.0 ms where 100.0 ms are allowed"},
		{"a little late without a gate", late(20 * time.Millisecond), result.Pass, ""},
		{"two hiccups among a hundred", func(f *Facts) {
			f.Tightest = 50
			f.Total.Time(series.Lag, time.Second)
			f.Total.Time(series.Lag, time.Second)
		}, result.Pass, ""},
		{"late, but little beside the gate", func(f *Facts) { late(20 * time.Millisecond)(f); f.Tightest = 6000 }, result.Pass, ""},
		{"a generator that was the bottleneck proves nothing against the target", func(f *Facts) {
			late(200 * time.Millisecond)(f)
			f.Outcomes = []gate.Outcome{failed}
		}, result.Inconclusive, "bottleneck"},
		{"answers of 500 are the target's own all the same", func(f *Facts) {
			f.Throttled = 1
			f.Total.Count(series.Codes+"500", 300)
			f.Checks = []gate.Check{check(t, "errors.rate <= 0.01"), check(t, "apdex > 0.9")}
			f.Outcomes = []gate.Outcome{failed, {Text: "errors.rate <= 0.01", Strict: true, Values: []gate.Value{{Name: "errors.rate", V: 1}}}}
		}, result.Fail, "errors.rate <= 0.01: errors.rate = 1 (the load generator was the bottleneck: its CPU quota ran out in 100 % of the seconds; but"},
		{"requests without an answer may be the generator's", func(f *Facts) {
			f.Throttled = 1
			f.Total.Count(series.Codes+"500", 3)
			f.Total.Count(series.ErrorClass+"response_timeout", 30)
			f.Checks = []gate.Check{check(t, "errors.rate <= 0.01")}
			f.Outcomes = []gate.Outcome{{Text: "errors.rate <= 0.01", Strict: true, Values: []gate.Value{{Name: "errors.rate", V: 0.11}}}}
		}, result.Inconclusive, "bottleneck"},
		{"so are those that found no free port", func(f *Facts) {
			f.Total.Count(series.Requests, 700)
			f.Total.Count(series.Codes+"503", 6)
			f.Total.Count(series.ErrorClass+"local", 5)
			f.Checks = []gate.Check{check(t, "errors.rate <= 0.01")}
			f.Outcomes = []gate.Outcome{f.Checks[0].Evaluate(f.Total.Value)}
		}, result.Inconclusive, "5 requests found no free port"},
		{"few requests are the generator's own, however they were answered", func(f *Facts) {
			f.Throttled = 1
			f.Checks = []gate.Check{check(t, "http.requests > 1000"), check(t, "http.codes.5xx < 3 and http.requests > 1000")}
			f.Outcomes = []gate.Outcome{f.Checks[0].Evaluate(f.Total.Value), f.Checks[1].Evaluate(f.Total.Value)}
		}, result.Inconclusive, "bottleneck"},
		{"a few requests found no address", func(f *Facts) { nowhere(f, 3) }, result.Inconclusive, "for 3 requests no address was found"},
		{"a few requests found no address, which the gates allow", func(f *Facts) { nowhere(f, 2) }, result.Pass, ""},
		{"the test was ended for them", func(f *Facts) { nowhere(f, 90); f.Aborted = "stopped early: errors.rate > 0.2: errors.rate = 0.3" },
			result.Inconclusive, "stopped early: for 90 requests no address was found"},
		{"the answers were bad as well", func(f *Facts) { f.Total.Count(series.Codes+"503", 30); nowhere(f, 3) }, result.Fail, "errors.rate <= 0.009: errors.rate = 0.11"},
		{"the test was ended for something else", func(f *Facts) { nowhere(f, 1); f.Aborted = "stopped early: x" }, result.Fail, "stopped early: x"},
		{"users had not finished", func(f *Facts) { f.Total.Count(series.VUsersCompleted, -2) }, result.Inconclusive, "2 of 100 virtual users had not finished"},
		{"one in a hundred had not finished", func(f *Facts) { f.Total.Count(series.VUsersCompleted, -1) }, result.Pass, ""},
		{"users that failed have finished", func(f *Facts) { f.Total.Count(series.VUsersCompleted, -9); f.Total.Count(series.VUsersFailed, 9) }, result.Pass, ""},
		{"the run was ended for the target's sake", func(f *Facts) { f.Aborted = "stopped early: errors.rate > 0.5: errors.rate = 1" }, result.Fail,
			"stopped early: errors.rate > 0.5: errors.rate = 1"},
		{"arrivals that did not start say nothing about the target", func(f *Facts) {
			f.Outcomes = []gate.Outcome{{Text: "arrivals.achieved >= 0.99", Strict: true, Values: []gate.Value{{Name: "arrivals.achieved", V: 0.5}}}}
		}, result.Inconclusive, "arrivals.achieved = 0.5"},
		{"a gate that cannot be judged leaves the question open", func(f *Facts) {
			f.Outcomes = []gate.Outcome{{Text: "x < 1", Strict: true, Unjudged: true, Why: "it cannot be judged"}}
		}, result.Inconclusive, "x < 1: it cannot be judged"},
		{"a share without arrivals is no failure", func(f *Facts) { f.Total, f.Offered, f.Idle = stats.NewSet(), 0, true }, result.Pass, ""},
		{"too many users in flight", func(f *Facts) { f.Total.Count(series.Overflow, 2) }, result.Inconclusive, "2 of 100 arrivals found too many"},
		{"one in a hundred may be turned away", func(f *Facts) { f.Total.Count(series.Overflow, 1) }, result.Pass, ""},
		{"sending took too long", func(f *Facts) { f.Took = 10.4 }, result.Inconclusive, "sending took 10.4 s instead of 10.0 s"},
		{"one hiccup near the end of a short test", func(f *Facts) { f.Took = 10.2 }, result.Pass, ""},
		{"a name that nobody knows, beside a stable version that answers", func(f *Facts) {
			f.Total.Count(series.Responses, -f.Total.Counter(series.Responses))
			f.Total.Count(series.ErrorClass+"dns", f.Total.Counter(series.Requests))
			f.Outcomes, f.Compared = []gate.Outcome{failed}, true
		}, result.Inconclusive, "the target never answered: 300 × dns"},
		{"the CPU quota ran out", func(f *Facts) { f.Throttled = 0.06 }, result.Inconclusive, "its CPU quota ran out in 6 % of the seconds"},
		{"a throttled second now and then is fine", func(f *Facts) { f.Throttled = 0.05 }, result.Pass, ""},
		{"no port was left", func(f *Facts) { f.Total.Count(series.ErrorClass+"local", 1) }, result.Inconclusive, "1 requests found no free port"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := healthy()
			tt.change(&f)
			got, why := Judge(f)
			if got != tt.want || !strings.Contains(why, tt.why) || (why == "") != (got == result.Pass) {
				t.Errorf("%s because %q, want %s because %q", got, why, tt.want, tt.why)
			}
		})
	}
}

// nowhere has some of the requests, each of a user of its own, find no address, beside the usual gates.
func nowhere(f *Facts, n int64) {
	f.Total.Count(series.ErrorClass+"dns", n)
	f.Total.Count(series.Responses, -n)
	f.Total.Count(series.Codes+"200", -n)
	f.Total.Count(series.VUsersFailed, n)
	f.Total.Count(series.VUsersCompleted, -n)
	for _, text := range []string{"errors.rate <= 0.009", "http.requests >= 200"} {
		c, err := gate.Condition(text, series.NewCatalogue())
		if err != nil {
			panic(err)
		}
		f.Checks = append(f.Checks, c)
		f.Outcomes = append(f.Outcomes, c.Evaluate(f.Total.Value))
	}
}

func check(t *testing.T, text string) gate.Check {
	t.Helper()
	c, err := gate.Condition(text, series.NewCatalogue())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDefaultsStandBesideGatesThatDoNotLimit(t *testing.T) {
	const rate, server, unanswered, users, arrivals = "errors.rate <= 0.01", "errors.server <= 0.01", "errors.unanswered <= 0.01",
		"users.failed <= 0.01", "arrivals.achieved >= 0.99"
	all := []string{rate, users, arrivals}
	tests := []struct {
		text string
		want []string
	}{
		{"http.response_time.p99 < 6000", all},
		{"http.codes.500 < 1", all}, // a server that answers 503
		{"http.codes.500 == 0 and http.codes.503 == 0", all},
		{"http.codes.200 > 0", all},
		{"http.responses > 0", all},
		{"vusers.completed > 0", all},
		{"http.response_time.5xx.p99 < 100", all},
		{"errors.ETIMEDOUT < 5", all},
		{"errors.rate < 0.05 or http.requests > 0", all},
		{"not (errors.rate < 0.05)", all},
		{"errors.rate > 0.05", all},
		{"1 - errors.rate < 0.95", all},
		{"errors.rate < 0.05", []string{users, arrivals}},
		{"1 - errors.rate >= 0.95", []string{users, arrivals}},
		{"100 * errors.rate < 5 and http.requests > 0", []string{users, arrivals}},
		{"not (errors.rate >= 0.05 or http.requests < 5)", []string{users, arrivals}},
		{"0.05 > errors.rate", []string{users, arrivals}},
		{"errors.rate < 0.05 or max(errors.rate, 0) < 0.1", []string{users, arrivals}},
		{"http.codes.5xx == 0", []string{unanswered, users, arrivals}},
		{"errors.server == 0", []string{unanswered, users, arrivals}},
		{"errors.unanswered <= 0.1", []string{server, users, arrivals}},
		{"vusers.failed == 0", []string{server, arrivals}},
		{"users.failed <= 0.2", []string{server, arrivals}},
		{"(vusers.created - vusers.completed) / vusers.created * 100 <= 5", []string{server, arrivals}},
		{"vusers.completed / vusers.created > 0.9", []string{server, arrivals}},
		{"errors.rate <= 0.1 and users.failed <= 0.1 and arrivals.achieved > 0.5", nil},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			c := check(t, tt.text)
			if diff := cmp.Diff(tt.want, defaults(t, c)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if got, want := LimitsServerErrors([]gate.Check{c}), !slices.Contains(tt.want, rate) && !slices.Contains(tt.want, server); got != want {
				t.Errorf("LimitsServerErrors = %t, want %t", got, want)
			}
			c.Strict = false
			if diff := cmp.Diff(all, defaults(t, c)); diff != "" {
				t.Errorf("an optional check decides nothing: -want +got:\n%s", diff)
			}
		})
	}
}

func defaults(t *testing.T, c gate.Check) (texts []string) {
	t.Helper()
	all, err := WithDefaults([]gate.Check{c}, series.NewCatalogue())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		if c.Default {
			texts = append(texts, c.Text)
		}
	}
	return texts
}

func TestAGateIsShownWithWhatItCompares(t *testing.T) {
	total := stats.NewSet()
	total.Count(series.VUsersCreated, 40)
	total.Count(series.VUsersCompleted, 30)
	percent, err := gate.MaxErrorRate(1, series.NewCatalogue())
	if err != nil {
		t.Fatal(err)
	}
	for text, c := range map[string]gate.Check{
		"25": percent, "0.75": check(t, "0.5 < vusers.completed / vusers.created"), "40": check(t, "vusers.created > 3 and vusers.completed > 1"),
		"30": check(t, "vusers.completed < vusers.created"),
	} {
		g := Gates([]gate.Outcome{c.Evaluate(total.Value)})[0]
		if g.Value == nil || strconv.FormatFloat(*g.Value, 'f', -1, 64) != text {
			t.Errorf("%s: %v, want %s", g.Text, g.Value, text)
		}
	}
}

// What makes a test fail decides its exit code.
func TestUnexpected(t *testing.T) {
	f := healthy()
	f.Total.Count(series.ExpectFailed, 1)
	f.Expects = true
	if !Unexpected(f) {
		t.Error("expectations alone make it fail")
	}
	f.Outcomes = []gate.Outcome{{Text: "x", Strict: true}}
	if Unexpected(f) {
		t.Error("a gate makes it fail")
	}
	if Unexpected(healthy()) {
		t.Error("nothing makes it fail")
	}
}

func TestTightest(t *testing.T) {
	var checks []gate.Check
	if got := Tightest(checks); !math.IsInf(got, 1) {
		t.Errorf("without checks: %v", got)
	}
	for name, limit := range map[string]float64{"http.response_time.p99": 300, "http.response_time.p95": 200, "http.requests": 1} {
		check, err := gate.Threshold(name, limit, series.NewCatalogue())
		if err != nil {
			t.Fatal(err)
		}
		checks = append(checks, check)
	}
	if got := Tightest(checks); got != 200 {
		t.Errorf("Tightest = %v, want 200", got)
	}
}
