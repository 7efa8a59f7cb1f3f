package gate

import (
	"fmt"
	"strconv"
	"strings"

	"sluice.dev/sluice/internal/load/series"
)

// Doubt is why a comparison cannot mean what it says.
type Doubt struct {
	// Text says what is odd, Instead what to write.
	Text, Instead string
}

// comparison is a metric beside a number, the metric to the left.
type comparison struct {
	name, op string
	number   float64
	kind     series.Kind
}

// mirrored are the operators as they read from the other side.
var mirrored = map[string]string{"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}

// Doubts are what is odd about the numbers that metrics are compared with: shares above 1, seconds where
// milliseconds are meant, comparisons that always come out the same.
func (c Check) Doubts() []Doubt {
	var all []Doubt
	c.expr.walk(func(n *node) {
		if mirrored[n.op] == "" {
			return
		}
		found := comparison{op: n.op}
		left, right := n.args[0], n.args[1]
		if left.op != "metric" {
			left, right, found.op = right, left, mirrored[n.op]
		}
		number, ok := right.constant()
		if left.op != "metric" || !ok || c.known.IsCustom(left.name) {
			return
		}
		found.name, found.number = left.name, number
		found.kind, _ = c.known.Kind(left.name)
		if d, odd := found.doubt(); odd {
			all = append(all, d)
		}
	})
	return all
}

// constant is a number as it is written, or with a sign.
func (n *node) constant() (float64, bool) {
	if n.op == "negate" && n.args[0].op == "number" {
		return -n.args[0].value, true
	}
	return n.value, n.op == "number"
}

func (c comparison) doubt() (Doubt, bool) {
	n := c.number
	switch {
	case n < 0 || n == 0 && (c.op == "<" || c.op == ">="):
		return c.settled(), true
	case c.kind == series.Score:
		return c.share()
	case n > 0 && n < 1 && c.slow():
		return Doubt{fmt.Sprintf("%s is in milliseconds, and %s is less than one", c.name, decimal(n)), fmt.Sprintf("if seconds were meant, write %s", decimal(n*1000))}, true
	}
	return Doubt{}, false
}

// share is what is odd about a number beside a share.
func (c comparison) share() (Doubt, bool) {
	what := c.name + " is a share from 0 to 1, and "
	switch n := c.number; {
	case n > 1:
		return Doubt{fmt.Sprintf("%s%s is beyond that", what, decimal(n)), fmt.Sprintf("write %s for %s %%", decimal(n/100), decimal(n))}, true
	case n == 1 && c.op == "<" && growsWorse(c.name):
		return Doubt{what + "is less than 1 unless all goes wrong", "write 0.01 for 1 %"}, true
	}
	return Doubt{}, false
}

// settled is a comparison with a number that no metric goes below.
func (c comparison) settled() Doubt {
	what := c.name + " is never below 0, so "
	switch c.op {
	case ">", ">=", "!=":
		return Doubt{what + c.op + " " + decimal(c.number) + " always holds", ""}
	case "<":
		if c.number == 0 && c.kind != series.Histogram {
			return Doubt{what + "< 0 never holds", fmt.Sprintf(`for none at all write the condition "%s == 0", or 1 as the threshold of a count`, c.name)}
		}
	}
	return Doubt{what + c.op + " " + decimal(c.number) + " never holds", ""}
}

// slow says that a metric is held against a time, and takes more than some fractions of a millisecond.
func (c comparison) slow() bool {
	if c.kind != series.Histogram || strings.HasSuffix(c.name, ".count") || c.op == "==" || c.op == "!=" {
		return false
	}
	for _, prefix := range []string{series.Lag, series.DNS, series.TCP, series.TLS} {
		if strings.HasPrefix(c.name, prefix+".") {
			return false
		}
	}
	return true
}

// growsWorse says that a share is one of what went wrong.
func growsWorse(name string) bool {
	switch name {
	case series.ErrorRate, series.ServerErrorRate, series.UnansweredRate, series.FailedRate:
		return true
	}
	return false
}

func decimal(v float64) string { return strconv.FormatFloat(v, 'g', 12, 64) }

// HoldsWhenWell says that the check holds of a test in which nothing has gone wrong. It is false where that depends
// on how much was sent, or how fast the answers came.
func (c Check) HoldsWhenWell() bool {
	for _, name := range c.Names() {
		if _, known := c.well(name); !known {
			return false
		}
	}
	return len(c.Names()) > 0 && c.Evaluate(c.well).OK
}

// manyAnswers stands for as many as there may be of good ones.
const manyAnswers = 1e6

// well is what a metric is when nothing goes wrong, as far as it is then the same in every test.
func (c Check) well(name string) (float64, bool) {
	kind, _ := c.known.Kind(name)
	switch {
	case c.known.IsCustom(name):
		return 0, false
	case kind == series.Score:
		if growsWorse(name) {
			return 0, true
		}
		return 1, true
	case strings.HasPrefix(name, series.Errors), strings.HasPrefix(name, series.ErrorClass),
		name == series.VUsersFailed, name == series.VUsersSkipped, name == series.Overflow:
		return 0, true
	case strings.HasPrefix(name, series.Codes+"5"), strings.HasPrefix(name, series.Codes+"4"):
		return 0, true
	case name == series.Codes+"200", name == series.Codes+"2xx":
		return manyAnswers, true
	}
	return 0, false
}
