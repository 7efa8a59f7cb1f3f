package loadreport

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// vegeta reads what `vegeta report -type=json` prints. Code 0 counts requests without an answer.
func vegeta(text []byte, t tree) error {
	var report struct {
		Latencies map[string]float64 `json:"latencies"` // nanoseconds
		Duration  *float64           `json:"duration"`
		Requests  *float64           `json:"requests"`
		Rate      *float64           `json:"rate"`
		Codes     map[string]float64 `json:"status_codes"`
	}
	if err := json.Unmarshal(text, &report); err != nil {
		return fmt.Errorf("it is no report of vegeta: %w", err)
	}
	if report.Requests == nil || report.Latencies == nil {
		return errors.New(`it is no report of vegeta: it has no "requests" and "latencies"`)
	}
	t.number("requests", report.Requests, asItIs)
	t.number("duration", report.Duration, nanosToSeconds)
	t.number("rate.achieved", report.Rate, asItIs)
	if report.Codes != nil {
		bad, unanswered := t.codes(report.Codes)
		t.failures(bad+unanswered, *report.Requests)
	}
	if *report.Requests == 0 {
		return nil // its latencies are 0 then
	}
	for name, short := range map[string]string{
		"50th": "p50", "90th": "p90", "95th": "p95", "99th": "p99", "min": "min", "mean": "mean", "max": "max",
	} {
		if value, told := report.Latencies[name]; told {
			t.number("latency."+short, &value, fromNanos)
		}
	}
	return nil
}

// fortioGood are fortio's words, instead of codes, for what went well: over gRPC, and over TCP and UDP.
var fortioGood = []string{"SERVING", "OK"}

// fortio reads what `fortio load -json` writes. Code -1 counts requests without an answer; which percentiles there are is
// up to -p.
func fortio(text []byte, t tree) error {
	var report struct {
		Histogram *struct {
			Count, Min, Max, Avg *float64 // seconds
			Percentiles          []struct{ Percentile, Value float64 }
		} `json:"DurationHistogram"`
		Offered  string             `json:"RequestedQPS"` // or "max"
		Achieved *float64           `json:"ActualQPS"`
		Duration *float64           `json:"ActualDuration"` // nanoseconds
		Codes    map[string]float64 `json:"RetCodes"`
	}
	if err := json.Unmarshal(text, &report); err != nil {
		return fmt.Errorf("it is no report of fortio: %w", err)
	}
	if report.Histogram == nil || report.Histogram.Count == nil {
		return errors.New(`it is no report of fortio: it has no "DurationHistogram"`)
	}
	requests := *report.Histogram.Count
	t.put("requests", requests)
	t.number("duration", report.Duration, nanosToSeconds)
	t.number("rate.achieved", report.Achieved, asItIs)
	if offered, err := strconv.ParseFloat(report.Offered, 64); err == nil && offered > 0 {
		t.put("rate.offered", offered)
	}
	if report.Codes != nil {
		bad, unanswered := t.codes(report.Codes)
		for _, word := range fortioGood {
			if n, told := report.Codes[word]; told {
				unanswered -= n
				t.put("codes."+word, n)
			}
		}
		t.failures(bad+unanswered, requests)
	}
	if requests == 0 {
		return nil
	}
	t.number("latency.min", report.Histogram.Min, fromSeconds)
	t.number("latency.mean", report.Histogram.Avg, fromSeconds)
	t.number("latency.max", report.Histogram.Max, fromSeconds)
	for _, p := range report.Histogram.Percentiles {
		if short, known := percentiles[p.Percentile]; known {
			t.number("latency."+short, &p.Value, fromSeconds)
		}
	}
	return nil
}

// ghz reads what `ghz -O json` prints. Its codes are gRPC's, by name; every one but OK is a failure.
func ghz(text []byte, t tree) error {
	var report struct {
		Count     *float64           `json:"count"`
		Total     *float64           `json:"total"` // nanoseconds, like all durations
		Average   *float64           `json:"average"`
		Fastest   *float64           `json:"fastest"`
		Slowest   *float64           `json:"slowest"`
		Rate      *float64           `json:"rps"`
		Codes     map[string]float64 `json:"statusCodeDistribution"`
		Latencies []struct {
			Percentage float64 `json:"percentage"`
			Latency    float64 `json:"latency"`
		} `json:"latencyDistribution"`
	}
	if err := json.Unmarshal(text, &report); err != nil {
		return fmt.Errorf("it is no report of ghz: %w", err)
	}
	if report.Count == nil || report.Rate == nil {
		return errors.New(`it is no report of ghz: it has no "count" and "rps"`)
	}
	t.put("requests", *report.Count)
	t.number("duration", report.Total, nanosToSeconds)
	t.number("rate.achieved", report.Rate, asItIs)
	if report.Codes != nil {
		codes, failed := map[string]any{}, 0.0
		for code, n := range report.Codes {
			codes[code] = n
			if code != "OK" {
				failed += n
			}
		}
		t["codes"] = codes
		t.failures(failed, *report.Count)
	}
	if len(report.Latencies) == 0 {
		return nil // nothing was answered: what it says of times is 0
	}
	t.number("latency.min", report.Fastest, fromNanos)
	t.number("latency.mean", report.Average, fromNanos)
	t.number("latency.max", report.Slowest, fromNanos)
	for _, p := range report.Latencies {
		if short, known := percentiles[p.Percentage]; known {
			t.number("latency."+short, &p.Latency, fromNanos)
		}
	}
	return nil
}
