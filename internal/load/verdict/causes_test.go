package verdict

import (
	"strings"
	"testing"

	"sluice.dev/sluice/internal/load/gate"
	"sluice.dev/sluice/internal/load/result"
	"sluice.dev/sluice/internal/load/series"
)

// A class alone does not tell anybody what to do.
func TestAReasonHasTheFirstCauses(t *testing.T) {
	refused := func(n int64) func(*Facts) {
		return func(f *Facts) {
			f.Total.Count(series.ErrorClass+"conn_refused", n)
			f.Total.Explain("conn_refused", func() string { return "dial tcp 127.0.0.1:1: connect: connection refused" })
		}
	}
	failed := func(name string) gate.Outcome {
		return gate.Outcome{Text: name + " <= 0.01", Strict: true, Values: []gate.Value{{Name: name, V: 0.1}}}
	}
	const cause = "30 × conn_refused (dial tcp 127.0.0.1:1: connect: connection refused)"
	tests := []struct {
		name   string
		change func(*Facts)
		want   string
	}{
		{"of a target that never answered", func(f *Facts) { f.Total.Count(series.Responses, -300) }, "the target never answered: " + cause},
		{"of a gate on errors", func(f *Facts) { f.Outcomes = []gate.Outcome{failed(series.ErrorRate)} }, "errors.rate <= 0.01: errors.rate = 0.1; " + cause},
		{"of users that fail", func(f *Facts) { f.Outcomes = []gate.Outcome{failed(series.FailedRate)} }, "users.failed <= 0.01: users.failed = 0.1; " + cause},
		{"but not of a gate on latency", func(f *Facts) { f.Outcomes = []gate.Outcome{failed("apdex")} }, "apdex <= 0.01: apdex = 0.1"},
		{"of a test that was ended", func(f *Facts) { f.Aborted = "stopped early: errors.rate > 0.05: errors.rate = 0.1" }, "stopped early: errors.rate > 0.05: errors.rate = 0.1; " + cause},
		{"but not of one that was ended for its latency", func(f *Facts) { f.Aborted = "stopped early: apdex < 0.5: apdex = 0.1" }, "stopped early: apdex < 0.5: apdex = 0.1"},
		{"of expectations", func(f *Facts) {
			f.Expects = true
			f.Total.Count(series.ExpectFailed, 7)
			f.Total.Explain("expect", func() string { return "GET /: statusCode: expected 200, got 500" })
		}, "7 expectations of the script were not met (GET /: statusCode: expected 200, got 500)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := healthy()
			refused(30)(&f)
			tt.change(&f)
			if got, why := Judge(f); why != tt.want {
				t.Errorf("%s because %q, want %q", got, why, tt.want)
			}
		})
	}
}

func TestCausesInAReasonAreBounded(t *testing.T) {
	f := healthy()
	f.Total.Count(series.Responses, -300)
	for i, class := range []string{"dns", "tls", "conn_reset"} {
		f.Total.Count(series.ErrorClass+class, int64(9-i))
		f.Total.Explain(class, func() string { return class + strings.Repeat("x", 1000) })
	}
	v, why := Judge(f)
	if v != result.Inconclusive || len(why) > 512 || !strings.Contains(why, "9 × dns (dnsxx") || !strings.Contains(why, "7 × conn_reset") || strings.Contains(why, "conn_reset (") {
		t.Errorf("%s because %q", v, why)
	}
}

func TestHowFarATestHadCome(t *testing.T) {
	for want, change := range map[string]func(*Facts){
		"stopped by SIGINT after 3.0 of 10.0 s":                                    func(f *Facts) { f.Took = 3 },
		"stopped by SIGINT after the last arrival, with 4 virtual users under way": func(f *Facts) { f.Total.Count(series.VUsersCreated, 4) },
		"stopped by SIGINT after the load, before the test had come to its end":    func(*Facts) {},
	} {
		f := healthy()
		f.Stopped = "SIGINT"
		f.Total.Count(series.VUsersCompleted, f.Total.Counter(series.VUsersCreated)-f.Total.Counter(series.VUsersCompleted))
		change(&f)
		if v, why := Judge(f); v != result.Inconclusive || why != want {
			t.Errorf("%s because %q, want %q", v, why, want)
		}
	}
}
