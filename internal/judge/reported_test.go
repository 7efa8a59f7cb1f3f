package judge

import (
	"fmt"
	"strings"
	"testing"
	"time"

	api "sluice.dev/sluice/api/v1alpha1"
)

func TestAConditionThatAReportCannotAnswerIsHopeless(t *testing.T) {
	report := map[string]any{"latency": map[string]any{"p50": 1.0, "p99": 2.0}, "requests": 5.0, "verdict": "pass"}
	for _, c := range []struct {
		condition string
		report    map[string]any
		hopeless  bool
		want      string
	}{
		{"report.latency.p96 < 100", report, true, "report.latency has no p96; it has p50, p99"},
		{"report.ratio.latency.p99 < 1.2", report, true, "report has no ratio; it has latency, requests, verdict"},
		{"report.requests.count > 1", report, true, "report.requests is float64 and has no count"},
		{"report.verdict < 5", report, true, ""},
		{"report.latency.p99 < 100", report, false, ""},
		{"report.latency.p99 < 100", nil, false, "there is no report"},
	} {
		got := Judge(Criteria{SuccessCondition: c.condition}, Sample{Result: 0.0, Report: c.report}, time.Unix(0, 0))
		if got.Hopeless != c.hopeless || !strings.Contains(got.Message, c.want) || c.hopeless != (got.Phase == api.AnalysisPhaseError && c.report != nil) {
			t.Errorf("%s: %+v, want hopeless %t because %q", c.condition, got, c.hopeless, c.want)
		}
	}
}

func TestWhatAConditionComparesOfTheReport(t *testing.T) {
	for source, want := range map[string]string{
		"report.latency.p99 < 250":                      "latency.p99 < 250",
		"0.5 >= report?.errors?.rate":                   "errors.rate <= 0.5",
		`report.verdict == "pass" && report.requests>1`: "verdict == pass, requests > 1",
		"report.latency.p99 < report.latency.p50 * 2":   "latency.p50 * 2, latency.p99 < ?",
		"report.latency != nil":                         "",
		"result == 0 and len(report.phases) > 0":        "result == 0",
		"'0' == result":                                 "result == 0",
		"result != true":                                "result != true",
		"report == 0":                                   " == 0",
	} {
		c, err := Compile(source)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, x := range c.Compared() {
			with := "?"
			if x.Number != nil {
				with = fmt.Sprint(*x.Number)
			} else if x.Text != nil {
				with = *x.Text
			}
			what := strings.Join(x.Path, ".")
			if x.Result {
				what = "result"
			}
			got = append(got, what+" "+x.Op+" "+with)
		}
		if have := strings.Join(got, ", "); have != want {
			t.Errorf("%s: %q, want %q", source, have, want)
		}
	}
}

func TestWhatAConditionCanDoWithout(t *testing.T) {
	for source, want := range map[string]string{
		"report.latency.p96 < 250":                                   "",
		"report?.latency?.p96 < 250":                                 "[[latency p96] [latency]]",
		"default(report.latency.p96, 3) < 250":                       "[[latency p96]]",
		`"p96" in report.latency and report?.latency?.p96 < 100`:     "",
		"result.latency.p95 < 3":                                     "",
		`isNil(report.codes["404"]) or report.codes["404"] * 2 < 10`: "[[codes 404] [codes 404]]",
	} {
		c, err := Compile(source)
		if err != nil {
			t.Fatal(err)
		}
		have := ""
		if paths := c.OptionalPaths(); len(paths) > 0 {
			have = fmt.Sprint(paths)
		}
		if have != want || c.Fields() != strings.HasPrefix(source, "result.") {
			t.Errorf("%s: %s, want %s; takes result for an object: %t", source, have, want, c.Fields())
		}
	}
}
