package gate

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"

	"sluice.dev/sluice/internal/load/expression"
	"sluice.dev/sluice/internal/load/series"
	"sluice.dev/sluice/internal/load/suggest"
)

var errNoBoolean = errors.New("the condition is a number; compare it with something, as in http.codes.500 == 0")

// percent is a number with a sign that means the rest of a division here.
var percent = regexp.MustCompile(`[0-9]\s*%\s*($|\)|and\b|or\b)`)

// node is a part of a compiled gate.
type node struct {
	op    string // "number", "metric", a function's name, or an operator
	value float64
	name  string
	args  []*node
}

// boolean says whether a node is true or false rather than a number.
func (n *node) boolean() bool {
	switch n.op {
	case "==", "!=", "<", "<=", ">", ">=", "and", "or", "not", "in", "not in":
		return true
	case "?":
		return n.args[1].boolean()
	}
	return false
}

// parse reads a gate. A metric's name may hold '-', '/' and blanks (endpoints,
// scenarios), so a known name wins over operators, and the longest over shorter ones.
func parse(text string, known *series.Catalogue) (*node, error) {
	root, err := expression.Parse(text, known.Longest)
	switch {
	case err != nil && percent.MatchString(text):
		return nil, fmt.Errorf("%w; a share is written as a number, 0.01 for 1 %%", err)
	case err != nil:
		return nil, err
	}
	n, err := compiler{known}.node(root)
	if err != nil {
		return nil, err
	}
	if !n.boolean() {
		return nil, errNoBoolean
	}
	return n, nil
}

// compiler turns an expression into a gate. It is stricter than the language:
// a gate compares numbers, so that none passes because kinds were mixed up.
type compiler struct{ known *series.Catalogue }

func (c compiler) node(e *expression.Node) (*node, error) {
	switch e.Kind {
	case expression.Number:
		return &node{op: "number", value: e.Value}, nil
	case expression.Name:
		return c.metric(e)
	case expression.Text, "~=":
		return nil, e.Failure("a gate compares numbers: texts and patterns are not supported")
	case expression.Of:
		return nil, e.Failure("of: not supported in a gate; write the metric's whole name")
	case expression.List:
		return nil, e.Failure("a list stands behind in or not in")
	case expression.In, expression.NotIn:
		return c.membership(e)
	default: // calls and operators have arguments of their own
	}
	args, err := c.nodes(e.Args)
	if err != nil {
		return nil, err
	}
	if e.Kind == expression.Call {
		return c.call(e, args)
	}
	return c.operation(e, args)
}

func (c compiler) nodes(args []*expression.Node) ([]*node, error) {
	out := make([]*node, len(args))
	for i, arg := range args {
		n, err := c.node(arg)
		if err != nil {
			return nil, err
		}
		out[i] = n
	}
	return out, nil
}

func (c compiler) metric(e *expression.Node) (*node, error) {
	if _, ok := c.known.Kind(e.Text); !ok {
		return nil, unknownMetric(e.Text, e.At+1, c.known)
	}
	return &node{op: "metric", name: e.Text}, nil
}

// membership compiles "a in (b, c)".
func (c compiler) membership(e *expression.Node) (*node, error) {
	list := []*expression.Node{e.Args[1]}
	if list[0].Kind == expression.List {
		list = list[0].Args
	}
	args, err := c.nodes(append([]*expression.Node{e.Args[0]}, list...))
	if err != nil {
		return nil, err
	}
	if !all(args, false) {
		return nil, e.Failure("%q compares numbers", string(e.Kind))
	}
	return &node{op: string(e.Kind), args: args}, nil
}

// all says whether the nodes are all comparisons, or all numbers.
func all(args []*node, boolean bool) bool {
	return !slices.ContainsFunc(args, func(n *node) bool { return n.boolean() != boolean })
}

func (c compiler) operation(e *expression.Node, args []*node) (*node, error) {
	switch e.Kind {
	case expression.Choice:
		if !args[0].boolean() {
			return nil, e.Failure("what stands before ? must be a comparison")
		}
		if args[1].boolean() != args[2].boolean() {
			return nil, e.Failure("both results of ? must be of one kind")
		}
	case expression.Not:
		if !all(args, true) {
			return nil, e.Failure("not holds only what stands next to it, and that must be a comparison: write not (a < b)")
		}
	case "and", "or":
		if !all(args, true) {
			return nil, e.Failure("both sides of %q must be comparisons", string(e.Kind))
		}
	case expression.Negate:
		if !all(args, false) {
			return nil, e.Failure("- stands before a number")
		}
	default:
		if !all(args, false) {
			return nil, e.Failure("both sides of %q must be numbers", string(e.Kind))
		}
	}
	return &node{op: string(e.Kind), args: args}, nil
}

// functions are those of the language that leave nothing to chance.
var functions = map[string]func([]float64) float64{
	"abs":   func(a []float64) float64 { return math.Abs(a[0]) },
	"ceil":  func(a []float64) float64 { return math.Ceil(a[0]) },
	"floor": func(a []float64) float64 { return math.Floor(a[0]) },
	"log":   func(a []float64) float64 { return math.Log(a[0]) },
	"round": func(a []float64) float64 { return math.Floor(a[0] + 0.5) },
	"sqrt":  func(a []float64) float64 { return math.Sqrt(a[0]) },
	"max":   func(a []float64) float64 { return fold(a, math.Max) },
	"min":   func(a []float64) float64 { return fold(a, math.Min) },
}

func fold(a []float64, f func(x, y float64) float64) float64 {
	out := a[0]
	for _, v := range a[1:] {
		out = f(out, v)
	}
	return out
}

func (c compiler) call(e *expression.Node, args []*node) (*node, error) {
	switch {
	case e.Text == "random":
		return nil, e.Failure("random: a gate leaves nothing to chance")
	case functions[e.Text] == nil:
		return nil, e.Failure("unknown function %s%s", e.Text, suggest.Hint(e.Text, slices.Sorted(maps.Keys(functions))))
	case !all(args, false):
		return nil, e.Failure("%s takes numbers", e.Text)
	}
	if several := e.Text == "max" || e.Text == "min"; len(args) == 0 || !several && len(args) != 1 {
		return nil, e.Failure("%s takes one number", e.Text)
	}
	return &node{op: e.Text, args: args}, nil
}
