package gate

import (
	"errors"
	"fmt"
	"math"

	"sluice.dev/sluice/internal/load/series"
)

// Bounds on an expression, so that a script cannot make the reader work for long.
const (
	maxText  = 4096
	maxDepth = 64
)

var errNoBoolean = errors.New("the condition is a number; compare it with something, as in http.codes.500 == 0")

// node is a part of a compiled expression.
type node struct {
	op    string // "number", "metric", a function's name, or an operator
	value float64
	name  string
	args  []*node
}

// boolean says whether a node is true or false rather than a number.
func (n *node) boolean() bool {
	switch n.op {
	case "==", "!=", "<", "<=", ">", ">=", "and", "or", "not":
		return true
	case "?":
		return n.args[1].boolean()
	}
	return false
}

type parser struct {
	tokens []token
	at     int
	depth  int
}

func parse(text string, known *series.Catalogue) (*node, error) {
	if len(text) > maxText {
		return nil, fmt.Errorf("an expression of %d bytes is longer than %d", len(text), maxText)
	}
	tokens, err := lexer{text: text, known: known}.tokens()
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens}
	n, err := p.expression(0)
	if err != nil {
		return nil, err
	}
	if t := p.peek(); t.kind != end {
		return nil, fmt.Errorf("column %d: unexpected %q", t.at+1, t.text)
	}
	if !n.boolean() {
		return nil, errNoBoolean
	}
	return n, nil
}

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) take() token {
	t := p.tokens[p.at]
	if t.kind != end {
		p.at++
	}
	return t
}

// binding is how strongly a binary operator holds its operands.
var binding = map[string]int{
	"?": 1, "or": 2, "and": 3,
	"==": 5, "!=": 5, "<": 5, "<=": 5, ">": 5, ">=": 5,
	"+": 6, "-": 6, "*": 7, "/": 7, "%": 7, "^": 9,
}

// Prefix operators: "not" holds less than a comparison, "-" less than "^".
const (
	bindNot   = 4
	bindMinus = 8
)

// expression reads operators that bind more strongly than limit.
func (p *parser) expression(limit int) (*node, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, fmt.Errorf("the expression is nested more than %d deep", maxDepth)
	}
	defer func() { p.depth-- }()
	left, err := p.operand()
	for err == nil {
		t := p.peek()
		power := binding[t.text]
		if t.kind != operator || power <= limit {
			return left, nil
		}
		p.take()
		if t.text == "?" {
			left, err = p.choice(left, t)
			continue
		}
		left, err = p.binary(left, t, power)
	}
	return nil, err
}

func (p *parser) binary(left *node, t token, power int) (*node, error) {
	if t.text == "^" {
		power-- // 2^3^2 is 2^(3^2)
	}
	right, err := p.expression(power)
	if err != nil {
		return nil, err
	}
	logical := t.text == "and" || t.text == "or"
	if left.boolean() != logical || right.boolean() != logical {
		return nil, mismatch(t, logical)
	}
	return &node{op: t.text, args: []*node{left, right}}, nil
}

func mismatch(t token, logical bool) error {
	if logical {
		return fmt.Errorf("column %d: both sides of %q must be comparisons", t.at+1, t.text)
	}
	return fmt.Errorf("column %d: both sides of %q must be numbers", t.at+1, t.text)
}

// choice reads the rest of "if ? then : otherwise".
func (p *parser) choice(condition *node, t token) (*node, error) {
	if !condition.boolean() {
		return nil, fmt.Errorf("column %d: what stands before ? must be a comparison", t.at+1)
	}
	then, err := p.expression(0)
	if err != nil {
		return nil, err
	}
	if err := p.expect(":"); err != nil {
		return nil, err
	}
	otherwise, err := p.expression(0)
	if err != nil {
		return nil, err
	}
	if then.boolean() != otherwise.boolean() {
		return nil, fmt.Errorf("column %d: both results of ? must be of one kind", t.at+1)
	}
	return &node{op: "?", args: []*node{condition, then, otherwise}}, nil
}

func (p *parser) expect(text string) error {
	if t := p.take(); t.kind != operator || t.text != text {
		return fmt.Errorf("column %d: expected %q", t.at+1, text)
	}
	return nil
}

func (p *parser) operand() (*node, error) {
	t := p.take()
	switch {
	case t.kind == number:
		return &node{op: "number", value: t.value}, nil
	case t.kind == metric:
		return &node{op: "metric", name: t.text}, nil
	case t.kind == function:
		return p.call(t)
	case t.kind == operator && t.text == "(":
		n, err := p.expression(0)
		if err != nil {
			return nil, err
		}
		return n, p.expect(")")
	case t.kind == operator && (t.text == "-" || t.text == "not"):
		return p.prefix(t)
	case t.kind == end:
		return nil, fmt.Errorf("column %d: the expression ends too early", t.at+1)
	}
	return nil, fmt.Errorf("column %d: unexpected %q", t.at+1, t.text)
}

func (p *parser) prefix(t token) (*node, error) {
	op, power := "not", bindNot
	if t.text == "-" {
		op, power = "negate", bindMinus
	}
	n, err := p.expression(power)
	if err != nil {
		return nil, err
	}
	if n.boolean() != (op == "not") {
		return nil, mismatch(t, op == "not")
	}
	return &node{op: op, args: []*node{n}}, nil
}

// functions are those of Artillery's expression language that need no texts and no chance.
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

func (p *parser) call(t token) (*node, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	n := &node{op: t.text}
	for {
		arg, err := p.expression(0)
		if err != nil {
			return nil, err
		}
		if arg.boolean() {
			return nil, fmt.Errorf("column %d: %s takes numbers", t.at+1, t.text)
		}
		n.args = append(n.args, arg)
		if next := p.peek(); next.kind != operator || next.text != "," {
			break
		}
		p.take()
	}
	if several := t.text == "max" || t.text == "min"; !several && len(n.args) != 1 {
		return nil, fmt.Errorf("column %d: %s takes one number", t.at+1, t.text)
	}
	return n, p.expect(")")
}
