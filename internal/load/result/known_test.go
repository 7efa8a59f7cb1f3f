package result

import (
	"strings"
	"testing"
)

func TestWhatNoReportCanHold(t *testing.T) {
	one, two := Scope{Phases: []string{"Burn"}}, Scope{Compared: true}
	for _, c := range []struct {
		path  string
		scope Scope
		why   string
		has   string
	}{
		{"latency p99", one, "", ""},
		{"latency p96", one, "report.latency has no p96", "max p50 p90 p95 p99 p999"},
		{"latency p99 p50", one, "report.latency.p99 is a value and has no p50", ""},
		{"ratio latency p99", one, "report.ratio needs compareTarget", ""},
		{"ratio latency p99", two, "", ""},
		{"stable phases Burn latency p95", two, "", ""},
		{"ratio latency p96", two, "report.ratio.latency has no p96", "max p50 p90 p95 p99 p999"},
		{"phases Brun latency p95", one, "report.phases has no Brun", "Burn"},
		{"phases Brun latency p95", Scope{}, "", ""},
		{"phases Burn lateny", one, "report.phases.Burn has no lateny", "arrivals from latency name requests to"},
		{"endpoints /products/ firstByte p99", one, "", ""},
		{"codes 5xx", one, "", ""},
		{"codes 2O0", one, "report.codes has no 2O0", ""},
		{"errors rate", one, "", ""},
		{"errors conn_refused", one, "", ""},
		{"causes dns", one, "", ""},
		{"causes total", one, "report.causes has no total", "body_timeout capture conn_refused conn_reset conn_timeout dns expect local protocol redirect_limit response_timeout script tls unfinished unreachable"},
		{"rate achieved", one, "", ""},
	} {
		why, has := Unknown(strings.Fields(c.path), c.scope)
		if why != c.why || strings.Join(has, " ") != c.has {
			t.Errorf("%s: %q, has %q; want %q, %q", c.path, why, has, c.why, c.has)
		}
	}
}

// Whatever a tree holds can be named.
func TestATreeHoldsOnlyWhatIsKnown(t *testing.T) {
	r := Result{
		Version: 1, Codes: map[string]int64{"200": 5, "503": 1}, Errors: map[string]int64{"dns": 1}, Causes: map[string]string{"dns": "lookup shop: no such host", "expect": "got 500"},
		Latency: &Quantiles{P50: 1}, CPU: &CPU{Used: 1}, Phases: []Phase{{Name: "Burn", Latency: &Quantiles{P50: 1}}},
		Endpoints: []Endpoint{{Name: "/a", FirstByte: &Quantiles{P50: 2}}}, Gates: []Gate{{Text: "a < 1"}}, Stable: &Side{Requests: 5, Latency: &Quantiles{P50: 1}},
	}
	var walk func(path []string, v any)
	walk = func(path []string, v any) {
		if why, _ := Unknown(path, Scope{Compared: true}); why != "" {
			t.Errorf("the tree holds %v, and %s", path, why)
		}
		if m, ok := v.(map[string]any); ok {
			for key, v := range m {
				walk(append(path[:len(path):len(path)], key), v)
			}
		}
	}
	walk(nil, r.Tree())
}

func TestWhatStandsBelowAPath(t *testing.T) {
	for path, want := range map[string]string{
		"latency": "max p50 p90 p95 p99 p999", "latency p99": "", "cpu": "throttled used", "phases": "Burn", "codes": "", "lateny": "", "ratio latency p99": "",
	} {
		if got := strings.Join(Below(strings.Fields(path), Scope{Phases: []string{"Burn"}}), " "); got != want {
			t.Errorf("below %s: %q, want %q", path, got, want)
		}
	}
}
