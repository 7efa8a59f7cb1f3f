package command

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"sluice.dev/sluice/internal/load/gate"
	"sluice.dev/sluice/internal/load/result"
	"sluice.dev/sluice/internal/load/series"
	"sluice.dev/sluice/internal/load/stats"
)

// steady is a script of so many arrivals a second, with gates that only latencies decide.
func steady(rate int, duration string) string {
	return fmt.Sprintf(`
config:
  phases: [{duration: %s, arrivalRate: %d}]
  ensure: {p99: 60000}
scenarios: [{flow: [{get: {url: /}}]}]
`, duration, rate)
}

// The issue's own number: a target that answers 100 requests a second with
// nothing but errors is left alone after 3 s and 300 requests, however long the test was to be.
func TestATargetThatOnlyFailsIsLeftAlone(t *testing.T) {
	for name, duration := range map[string]string{"a short test, in which the gate is lost for certain": "30s", "a long one": "2h"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTarget(t, http.StatusInternalServerError)
			began := time.Now()
			got := execute(t, steady(100, duration), call{args: []string{"sluice-load", "run", "-q", "-t", s.URL, "FILE"}})
			r := got.result
			if took := time.Since(began); took > 3*time.Second+slack || r.Requests > 300 {
				t.Errorf("it took %s and %d bad requests to stop", took, r.Requests)
			}
			if got.code != exitFailed || r.Verdict != result.Fail || r.Stopped != stoppedHopeless || !strings.HasPrefix(r.Why, "stopped early: errors.rate <= 0.01: errors.rate = 1; ") {
				t.Errorf("exit code %d, %s by %q: %s", got.code, r.Verdict, r.Stopped, r.Why)
			}
		})
	}
}

// slack is what a busy machine may take longer.
const slack = 2 * time.Second

func TestAbortOn(t *testing.T) {
	tests := []struct {
		name string
		args []string
		code int
		stop string
		why  string
	}{
		{"a condition that holds stops the test", []string{"--abort-on", "errors.rate > 0.4"}, exitFailed, stoppedAbort, "stopped early: errors.rate > 0.4: errors.rate = 0."},
		{"so does any of several", []string{"--abort-on", "http.response_time.p99 > 60000", "--abort-on", "http.codes.500 > 10"}, exitFailed, stoppedAbort,
			"stopped early: http.codes.500 > 10: http.codes.500 = "},
		{"so does a whole class of codes", []string{"--abort-on", "http.codes.5xx > 10"}, exitFailed, stoppedAbort, "stopped early: http.codes.5xx > 10: http.codes.5xx = "},
		{"what was never measured stops nothing", []string{"--abort-on", "http.response_time.4xx.p99 > 1", "--no-default-gates"}, exitOK, "", ""},
		{"a gate that can no longer be met stops it too", nil, exitFailed, stoppedHopeless, "cannot be met any more"},
		{"unless it may not", []string{"--no-early-abort"}, exitFailed, "", "errors.rate <= 0.01: errors.rate = 0.5"},
		{"and only a gate that is there", []string{"--no-default-gates"}, exitOK, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newTarget(t, http.StatusOK)
			var n atomic.Int64
			s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if n.Add(1)%2 == 0 {
					w.WriteHeader(http.StatusInternalServerError)
				}
			})
			args := append([]string{"sluice-load", "run", "-q", "-t", s.URL}, tt.args...)
			got := execute(t, steady(100, "3s"), call{args: append(args, "FILE")})
			r := got.result
			if got.code != tt.code || r.Stopped != tt.stop || !strings.Contains(r.Why, tt.why) || (r.Why == "") != (tt.why == "") {
				t.Errorf("exit code %d, stopped by %q because %q\n%s", got.code, r.Stopped, r.Why, got.err)
			}
			if stopped := r.Requests < 290; stopped != (tt.stop != "") {
				t.Errorf("it ended after %d requests", r.Requests)
			}
		})
	}
}

func TestWhatIsCertain(t *testing.T) {
	known := series.NewCatalogue()
	tests := []struct {
		name, gate  string
		counts      map[string]int64
		users, each int64
		want        bool
	}{
		{"a tenth of all was bad, and as many again are to come", "errors.rate <= 0.01", map[string]int64{series.Codes + "500": 10, series.Codes + "200": 90}, 200, 1, true},
		{"a hundred times as many are to come", "errors.rate <= 0.01", map[string]int64{series.Codes + "500": 10, series.Codes + "200": 90}, 10_000, 1, false},
		{"each user sends a hundred requests", "errors.rate <= 0.01", map[string]int64{series.Codes + "500": 10, series.Codes + "200": 90}, 200, 100, false},
		{"a count cannot come down again", "http.codes.500 == 0", map[string]int64{series.Codes + "500": 1}, 1_000_000, 10, true},
		{"neither can that of a class", "http.codes.5xx == 0", map[string]int64{series.Codes + "503": 1}, 1_000_000, 10, true},
		{"more of a class of errors may come", "http.codes.5xx >= 50", map[string]int64{series.Codes + "500": 1}, 1000, 1, false},
		{"a gate that wants more errors may still be met", "http.codes.500 >= 50", map[string]int64{series.Codes + "500": 1}, 1000, 1, false},
		{"a share that good answers bring down", "http.codes.500 / http.requests < 0.05", map[string]int64{series.Codes + "500": 10, series.Codes + "200": 90}, 250, 1, false},
		{"failed users", "(vusers.created - vusers.completed) / vusers.created * 100 <= 1 and errors.ECONNRESET < 3",
			map[string]int64{series.VUsersFailed: 10, series.VUsersCompleted: 90, series.Errors + "ECONNRESET": 10}, 200, 1, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			check, err := gate.Condition(tt.gate, known)
			if err != nil {
				t.Fatal(err)
			}
			total := stats.NewSet()
			total.Count(series.Requests, 100)
			total.Count(series.VUsersCreated, 100)
			total.Count(series.VUsersCompleted, 0)
			for name, n := range tt.counts {
				total.Count(name, n)
			}
			e := early{users: tt.users, perUser: tt.each}
			if got := e.certain(check, total); got != tt.want {
				t.Errorf("certain = %t, want %t", got, tt.want)
			}
		})
	}
}

func TestNodesErrorsAreNoTypingMistakes(t *testing.T) {
	for name, want := range map[string]bool{
		"errors.EPROTO": false, "errors.ETIMEDOUT": false, "errors.rate": false, "errors.server": false, "http.codes.500": false,
		"errors.rates": true, "errors.unaswered": true,
	} {
		if got := mistyped(name) != ""; got != want {
			t.Errorf("%s: %t, want %t", name, got, want)
		}
	}
}

func TestOnlyGatesOnErrorsEndATestEarly(t *testing.T) {
	for text, want := range map[string]bool{
		"errors.rate <= 0.01": true, "http.codes.500 / http.requests < 0.1": true, "errors.ETIMEDOUT < 5": true,
		"http.requests > 1000": false, "http.response_time.p99 < 5 and http.codes.500 == 0": false, "apdex > 0.9": false, "vusers.skipped == 0": false,
	} {
		check, err := gate.Condition(text, series.NewCatalogue())
		if err != nil {
			t.Fatal(err)
		}
		if got := aboutErrors(check); got != want {
			t.Errorf("%s: %t, want %t", text, got, want)
		}
	}
}

// A user that never ends keeps neither the test from ending, nor its result from being written: half
// of what the script does was not measured.
func TestAUserThatNeverEndsIsEnded(t *testing.T) {
	s := newTarget(t, http.StatusOK)
	script := "config:\n  target: " + s.URL + patient + `
  phases: [{duration: 0.2, arrivalCount: 2}]
scenarios: [{flow: [{get: {url: /}}, {think: 1h}, {get: {url: /never}}]}]
`
	got := execute(t, script, call{args: []string{"run", "run", "--wait-for-users", "300ms", "FILE"}})
	if got.code != exitInconclusive || got.result.Requests != 2 || !strings.Contains(got.err, "2 virtual users had not finished 300ms after the last arrival") {
		t.Errorf("exit code %d after %d requests: %s", got.code, got.result.Requests, got.err)
	}
}

func TestASecondSignalEndsAtOnce(t *testing.T) {
	s := newTarget(t, http.StatusOK)
	signals := newSignals(300*time.Millisecond, syscall.SIGINT, syscall.SIGINT)
	began := time.Now()
	got := execute(t, steady(20, "60s"), call{args: []string{"run", "run", "-t", s.URL, "FILE"}, signals: signals})
	if took := time.Since(began); got.code != exitInterrupt || took > slack || got.result.Stopped != "SIGINT" || got.result.Verdict != result.Inconclusive {
		t.Errorf("exit code %d after %s: %+v", got.code, took, got.result)
	}
}
