package loadreport

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
)

// k6Metric is a metric of k6's. --summary-export has the numbers beside each other and says of a threshold whether it was
// crossed; handleSummary is given them under values, and whether a threshold is ok.
type k6Metric map[string]json.RawMessage

// k6 reads both shapes of a summary. Its names for percentiles are those of summaryTrendStats: p99 is there only when the
// script asks for it.
func k6(text []byte, t tree) error {
	var summary struct {
		Metrics map[string]k6Metric `json:"metrics"`
		State   struct {
			Duration *float64 `json:"testRunDurationMs"`
		} `json:"state"`
	}
	if err := json.Unmarshal(text, &summary); err != nil {
		return errors.Join(errors.New("it is no summary of k6"), err)
	}
	if len(summary.Metrics) == 0 {
		return errors.New(`it is no summary of k6: it has no "metrics"`)
	}
	t.number("duration", summary.State.Duration, millisToSecond)
	requests := summary.Metrics["http_reqs"].values()
	t.number("requests", requests.number("count"), asItIs)
	t.number("rate.achieved", requests.number("rate"), asItIs)
	times := summary.Metrics["http_req_duration"].values()
	if len(times) == 0 {
		times = summary.Metrics["grpc_req_duration"].values()
	}
	for name, short := range map[string]string{
		"med": "p50", "p(50)": "p50", "p(75)": "p75", "p(90)": "p90", "p(95)": "p95", "p(99)": "p99", "p(99.9)": "p999",
		"min": "min", "avg": "mean", "max": "max",
	} {
		t.number("latency."+short, times.number(name), asItIs)
	}
	// Of what http_req_failed counts, passes are the requests that failed: it is a rate of failures.
	failed := summary.Metrics["http_req_failed"].values()
	t.number("errors.total", failed.number("passes"), asItIs)
	for _, name := range []string{"rate", "value"} {
		t.number("errors.rate", failed.number(name), asItIs)
		t.number("errorRate", failed.number(name), asItIs)
	}
	k6Thresholds(summary.Metrics, t)
	return nil
}

// values are the numbers of a metric, in either shape.
func (m k6Metric) values() k6Metric {
	var values k6Metric
	if json.Unmarshal(m["values"], &values) == nil && values != nil {
		return values
	}
	return m
}

func (m k6Metric) number(name string) *float64 {
	var value *float64
	if json.Unmarshal(m[name], &value) != nil {
		return nil
	}
	return value
}

// k6Thresholds are k6's gates. A summary without any says neither pass nor fail.
func k6Thresholds(metrics map[string]k6Metric, t tree) {
	var gates []any
	var crossed []string
	for _, name := range slices.Sorted(maps.Keys(metrics)) {
		var thresholds map[string]json.RawMessage
		if json.Unmarshal(metrics[name]["thresholds"], &thresholds) != nil {
			continue
		}
		for _, text := range slices.Sorted(maps.Keys(thresholds)) {
			ok, known := k6Holds(thresholds[text])
			if !known {
				continue
			}
			if !ok {
				crossed = append(crossed, name+": "+text)
			}
			gates = append(gates, map[string]any{"text": name + ": " + text, "ok": ok})
		}
	}
	if gates != nil {
		t["gates"], t["verdict"] = gates, "pass"
	}
	if crossed != nil {
		t["verdict"], t["why"] = "fail", "crossed "+strings.Join(crossed, ", ")
	}
}

// k6Holds reads {"ok": true}, and true, which in a --summary-export means that the threshold was crossed.
func k6Holds(threshold json.RawMessage) (ok, known bool) {
	var crossed *bool
	if json.Unmarshal(threshold, &crossed) == nil && crossed != nil {
		return !*crossed, true
	}
	var told struct {
		OK *bool `json:"ok"`
	}
	if json.Unmarshal(threshold, &told) != nil || told.OK == nil {
		return false, false
	}
	return *told.OK, true
}
