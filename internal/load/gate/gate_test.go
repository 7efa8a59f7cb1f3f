package gate

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice.dev/sluice/internal/load/expression"
	"sluice.dev/sluice/internal/load/series"
)

func catalogue() *series.Catalogue {
	c := series.NewCatalogue()
	c.AddScenario("Browse and buy")
	c.AddEndpoint(series.NewEndpoint("plugins.metrics-by-endpoint", "/products/"))
	c.AddEndpoint(series.NewEndpoint("plugins.metrics-by-endpoint", "/products/{{ id }} (one item)"))
	return c
}

func lookup(values map[string]float64) Lookup {
	return func(name string) (float64, bool) {
		v, ok := values[name]
		return v, ok
	}
}

func TestConditions(t *testing.T) {
	values := map[string]float64{
		"http.response_time.p95": 120, "http.response_time.p99": 250, "http.requests": 300,
		"http.codes.200": 290, "http.codes.404": 1, "vusers.created": 100, "vusers.completed": 97,
		"vusers.created_by_name.Browse and buy":                               60,
		"plugins.metrics-by-endpoint.response_time./products/.p99":            80,
		"plugins.metrics-by-endpoint./products/.codes.201":                    7,
		"plugins.metrics-by-endpoint./products/{{ id }} (one item).codes.200": 9,
		"apdex": 0.95,
	}
	tests := []struct {
		name, text string
		want       bool
	}{
		{"a value below its limit", "http.response_time.p99 < 251", true},
		{"less-than is strict", "http.response_time.p99 < 250", false},
		{"less-or-equal is not", "http.response_time.p99 <= 250", true},
		{"a counter that nothing was counted in is 0", "http.codes.500 == 0", true},
		{"so is one that an expression adds up", "http.codes.500 + http.codes.502 < 1", true},
		{"a longer name wins over a shorter one it begins with", "http.codes.200 == 290", true},
		{"a code is found where it stands alone", "http.codes.404 == 1", true},
		{"a name may hold dashes and slashes", "plugins.metrics-by-endpoint.response_time./products/.p99 < 100", true},
		{"and end in a code", "plugins.metrics-by-endpoint./products/.codes.201 == 7", true},
		{"and hold braces and blanks", "plugins.metrics-by-endpoint./products/{{ id }} (one item).codes.200 == 9", true},
		{"a scenario's name may hold blanks", "vusers.created_by_name.Browse and buy >= 60 and apdex > 0.9", true},
		{"a name may be quoted", "'http.response_time.p95' == 120", true},
		{"errors of Node that no class here stands for", "errors.EPIPE + errors.ERR_STREAM_PREMATURE_CLOSE + errors.HPE_INVALID_VERSION == 0", true},
		{"an error whose name is a sentence", "errors.Failed capture or match + sluice.errors.capture < 1", true},
		{"times bind more than plus", "1 + 2 * 3 == 7", true},
		{"powers bind to the left, as in Artillery", "2 ^ 3 ^ 2 == 64", true},
		{"a sign binds more than a power, as in Artillery", "-2 ^ 2 == 4", true},
		{"and binds more than or", "1 == 1 or 1 == 2 and 1 == 2", true},
		{"not takes what stands in brackets", "not (apdex > 0.99)", true},
		{"a list of numbers", "http.codes.404 in (1, 2) and http.requests not in (1, 2)", true},
		{"a list of one", "http.codes.404 in (1)", true},
		{"brackets come first", "(vusers.created - vusers.completed) / vusers.created * 100 <= 3", true},
		{"a choice takes its first result", "apdex > 0.9 ? http.response_time.p99 < 300 : http.response_time.p99 < 100", true},
		{"a choice takes its second result", "(apdex > 0.99 ? 1 : 2) == 2", true},
		{"functions take numbers", "max(1, http.response_time.p95, 2) == 120 and round(2.5) == 3 and floor(-0.5) == -1", true},
		{"the rest of a division", "7 % 4 == 3", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			check, err := Condition(tt.text, catalogue())
			if err != nil {
				t.Fatal(err)
			}
			if got := check.Evaluate(lookup(values)); got.OK != tt.want || got.Why != "" {
				t.Errorf("%s: ok = %t (%s), want %t", tt.text, got.OK, got.Why, tt.want)
			}
		})
	}
}

func TestConditionsThatCannotBeComputedAreNotMet(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"a histogram nothing was timed in", "http.response_time.p99 < 250", "nothing was measured for http.response_time.p99"},
		{"whatever the comparison", "not (http.response_time.p99 < 250)", "nothing was measured"},
		{"a score of nothing", "apdex > 0.5", "nothing was measured for apdex"},
		{"a rate of nothing", "http.request_rate < 5", "nothing was measured"},
		{"nothing divided by nothing", "http.codes.500 / http.requests < 0.01", "not a number"},
		{"also behind a logical operator", "1 == 1 or http.codes.500 / http.requests < 0.01", "not a number"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			check, err := Condition(tt.text, catalogue())
			if err != nil {
				t.Fatal(err)
			}
			got := check.Evaluate(lookup(nil))
			if got.OK || !strings.Contains(got.Why, tt.want) {
				t.Errorf("ok = %t, why = %q, want false because of %q", got.OK, got.Why, tt.want)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"a mistyped metric", "http.respnse_time.p99 < 1", "did you mean http.response_time.p99?"},
		{"a mistyped quoted metric", "'http.respnse_time.p99' < 1", "did you mean http.response_time.p99?"},
		{"a mistyped share of errors", "errors.rat < 1", "did you mean errors.rate?"},
		{"an error that nothing counts", "errors.anything < 1", "write errors.rate for the share of requests that went wrong, or one class: sluice.errors.body_timeout,"},
		{"a class of errors under Node's beginning", "errors.dns < 1", "did you mean sluice.errors.dns?"},
		{"a mistyped class of errors", "sluice.errors.conn_refusd < 1", "did you mean sluice.errors.conn_refused?"},
		{"a mistyped error of Node", "errors.ECONREFUSED < 1", "did you mean errors.ECONNREFUSED?"},
		{"a mistyped error of an endpoint", "'plugins.metrics-by-endpoint./products/.errors.ECONREFUSED' < 1", "did you mean plugins.metrics-by-endpoint./products/.errors.ECONNREFUSED?"},
		{"a statistic that does not exist", "http.response_time.p98 < 1", "unknown metric"},
		{"a letter in a status code", "http.codes.2O0 > 5", "a status code has three digits, as http.codes.503; all of a class are counted by http.codes.5xx"},
		{"half a status code", "http.codes.5 < 1", "a status code has three digits"},
		{"no comparison", "http.requests", "compare it"},
		{"a sum", "http.requests + 1", "compare it"},
		{"a comparison of comparisons", "1 < 2 < 3", "both sides of \"<\" must be numbers"},
		{"a logical operator between numbers", "http.requests and 1 == 1", "both sides of \"and\" must be comparisons"},
		{"a not before a number", "not 1", "that must be a comparison"},
		{"a not that was meant to hold more", "not apdex > 0.99", "column 1: not holds only what stands next to it"},
		{"a minus before a comparison", "-(1 < 2) == 1", "stands before a number"},
		{"an open bracket", "(1 < 2", "expected \")\""},
		{"nothing", "", "ends too early"},
		{"only half", "1 <", "ends too early"},
		{"two conditions without an operator", "1 < 2 3 < 4", "unexpected \"3\""},
		{"a membership of comparisons", "1 < 2 in (1, 2)", "compares numbers"},
		{"a list", "(1, 2) == 1", "behind in"},
		{"a property", "p99 of http.requests > 1", "of: not supported in a gate"},
		{"chance", "random() < 0.5", "nothing to chance"},
		{"a function that does not exist", "rond(1) == 1", "unknown function rond; did you mean round?"},
		{"a text", `http.requests == "x"`, "a gate compares numbers"},
		{"a regular expression", "http.requests ~= 1", "a gate compares numbers"},
		{"a number that is none", "1.2.3 < 1", "not a number"},
		{"a letter in a number", "1e < 1", "not a number"},
		{"a function without its number", "abs(1, 2) < 1", "takes one number"},
		{"a function of a comparison", "abs(1 < 2) < 1", "takes numbers"},
		{"a choice without a condition", "1 ? 2 : 3", "must be a comparison"},
		{"a choice of two kinds", "1 < 2 ? 3 : 4 < 5", "one kind"},
		{"an unclosed name", "'http.requests < 1", "closing '"},
		{"a character of no language", "1 < §", "unexpected"},
		{"a very deep expression", strings.Repeat("(", 100) + "1", "deep"},
		{"a very long expression", strings.Repeat(" ", expression.MaxText+1), "longer than"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Condition(tt.text, catalogue())
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want one that contains %q", err, tt.want)
			}
		})
	}
}

func TestThreshold(t *testing.T) {
	check, err := Threshold("http.response_time.p95", 6000, catalogue())
	if err != nil {
		t.Fatal(err)
	}
	want := Outcome{
		Text: "http.response_time.p95 < 6000", Strict: true,
		Values: []Value{{Name: "http.response_time.p95", V: 6000}},
	}
	if diff := cmp.Diff(want, check.Evaluate(lookup(map[string]float64{"http.response_time.p95": 6000}))); diff != "" {
		t.Errorf("a value at the limit (-want +got):\n%s", diff)
	}
	for _, limit := range []float64{math.NaN(), math.Inf(1)} {
		if _, err := Threshold("http.requests", limit, catalogue()); err == nil {
			t.Errorf("a limit of %v was taken", limit)
		}
	}
	if _, err := Threshold("http.request", 1, catalogue()); err == nil || !strings.Contains(err.Error(), "did you mean http.requests?") {
		t.Errorf("error = %v, want a suggestion", err)
	}
}

func TestLatencyIsTheTightestLimitOnATime(t *testing.T) {
	tests := []struct {
		name, text string
		want       float64
		ok         bool
	}{
		{"the smaller of two", "http.response_time.p95 < 200 and http.response_time.p99 <= 100", 100, true},
		{"a counter is no time", "http.codes.500 < 1", math.Inf(1), false},
		{"a lower bound is no limit", "http.response_time.p95 > 200", math.Inf(1), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			check, err := Condition(tt.text, catalogue())
			if err != nil {
				t.Fatal(err)
			}
			if got, ok := check.Latency(); got != tt.want || ok != tt.ok {
				t.Errorf("Latency() = %v, %t, want %v, %t", got, ok, tt.want, tt.ok)
			}
		})
	}
}

func TestNamesAreListedOnce(t *testing.T) {
	check, err := Condition("http.codes.500 == 0 and http.codes.502 + http.codes.500 == 0", catalogue())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"http.codes.500", "http.codes.502"}, check.Names()); diff != "" {
		t.Error(diff)
	}
}
