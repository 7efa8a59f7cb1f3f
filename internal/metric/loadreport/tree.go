package loadreport

import "strings"

// tree is a report under the long names of a load test's result.
type tree map[string]any

// Units of durations, as factors: latencies are in milliseconds, the length of a test is in seconds.
const (
	asItIs         = 1.0
	fromSeconds    = 1e3  // to milliseconds
	fromNanos      = 1e-6 // to milliseconds
	nanosToSeconds = 1e-9
	millisToSecond = 1e-3
)

// number puts a value that the document holds under a path such as latency.p99; nil is not there.
func (t tree) number(path string, value *float64, factor float64) {
	if value != nil {
		t.put(path, *value*factor)
	}
}

func (t tree) put(path string, value any) {
	at, name := map[string]any(t), path
	if parent, child, nested := strings.Cut(path, "."); nested {
		inner, _ := at[parent].(map[string]any)
		if inner == nil {
			inner = map[string]any{}
			at[parent] = inner
		}
		at, name = inner, child
	}
	at[name] = value
}

// failures says how many of the requests were answered with 5xx or not at all, or what else the generator takes for a
// failure.
func (t tree) failures(failed, requests float64) {
	t.put("errors.total", failed)
	if requests > 0 {
		t.put("errors.rate", failed/requests)
		t.put("errorRate", failed/requests)
	}
}

// codes counts answers by status code, with "1xx" to "5xx", which are there even when they are 0. It returns how many were
// 5xx, and how many requests had no answer: generators count those under a code that no server sends.
func (t tree) codes(counts map[string]float64) (serverErrors, unanswered float64) {
	codes := map[string]any{"1xx": 0.0, "2xx": 0.0, "3xx": 0.0, "4xx": 0.0, "5xx": 0.0}
	for code, n := range counts {
		if len(code) != 3 || code[0] < '1' || code[0] > '5' {
			unanswered += n
			continue
		}
		class := code[:1] + "xx"
		codes[code] = n
		sum, _ := codes[class].(float64)
		codes[class] = sum + n
	}
	t["codes"] = codes
	serverErrors, _ = codes["5xx"].(float64)
	return serverErrors, unanswered
}

// percentiles are the names under which a percentile stands in the tree.
var percentiles = map[float64]string{50: "p50", 75: "p75", 90: "p90", 95: "p95", 99: "p99", 99.9: "p999"}
