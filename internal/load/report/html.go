package report

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"time"

	"sluice.dev/sluice/internal/load/result"
)

// Page is what the HTML report tells of one run. What is not known stays empty and is left out.
type Page struct {
	// Title names the script.
	Title string
	// Verdict is empty when nobody judged the run; Why is the sentence behind it.
	Verdict   result.Verdict
	Why       string
	StartedAt time.Time
	Duration  time.Duration
	// Facts stand below the title: what was loaded, with which script, by which version.
	Facts []Fact
	// Notes are what people should know besides the verdict.
	Notes  []string
	Checks []Check
	Bands  []Band
	// Sides has one element, or two in compare mode: the canary first, then what it is compared with.
	Sides     []Side
	Generator *Generator
}

// Fact is one line below the title.
type Fact struct{ Name, Value string }

// Check is a gate and how it came out.
type Check struct {
	Text string
	OK   bool
	// Optional gates decide nothing. Default ones are not the script's own.
	Optional, Default bool
	// Values are what the gate's metrics were.
	Values []Measured
	// Why says what kept the gate from being computed.
	Why string
}

// Measured is the value of a metric.
type Measured struct {
	Name  string
	Value float64
}

// Band is a phase on the time axis.
type Band struct {
	Name     string
	From, To time.Duration
}

// Side is what was loaded: all there is, or one of two that are compared.
type Side struct {
	// Name is empty when there is only one.
	Name, Target                         string
	Arrivals, Planned, Skipped, Requests int64
	Completed, Failed                    int64
	// ErrorRate is the share of requests with a 5xx answer or none at all.
	ErrorRate float64
	Apdex     *float64
	Codes     map[string]int64
	// Errors counts requests without an answer, by class.
	Errors map[string]int64
	// Causes say what the first error of a class was.
	Causes map[string]string
	// Timed says in words what the points and the phases time.
	Timed     string
	Times     []Times
	Phases    []Row
	Endpoints []Row
	Points    []Point
}

// Times is one distribution, in milliseconds.
type Times struct {
	Name string
	Q    result.Quantiles
}

// Row is a phase or an endpoint.
type Row struct {
	Name string
	// When says when a phase was; empty for endpoints. Only phases have arrivals, and only endpoints tell what was bad.
	When                    string
	Arrivals, Requests, Bad int64
	Q                       *result.Quantiles
}

// Point is what happened in a short time, counted from the start of the test.
type Point struct {
	From, To time.Duration
	// Planned is how many users were due, a negative number when that is not known.
	Planned, Arrivals, Requests int64
	// Codes counts answers by their first digit; [0] is requests without any answer.
	Codes  [6]int64
	Errors map[string]int64
	// Active is how many users were in flight at the end.
	Active int64
	// Q holds latencies in milliseconds; nil when nothing was answered.
	Q *Quick
}

// Quick are the percentiles that a chart shows.
type Quick struct{ P50, P95, P99 float64 }

// Generator is how well the generator itself was.
type Generator struct {
	// Lag is how late users started.
	Lag *result.Quantiles
	// CPU is the processor time it used.
	CPU time.Duration
	// Throttled is the share of seconds in which its CPU quota ran out; nil when unknown.
	Throttled *float64
	// Offered and Achieved are arrivals per second.
	Offered, Achieved float64
}

var (
	//go:embed html.css
	style string
	//go:embed html.tmpl
	markup string
)

// policy lets the page load nothing at all, and have no style but its own.
func policy() string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// HTML writes the page as one file that needs no other: no script, no font, no
// picture. Where even its own styles are forbidden it can still be read.
func HTML(w io.Writer, p Page) error {
	t, err := template.New("report").Funcs(template.FuncMap{
		"count": count, "percent": percent, "ms": milli, "seconds": seconds, "number": plain, "times": times,
	}).Parse(markup)
	if err != nil {
		return fmt.Errorf("reading the report's template: %w", err)
	}
	if err := t.Execute(w, newView(p)); err != nil {
		return fmt.Errorf("writing the HTML report: %w", err)
	}
	return nil
}
