package evidence

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	api "sluice.dev/sluice/api/v1alpha1"
)

// MaxLoad is the length of what is kept of a load test's report, in bytes.
const MaxLoad = 1 << 10

// What is kept of the texts of a load test's report.
const (
	maxLoadWhy  = 200
	maxLoadGate = 100
	maxGates    = 2
	maxFigure   = 1e15
	maxCodes    = 8
)

// Load is what is kept of a load test's report, whichever program wrote it: a part of it, in the same words. What was
// not measured is nil.
type Load struct {
	Verdict string `json:"verdict,omitempty"` // pass, fail or inconclusive, where the program judges
	Why     string `json:"why,omitempty"`
	// Stopped says what ended the test before its time, "" when it ran to its end.
	Stopped   string             `json:"stopped,omitempty"`
	Duration  *float64           `json:"duration,omitempty"` // in seconds
	Arrivals  *float64           `json:"arrivals,omitempty"`
	Requests  *float64           `json:"requests,omitempty"`
	ErrorRate *float64           `json:"errorRate,omitempty"`
	Codes     map[string]float64 `json:"codes,omitempty"`   // answers by status code, unless there are many
	Latency   map[string]float64 `json:"latency,omitempty"` // in milliseconds
	Rate      map[string]float64 `json:"rate,omitempty"`
	// Gates are the first of those that failed, MoreGates how many others did.
	Gates     []LoadGate `json:"gates,omitempty"`
	MoreGates int        `json:"moreGates,omitempty"`
	// Canary and Stable are the two sides of a test of both.
	Canary *LoadSide `json:"canary,omitempty"`
	Stable *LoadSide `json:"stable,omitempty"`
}

// LoadGate is a gate that failed, and what it looked at.
type LoadGate struct {
	Text  string   `json:"text"`
	Value *float64 `json:"value,omitempty"`
}

// LoadSide is what a test found of one of two versions.
type LoadSide struct {
	Requests  *float64           `json:"requests,omitempty"`
	ErrorRate *float64           `json:"errorRate,omitempty"`
	Latency   map[string]float64 `json:"latency,omitempty"`
}

// Those that are kept, of a side and of the whole.
var (
	quantiles     = []string{"p50", "p95", "p99"}
	everyQuantile = []string{"p50", "p90", "p95", "p99", "p999", "max"}
)

// ReadLoad takes out of a report what is kept of it. It is nil for what is no report of a load test.
func ReadLoad(report map[string]any) *Load {
	l := &Load{
		Verdict: verdictOf(report), Why: text(report, "why", maxLoadWhy), Stopped: text(report, "stopped", maxLoadGate),
		Duration: figure(report, "duration"), Requests: figure(report, "requests"), ErrorRate: figure(report, "errorRate"),
		Latency: figures(report, "latency", everyQuantile), Rate: figures(report, "rate", []string{"offered", "achieved"}),
		Arrivals: figure(report, "arrivals"), Codes: codesOf(report),
		Canary: sideOf(report, "canary"), Stable: sideOf(report, "stable"),
	}
	if l.Requests == nil || l.Verdict == "" && l.Latency == nil {
		return nil
	}
	gates, _ := report["gates"].([]any)
	for _, one := range gates {
		gate, _ := one.(map[string]any)
		ok, judged := gate["ok"].(bool)
		optional, _ := gate["optional"].(bool)
		switch {
		case ok || !judged || optional:
		case len(l.Gates) == maxGates:
			l.MoreGates++
		default:
			l.Gates = append(l.Gates, LoadGate{text(gate, "text", maxLoadGate), figure(gate, "value")})
		}
	}
	return l
}

// verdictOf is the verdict of a report, "" when it is none that we know.
func verdictOf(report map[string]any) string {
	word, _ := report["verdict"].(string)
	if verdicts[word] == "" {
		return ""
	}
	return word
}

// verdicts are those of load tests, as they are told.
var verdicts = map[string]string{"pass": "passed", "fail": "failed", "inconclusive": "inconclusive"}

// LoadOf is what was kept with a measurement; nil when it is of no load test.
func LoadOf(m *api.Measurement) *Load {
	var l Load
	if m == nil || json.Unmarshal([]byte(m.Metadata[api.EvidenceReport]), &l) != nil || l.Requests == nil || l.Verdict == "" && l.Latency == nil {
		return nil
	}
	return &l
}

// Note is the text that is kept, of MaxLoad bytes at most.
func (l Load) Note() string {
	for limit := maxLoadWhy; ; limit /= 2 {
		var note strings.Builder
		write := json.NewEncoder(&note)
		write.SetEscapeHTML(false) // people read it
		if err := write.Encode(l); err != nil {
			return "" // texts and finite numbers only: it cannot fail
		}
		if said := strings.TrimSuffix(note.String(), "\n"); len(said) <= MaxLoad || limit == 0 {
			return said
		}
		l.Codes = nil // what went wrong is among the errors
		l.Why, l.Stopped = Trim(l.Why, limit), Trim(l.Stopped, limit/2)
		l.MoreGates += len(l.Gates) / 2
		l.Gates = append([]LoadGate(nil), l.Gates[:(len(l.Gates)+1)/2]...)
		for i := range l.Gates {
			l.Gates[i].Text = Trim(l.Gates[i].Text, limit/2)
		}
	}
}

// Says is the verdict of the test in a few words, with the gate that failed and how soon it was ended: "failed,
// stopped after 3.1 s: errors.rate > 0.5: errors.rate = 0.97", "failed: errors.rate <= 0.01 is 0.37". It is "" where the program does not judge.
func (l Load) Says() string {
	word := verdicts[l.Verdict]
	if word == "" || l.Verdict == "pass" {
		return word
	}
	if l.Stopped != "" && l.Duration != nil {
		word += ", stopped after " + digits(*l.Duration) + " s"
	}
	return strings.TrimSuffix(word+": "+l.because(), ": ")
}

// because is the gate that failed, else why the test says it did.
func (l Load) because() string {
	if len(l.Gates) == 0 || l.Verdict != "fail" || l.Stopped != "" {
		return strings.TrimPrefix(l.Why, "stopped early: ")
	}
	gate := l.Gates[0]
	said := gate.Text
	if gate.Value != nil {
		said += " is " + digits(*gate.Value)
	}
	if more := len(l.Gates) - 1 + l.MoreGates; more > 0 {
		said += fmt.Sprintf(", and %d more", more)
	}
	return said
}

// Figures are the numbers that people look for first: "1,204 requests at 98/s, 0.4 % errors, p95 41 ms, stable 20 ms
// (×2.05)".
func (l Load) Figures() string { return strings.Join(l.Parts(), ", ") }

// Parts are the figures one by one.
func (l Load) Parts() []string {
	var parts []string
	if l.Requests != nil {
		requests := thousands(*l.Requests) + " requests"
		if *l.Requests == 1 {
			requests = "1 request"
		}
		if l.Duration != nil && *l.Duration > 0 {
			requests += " at " + digits(*l.Requests / *l.Duration) + "/s"
		}
		parts = append(parts, requests)
	}
	if said := failures(l.ErrorRate); said != "" {
		if of := failures(l.stable().ErrorRate); of != "" && of != said {
			said += " (stable: " + of + ")"
		}
		parts = append(parts, said)
	}
	if p95, ok := l.Latency["p95"]; ok {
		parts = append(parts, "p95 "+digits(p95)+" ms")
		if stable, both := l.stable().Latency["p95"]; both {
			said := "stable " + digits(stable) + " ms"
			if stable > 0 {
				said += " (×" + digits(p95/stable) + ")"
			}
			parts = append(parts, said)
		}
	}
	return parts
}

func (l Load) stable() LoadSide {
	if l.Stable == nil {
		return LoadSide{}
	}
	return *l.Stable
}

// With puts the figures behind what a measurement says.
func (l Load) With(message string) string {
	figures := l.Figures()
	if figures == "" || message == "" {
		return message
	}
	end := ""
	if cut, dot := strings.CutSuffix(message, "."); dot {
		message, end = cut, "."
	}
	figures = " (" + figures + ")" + end
	return Trim(message, MaxText-len(figures)) + figures
}

func failures(rate *float64) string {
	switch {
	case rate == nil:
		return ""
	case *rate == 0:
		return "no errors"
	case *rate < 0.0001:
		return "< 0.01 % errors"
	}
	return digits(*rate*100) + " % errors"
}

func text(tree map[string]any, key string, limit int) string {
	said, _ := tree[key].(string)
	return Trim(said, limit)
}

// figure is a number with the digits that are worth keeping.
func figure(tree map[string]any, key string) *float64 {
	v, ok := tree[key].(float64)
	if !ok || math.IsNaN(v) || math.Abs(v) >= maxFigure {
		return nil
	}
	if rounded := math.Round(v*1e6) / 1e6; rounded != 0 {
		v = rounded
	}
	return &v
}

func figures(tree map[string]any, key string, names []string) map[string]float64 {
	inner, _ := tree[key].(map[string]any)
	var kept map[string]float64
	for _, name := range names {
		if v := figure(inner, name); v != nil {
			if kept == nil {
				kept = map[string]float64{}
			}
			kept[name] = *v
		}
	}
	return kept
}

// codesOf counts answers by code; nil when there are too many codes to keep.
func codesOf(tree map[string]any) map[string]float64 {
	inner, _ := tree["codes"].(map[string]any)
	var names []string
	for name := range inner {
		if !strings.HasSuffix(name, "xx") && len(name) == 3 {
			names = append(names, name)
		}
	}
	if len(names) > maxCodes {
		return nil
	}
	return figures(tree, "codes", names)
}

func sideOf(tree map[string]any, key string) *LoadSide {
	inner, ok := tree[key].(map[string]any)
	if !ok {
		return nil
	}
	return &LoadSide{Requests: figure(inner, "requests"), ErrorRate: figure(inner, "errorRate"), Latency: figures(inner, "latency", quantiles)}
}

// digits is a number with three of them, or all before the point: 0.37, 41.2, 1,204.
func digits(v float64) string {
	switch size := math.Abs(v); {
	case size >= 999.5:
		return thousands(v)
	case size > 0 && size < 1e-4:
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 3, 64), 64)
	if err != nil {
		return "?" // what was just written can be read
	}
	return strconv.FormatFloat(rounded, 'f', -1, 64)
}

// thousands is a whole number, in groups of three.
func thousands(v float64) string {
	said := strconv.FormatFloat(math.Round(v), 'f', 0, 64)
	sign := ""
	if cut, negative := strings.CutPrefix(said, "-"); negative {
		said, sign = cut, "-"
	}
	for i := len(said) - 3; i > 0; i -= 3 {
		said = said[:i] + "," + said[i:]
	}
	return sign + said
}
