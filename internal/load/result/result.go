// Package result is what a load test reports: a small document that fits a
// container's termination message.
//
// On the wire its keys are short. Expressions use the long ones, which Tree
// gives; the struct tags of Result are the one table between the two.
package result

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Version is the only one there is.
const Version = 1

// Verdict is what a test says about what it tested.
type Verdict string

// The verdicts.
const (
	Pass Verdict = "pass"
	Fail Verdict = "fail"
	// Inconclusive says nothing about the target: the generator was the
	// bottleneck, nothing was measured, or the test did not run to its end.
	Inconclusive Verdict = "inconclusive"
)

// Result is a load test's report. Durations of requests are in milliseconds,
// those of the test in seconds.
type Result struct {
	Version int     `json:"v" long:"version"`
	Verdict Verdict `json:"verdict" long:"verdict"`
	// Why is a sentence for people; empty when the test passed.
	Why string `json:"why,omitempty" long:"why"`
	// Truncated names what did not fit, by its short key.
	Truncated []string `json:"trunc,omitempty" long:"truncated"`
	// StartedAt is in seconds since 1970.
	StartedAt float64 `json:"t0" long:"startedAt"`
	Duration  float64 `json:"dur" long:"duration"`
	// Arrivals is how many virtual users started, Skipped how many were turned away.
	Arrivals int64 `json:"arr" long:"arrivals"`
	Skipped  int64 `json:"skip" long:"skipped"`
	Requests int64 `json:"req" long:"requests"`
	// ErrorRate is the share of requests with a 5xx answer or none at all.
	ErrorRate float64 `json:"er" long:"errorRate"`
	// Codes counts answers by status code. The tree has "1xx" to "5xx" too.
	Codes map[string]int64 `json:"codes,omitempty" long:"codes"`
	// Errors counts requests without an answer, by class.
	Errors map[string]int64 `json:"err,omitempty" long:"errors"`
	Apdex  *float64         `json:"apdex,omitempty" long:"apdex"`
	// Latency is a request's whole time.
	Latency *Quantiles `json:"lat,omitempty" long:"latency"`
	// FirstByte is from the end of sending to the first byte of the answer, Artillery's http.response_time.
	FirstByte *Quantiles `json:"ttfb,omitempty" long:"firstByte"`
	// Intended counts from when a request should have been sent.
	Intended *Quantiles `json:"int,omitempty" long:"fromIntended"`
	// Lag is how late virtual users started.
	Lag    *Quantiles `json:"lag,omitempty" long:"lag"`
	CPU    *CPU       `json:"cpu,omitempty" long:"cpu"`
	Rate   Rate       `json:"rate" long:"rate"`
	Gates  []Gate     `json:"gates,omitempty" long:"gates"`
	Phases []Phase    `json:"phases,omitempty" long:"phases"`
	// Endpoints are the parts of the target, the busiest first.
	Endpoints []Endpoint `json:"ep,omitempty" long:"endpoints"`
	// Script is the beginning of the SHA-256 of the script.
	Script string `json:"sha,omitempty" long:"script"`
	// Histogram holds Latency in HdrHistogram's compressed form, base64, in microseconds.
	Histogram string `json:"h,omitempty" long:"histogram"`
}

// Quantiles describe a distribution of times, in milliseconds.
type Quantiles struct {
	P50  float64 `json:"p50" long:"p50"`
	P90  float64 `json:"p90" long:"p90"`
	P95  float64 `json:"p95" long:"p95"`
	P99  float64 `json:"p99" long:"p99"`
	P999 float64 `json:"p999" long:"p999"`
	Max  float64 `json:"max" long:"max"`
}

// CPU is what the generator itself used.
type CPU struct {
	// Used is in processor seconds.
	Used float64 `json:"used" long:"used"`
	// Throttled is the share of seconds in which the CPU quota ran out; nil when unknown.
	Throttled *float64 `json:"thr,omitempty" long:"throttled"`
}

// Rate is in arrivals per second.
type Rate struct {
	Offered  float64 `json:"offered" long:"offered"`
	Achieved float64 `json:"achieved" long:"achieved"`
}

// Gate is one check and how it came out.
type Gate struct {
	Text string `json:"x,omitempty" long:"text"`
	// Value is the gate's first metric; nil when nothing was measured.
	Value *float64 `json:"v,omitempty" long:"value"`
	OK    bool     `json:"ok" long:"ok"`
	// Optional gates are reported and decide nothing.
	Optional bool `json:"opt,omitempty" long:"optional"`
}

// Phase is one phase of the script; the tree shows phases by name.
type Phase struct {
	Name     string     `json:"n" long:"name"`
	From     float64    `json:"from" long:"from"`
	To       float64    `json:"to" long:"to"`
	Arrivals int64      `json:"arr" long:"arrivals"`
	Requests int64      `json:"req" long:"requests"`
	Latency  *Quantiles `json:"lat,omitempty" long:"latency"`
}

// Endpoint is one part of the target; the tree shows endpoints by name.
type Endpoint struct {
	Name      string     `json:"n" long:"name"`
	Requests  int64      `json:"req" long:"requests"`
	Bad       int64      `json:"bad" long:"bad"`
	FirstByte *Quantiles `json:"ttfb,omitempty" long:"firstByte"`
}

// ErrNotAResult says that a text is not a load test's result at all; it may be
// another program's report.
var ErrNotAResult = errors.New("not a load test's result")

// Parse reads a result. It returns ErrNotAResult when the text is something else.
func Parse(text []byte) (Result, error) {
	var head struct {
		Version *int     `json:"v"`
		Verdict *Verdict `json:"verdict"`
	}
	if err := json.Unmarshal(text, &head); err != nil || head.Version == nil || head.Verdict == nil {
		return Result{}, ErrNotAResult
	}
	if *head.Version != Version {
		return Result{}, fmt.Errorf("reading a load test's result: version %d is not known, only %d is", *head.Version, Version)
	}
	switch *head.Verdict {
	case Pass, Fail, Inconclusive:
	default:
		return Result{}, fmt.Errorf("reading a load test's result: unknown verdict %q", *head.Verdict)
	}
	var r Result
	if err := json.Unmarshal(text, &r); err != nil {
		return Result{}, fmt.Errorf("reading a load test's result: %w", err)
	}
	return r, nil
}
