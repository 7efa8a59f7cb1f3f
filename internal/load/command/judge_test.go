package command

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"sluice.dev/sluice/internal/load/result"
)

// judged runs a script against a target whose answers are made here.
func judged(t *testing.T, answer http.HandlerFunc, config, flow string, args ...string) outcome {
	t.Helper()
	s := newTarget(t, http.StatusOK)
	s.Config.Handler = answer
	script := "config:\n  target: " + s.URL + "\n  phases: [{duration: 0.4, arrivalCount: 10}]\n  plugins: {ensure: {}}\n  ensure: {p99: 60000" + config + "}\nscenarios:\n  - flow: " + flow + "\n"
	return execute(t, script, call{args: append(append([]string{"sluice-load", "run", "-q"}, args...), "FILE")})
}

func hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func always(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// half answers /ok at once and everything else never.
func half(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/ok" {
		hang(w, r)
	}
}

func TestWhatNoGateOfTheScriptSees(t *testing.T) {
	const get = "[{get: {url: /}}]"
	tests := []struct {
		name         string
		answer       http.HandlerFunc
		config, flow string
		args         []string
		verdict      result.Verdict
		why          string
	}{
		{"a gate on 500 leaves 503", always(503), ", thresholds: [{http.codes.500: 1}]", get, nil, result.Fail, "errors.rate <= 0.01: errors.rate = 1"},
		{"answers that are good enough leave others", always(503), ", conditions: [{expression: 'http.codes.502 < 1 or http.requests > 0'}]", get, nil,
			result.Fail, "errors.rate <= 0.01"},
		{"every user fails for want of a token", always(200), "", "[{post: {url: /login, capture: {json: $.token, as: t}}}, {get: {url: '/cart/{{ t }}'}}]", nil,
			result.Fail, "users.failed <= 0.01: users.failed = 1"},
		{"a script that says how many users may fail", always(200), ", maxErrorRate: 100", "[{post: {url: /login, capture: {json: $.token, as: t}}}]", nil,
			result.Pass, ""},
		{"no request is sent", always(200), ", maxErrorRate: 1", "[{get: {url: /, probability: 0}}]", nil,
			result.Inconclusive, "no request was sent, so nothing was measured"},
		{"no request is sent, and the default gates have nothing to look at", always(200), "", "[{get: {url: /, ifTrue: 'nope == 1'}}]", nil,
			result.Inconclusive, "no request was sent, so nothing was measured"},
		{"nothing is ever answered", hang, "}\n  http: {timeout: 1", get, nil, result.Fail, "errors.rate <= 0.01: errors.rate = 1"},
		{"few requests, and a condition to abort on", always(503), "", get, []string{"--no-default-gates", "--abort-on", "errors.rate > 0.5"},
			result.Fail, "a condition to abort on holds at the end: errors.rate > 0.5: errors.rate = 1"},
		{"users that wait for an answer when the test must end", half, "", "[{get: {url: /ok}}, {get: {url: /hangs}}]", []string{"--wait-for-users", "200ms"},
			result.Fail, "errors.rate <= 0.01: errors.rate = 0.5; users.failed <= 0.01: users.failed = 1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := judged(t, tt.answer, tt.config, tt.flow, tt.args...)
			r := got.result
			if r.Verdict != tt.verdict || !strings.Contains(r.Why, tt.why) || (r.Why == "") != (tt.why == "") || r.Stopped != "" {
				t.Errorf("%s because %q, want %s because %q\n%s", r.Verdict, r.Why, tt.verdict, tt.why, got.err)
			}
		})
	}
}

func TestRequestsThatAreCutOffAreInTheResult(t *testing.T) {
	got := judged(t, half, "", "[{get: {url: /ok}}, {get: {url: /hangs}}]", "--wait-for-users", "200ms")
	if r := got.result; r.Requests != 20 || r.Errors["unfinished"] != 10 || r.ErrorRate != 0.5 {
		t.Errorf("%d requests, errors %v, rate %v", r.Requests, r.Errors, r.ErrorRate)
	}
	if !strings.Contains(got.err, "warning: 10 virtual users had not finished") {
		t.Error(got.err)
	}
}

// What runs after the load is no part of it, and nobody is ended for it.
func TestTheAfterFlowIsNotPartOfTheLoad(t *testing.T) {
	s := newTarget(t, http.StatusOK)
	script := "config:\n  target: " + s.URL + patient + `
  phases: [{duration: 0.3, arrivalCount: 3}]
after: {flow: [{think: 1s}, {get: {url: /bye}}]}
scenarios: [{flow: [{get: {url: /}}]}]
`
	began := time.Now()
	got := execute(t, script, call{args: []string{"run", "run", "--wait-for-users", "300ms", "FILE"}})
	if took := time.Since(began); took < 1300*time.Millisecond || s.asked["GET /bye "] != 1 {
		t.Errorf("the after flow did not run: %s, asked %v", took, s.asked)
	}
	if r := got.result; got.code != exitOK || r.Duration < 0.2 || r.Duration > 1 || strings.Contains(got.err, "had not finished") {
		t.Errorf("exit code %d after %v s: %s", got.code, r.Duration, got.err)
	}
}
