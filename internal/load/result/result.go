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
	// Notes are what people should know besides, as that all answers were 404; a test may pass with some.
	Notes []string `json:"notes,omitempty" long:"notes"`
	// Truncated names what did not fit, by its short key.
	Truncated []string `json:"trunc,omitempty" long:"truncated"`
	// Stopped says what ended the test before its plan did: a signal's name, "killed"
	// (the generator never came to write its end), "abort" or "hopeless". Empty when it ran to its end.
	Stopped string `json:"stop,omitempty" long:"stopped"`
	// Share is [i, n] where this is one of the n parts of a test: its number, from 0, and their count.
	Share *[2]int64 `json:"sh,omitempty" long:"share"`
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
	// Causes say in words what the first error of a class was, of the most frequent classes.
	Causes map[string]string `json:"cause,omitempty" long:"causes"`
	Apdex  *float64          `json:"apdex,omitempty" long:"apdex"`
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
	// Stable is what the same load found of the stable version; nil when nothing was compared.
	Stable *Side `json:"cmp,omitempty" long:"stable"`
	// Endpoints are the parts of the target, the busiest first.
	Endpoints []Endpoint `json:"ep,omitempty" long:"endpoints"`
	// Script is the beginning of the SHA-256 of the script.
	Script string `json:"sha,omitempty" long:"script"`
	// Histogram holds Latency in HdrHistogram's compressed form, base64, in microseconds.
	Histogram string `json:"h,omitempty" long:"histogram"`
	// Part is what the whole test's result needs of a share; it is not in the tree.
	Part *Part `json:"part,omitempty" long:"-"`
}

// Side is what a test found of the stable version while it tested the new one.
type Side struct {
	// Why says what kept this side from being measured; there are no ratios then.
	Why       string            `json:"why,omitempty" long:"why"`
	Arrivals  int64             `json:"arr" long:"arrivals"`
	Requests  int64             `json:"req" long:"requests"`
	ErrorRate float64           `json:"er" long:"errorRate"`
	Codes     map[string]int64  `json:"codes,omitempty" long:"codes"`
	Errors    map[string]int64  `json:"err,omitempty" long:"errors"`
	Causes    map[string]string `json:"cause,omitempty" long:"causes"`
	Latency   *Quantiles        `json:"lat,omitempty" long:"latency"`
	FirstByte *Quantiles        `json:"ttfb,omitempty" long:"firstByte"`
	Phases    []Phase           `json:"phases,omitempty" long:"phases"`
	Part      *Part             `json:"part,omitempty" long:"-"`
}

// Part holds what adds up exactly, of one share of a test. Series go by their full names.
type Part struct {
	// Offered and Achieved count the arrivals that were due and that started.
	Offered  int64 `json:"off"`
	Achieved int64 `json:"ach"`
	// Planned and Took are how long sending should have lasted and lasted, in seconds.
	Planned float64 `json:"plan"`
	Took    float64 `json:"took"`
	// First and Last are when the first and the last thing was recorded, in milliseconds since 1970; 0 is never.
	First int64 `json:"first"`
	Last  int64 `json:"last"`
	// Limited says why this generator was the bottleneck, empty when it was not.
	Limited string `json:"lim,omitempty"`
	// Aborted says what made this generator fail the test at once, whatever the others measured.
	Aborted string `json:"ab,omitempty"`
	// Counts are the counters that gates look at and that the result does not have anyway.
	Counts map[string]int64 `json:"c,omitempty"`
	// Needed are the packed histograms that gates look at, Others those that the result is the poorer
	// without. An empty text is a histogram without samples; one that is not there was left out.
	Needed map[string]string `json:"h,omitempty"`
	Others map[string]string `json:"hx,omitempty"`
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
	// Value is what the gate compares, or its first metric; nil when nothing was measured.
	Value *float64 `json:"v,omitempty" long:"value"`
	OK    bool     `json:"ok" long:"ok"`
	// Optional gates are reported and decide nothing.
	Optional bool `json:"opt,omitempty" long:"optional"`
	// Default gates are those of a script that has none of its own on the same matter.
	Default bool `json:"def,omitempty" long:"default"`
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
	if s := r.Share; s != nil && (s[0] < 0 || s[0] >= s[1]) {
		return Result{}, fmt.Errorf("reading a load test's result: share %d of %d does not exist", s[0], s[1])
	}
	return r, nil
}
