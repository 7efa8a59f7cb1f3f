// Package gate judges a load test's numbers by what its script ensures.
package gate

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"sluice.dev/sluice/internal/load/series"
)

// Lookup returns the value of a metric, and false when the run has none.
type Lookup func(name string) (float64, bool)

// Check is one compiled gate.
type Check struct {
	// Text is the gate as people read it, "http.response_time.p95 < 6000".
	Text string
	// Strict gates fail the test; the others are only reported.
	Strict bool
	// Default gates are those of a script that has none of its own on the same matter.
	Default bool

	expr  *node
	known *series.Catalogue
}

// Value is what a metric of a gate was.
type Value struct {
	Name string
	V    float64
}

// Outcome says how a gate came out.
type Outcome struct {
	Text    string
	Strict  bool
	Default bool
	OK      bool
	// Unjudged says that the numbers the gate needs were not there to look at; it is then not OK.
	Unjudged bool
	// Values holds the gate's metrics, in the order in which it names them.
	Values []Value
	// Computed is what a gate that compares no metric itself computed to compare it, nil for others.
	Computed *float64
	// Why says what kept the gate from being computed; it is then not OK.
	Why string
}

// Condition compiles an expression such as "http.codes.500 < 5 and apdex > 0.9".
func Condition(text string, known *series.Catalogue) (Check, error) {
	expr, err := parse(text, known)
	if err != nil {
		return Check{}, err
	}
	return Check{Text: text, Strict: true, expr: expr, known: known}, nil
}

// Threshold compiles "the metric must be less than limit".
func Threshold(name string, limit float64, known *series.Catalogue) (Check, error) {
	if _, ok := known.Kind(name); !ok {
		return Check{}, unknownMetric(name, 0, known)
	}
	if math.IsNaN(limit) || math.IsInf(limit, 0) {
		return Check{}, fmt.Errorf("the limit of %s is not a finite number", name)
	}
	expr := &node{op: "<", args: []*node{{op: "metric", name: name}, {op: "number", value: limit}}}
	text := name + " < " + strconv.FormatFloat(limit, 'f', -1, 64)
	return Check{Text: text, Strict: true, expr: expr, known: known}, nil
}

// MaxErrorRate compiles "at most so many percent of the virtual users may not complete".
func MaxErrorRate(percent float64, known *series.Catalogue) (Check, error) {
	text := strconv.FormatFloat(percent, 'f', -1, 64)
	check, err := Condition("("+series.VUsersCreated+" - "+series.VUsersCompleted+") / "+series.VUsersCreated+" * 100 <= "+text, known)
	check.Text = maxErrorRate + text
	return check, err
}

const maxErrorRate = "maxErrorRate <= "

// Reread compiles a gate from its text, of whatever kind it is.
func Reread(text string, known *series.Catalogue) (Check, error) {
	if rest, ok := strings.CutPrefix(text, maxErrorRate); ok {
		percent, err := strconv.ParseFloat(rest, 64)
		if err != nil {
			return Check{}, fmt.Errorf("reading the gate %s: %q is not a number", text, rest)
		}
		return MaxErrorRate(percent, known)
	}
	return Condition(text, known)
}

// Evaluate judges. A counter nothing was counted in is 0; a histogram nothing
// was timed in has no value, and a gate on it is not met. The same holds for
// a result that is not a number.
func (c Check) Evaluate(lookup Lookup) Outcome {
	out := Outcome{Text: c.Text, Strict: c.Strict, Default: c.Default}
	e := evaluation{lookup: lookup, known: c.known, seen: map[string]bool{}}
	v, err := e.value(c.expr)
	out.Values = e.values
	if err != nil {
		out.Why = err.Error()
		return out
	}
	out.OK, out.Computed = v != 0, e.computed(c.expr)
	return out
}

// computed is the value that a single comparison compares with a number, when
// it is made of metrics rather than one.
func (e *evaluation) computed(n *node) *float64 {
	if _, compares := comparisons[n.op]; !compares || len(n.args) != 2 || n.args[0].boolean() {
		return nil
	}
	of := n.args[0]
	if of.op == "number" {
		of = n.args[1]
	}
	if of.op == "number" || of.op == "metric" {
		return nil
	}
	v, err := e.value(of)
	if err != nil {
		return nil
	}
	return &v
}

// Latency returns the tightest limit, in milliseconds, that the check sets on
// a time, and false when it sets none.
func (c Check) Latency() (float64, bool) {
	tightest := math.Inf(1)
	c.expr.walk(func(n *node) {
		if n.op != "<" && n.op != "<=" || n.args[0].op != "metric" || n.args[1].op != "number" {
			return
		}
		if kind, _ := c.known.Kind(n.args[0].name); kind == series.Histogram {
			tightest = min(tightest, n.args[1].value)
		}
	})
	return tightest, !math.IsInf(tightest, 1)
}

// Names lists the metrics the check looks at, each once.
func (c Check) Names() []string {
	var names []string
	seen := map[string]bool{}
	c.expr.walk(func(n *node) {
		if n.op == "metric" && !seen[n.name] {
			seen[n.name] = true
			names = append(names, n.name)
		}
	})
	return names
}

// Kind says what one of the check's metrics stands for.
func (c Check) Kind(name string) series.Kind {
	kind, _ := c.known.Kind(name)
	return kind
}

func (n *node) walk(visit func(*node)) {
	visit(n)
	for _, arg := range n.args {
		arg.walk(visit)
	}
}

// evaluation computes one expression; true is 1 and false is 0.
type evaluation struct {
	lookup Lookup
	known  *series.Catalogue
	seen   map[string]bool
	values []Value
}

var errNotANumber = errors.New("the result is not a number")

func (e *evaluation) value(n *node) (float64, error) {
	switch n.op {
	case "number":
		return n.value, nil
	case "metric":
		return e.metric(n.name)
	case "?":
		return e.choice(n)
	}
	args := make([]float64, len(n.args))
	var first error
	for i, arg := range n.args {
		v, err := e.value(arg)
		if err != nil && first == nil {
			first = err
		}
		args[i] = v
	}
	if first != nil {
		return 0, first
	}
	v := apply(n.op, args)
	if math.IsNaN(v) {
		return 0, errNotANumber
	}
	return v, nil
}

func (e *evaluation) metric(name string) (float64, error) {
	v, ok := e.lookup(name)
	if !ok {
		if kind, _ := e.known.Kind(name); kind != series.Counter {
			return 0, fmt.Errorf("nothing was measured for %s", name)
		}
	}
	if !e.seen[name] {
		e.seen[name] = true
		e.values = append(e.values, Value{Name: name, V: v})
	}
	return v, nil
}

func (e *evaluation) choice(n *node) (float64, error) {
	v, err := e.value(n.args[0])
	if err != nil {
		return 0, err
	}
	if v != 0 {
		return e.value(n.args[1])
	}
	return e.value(n.args[2])
}

func apply(op string, a []float64) float64 {
	if f, ok := comparisons[op]; ok {
		if f(a) {
			return 1
		}
		return 0
	}
	if f, ok := arithmetic[op]; ok {
		return f(a)
	}
	return functions[op](a)
}

var comparisons = map[string]func([]float64) bool{
	"==":     func(a []float64) bool { return a[0] == a[1] },
	"!=":     func(a []float64) bool { return a[0] != a[1] },
	"<":      func(a []float64) bool { return a[0] < a[1] },
	"<=":     func(a []float64) bool { return a[0] <= a[1] },
	">":      func(a []float64) bool { return a[0] > a[1] },
	">=":     func(a []float64) bool { return a[0] >= a[1] },
	"and":    func(a []float64) bool { return a[0] != 0 && a[1] != 0 },
	"or":     func(a []float64) bool { return a[0] != 0 || a[1] != 0 },
	"not":    func(a []float64) bool { return a[0] == 0 },
	"in":     func(a []float64) bool { return slices.Contains(a[1:], a[0]) },
	"not in": func(a []float64) bool { return !slices.Contains(a[1:], a[0]) },
}

var arithmetic = map[string]func([]float64) float64{
	"+":      func(a []float64) float64 { return a[0] + a[1] },
	"-":      func(a []float64) float64 { return a[0] - a[1] },
	"*":      func(a []float64) float64 { return a[0] * a[1] },
	"/":      func(a []float64) float64 { return a[0] / a[1] },
	"%":      func(a []float64) float64 { return math.Mod(a[0], a[1]) },
	"^":      func(a []float64) float64 { return math.Pow(a[0], a[1]) },
	"negate": func(a []float64) float64 { return -a[0] },
}
