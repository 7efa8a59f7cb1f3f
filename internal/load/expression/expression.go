// Package expression parses the language in which scripts state conditions and gates.
//
// It is that of Artillery's expressions: numbers, "texts", names and 'quoted
// names', + - * / % ^, == != ~= < <= > >=, in and not in, and or not, ?:, of,
// and calls. Operators of one strength hold to the left, ?: and ^ included;
// "not" and the sign hold more strongly than any operator between two values.
package expression

import "fmt"

// Bounds on an expression, so that a script cannot make the reader work for long.
const (
	MaxText  = 4096
	maxDepth = 64
)

// Kind says what a node is.
type Kind string

// The kinds that are no operators; an operator's node has its sign as kind.
const (
	Number Kind = "number"
	Text   Kind = "text"
	Name   Kind = "name"
	List   Kind = "list"
	Call   Kind = "call"
	// Of is a property of a value: its Text of its one argument.
	Of     Kind = "of"
	Negate Kind = "negate"
	Not    Kind = "not"
	Choice Kind = "?"
	In     Kind = "in"
	NotIn  Kind = "not in"
)

// Node is a part of a parsed expression.
type Node struct {
	Kind Kind
	// Value is a number's.
	Value float64
	// Text is a text, a variable's or a function's name, or the property's of Of.
	Text string
	Args []*Node
	// At is where in the text the node's own sign or word begins, from 0.
	At int
}

// Failure is an error that names the node's column, from 1.
func (n *Node) Failure(format string, args ...any) error { return failure(n.At, format, args...) }

// Walk visits the node and all below it.
func (n *Node) Walk(visit func(*Node)) {
	visit(n)
	for _, arg := range n.Args {
		arg.Walk(visit)
	}
}

// Parse reads an expression. Where names may hold blanks or signs, longest
// returns the longest name that a text begins with, or ""; else it is nil.
func Parse(text string, longest func(rest string) string) (*Node, error) {
	if len(text) > MaxText {
		return nil, fmt.Errorf("an expression of %d bytes is longer than %d", len(text), MaxText)
	}
	tokens, err := lexer{text: text, longest: longest}.tokens()
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens}
	n, err := p.expression(0)
	if err != nil {
		return nil, err
	}
	if t := p.peek(); t.kind != end {
		return nil, failure(t.at, "unexpected %q", t.text)
	}
	return n, nil
}

type parser struct {
	tokens []token
	at     int
	depth  int
}

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) take() token {
	t := p.tokens[p.at]
	if t.kind != end {
		p.at++
	}
	return t
}

// next takes an operator when it is the next token.
func (p *parser) next(sign string) bool {
	if t := p.peek(); t.kind != operator || t.text != sign {
		return false
	}
	p.take()
	return true
}

func (p *parser) expect(sign string) error {
	if at := p.peek().at; !p.next(sign) {
		return failure(at, "expected %q", sign)
	}
	return nil
}

// binding is how strongly an operator between two values holds them.
var binding = map[string]int{
	"?": 1, "or": 2, "and": 3, "in": 4, "not": 4,
	"==": 5, "!=": 5, "~=": 5, "<": 6, "<=": 6, ">": 6, ">=": 6,
	"+": 7, "-": 7, "*": 8, "/": 8, "%": 8, "^": 9,
}

// expression reads operators that bind more strongly than limit.
func (p *parser) expression(limit int) (*Node, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, fmt.Errorf("the expression is nested more than %d deep", maxDepth)
	}
	defer func() { p.depth-- }()
	left, err := p.operand()
	for nested := 0; err == nil; nested++ {
		t := p.peek()
		power := binding[t.text]
		if t.kind != operator || power <= limit {
			return left, nil
		}
		// A long chain of operators is as deep a tree as brackets are.
		if p.depth+nested > 4*maxDepth {
			return nil, fmt.Errorf("the expression has more than %d operators in a row", 4*maxDepth)
		}
		p.take()
		left, err = p.binary(left, t, power)
	}
	return nil, err
}

func (p *parser) binary(left *Node, t token, power int) (*Node, error) {
	n := &Node{Kind: Kind(t.text), At: t.at, Args: []*Node{left}}
	switch t.text {
	case "?":
		then, err := p.expression(0)
		if err != nil {
			return nil, err
		}
		n.Args = append(n.Args, then)
		if err := p.expect(":"); err != nil {
			return nil, err
		}
	case "not":
		if err := p.expect("in"); err != nil {
			return nil, err
		}
		n.Kind = NotIn
	}
	right, err := p.expression(power)
	if err != nil {
		return nil, err
	}
	n.Args = append(n.Args, right)
	return n, nil
}

func (p *parser) operand() (*Node, error) {
	t := p.take()
	n := &Node{Text: t.text, At: t.at}
	switch {
	case t.kind == number:
		n.Kind, n.Value, n.Text = Number, t.value, ""
		return n, nil
	case t.kind == text:
		n.Kind = Text
		return n, nil
	case t.kind == word && p.next("("):
		n.Kind = Call
		var err error
		n.Args, err = p.list()
		return n, err
	case t.kind == name || t.kind == word:
		n.Kind = Name
		return p.property(n)
	case t.kind == end:
		return nil, failure(t.at, "the expression ends too early")
	}
	switch t.text {
	case "(":
		return p.brackets(n)
	case "-", "not":
		return p.prefix(n)
	}
	return nil, failure(t.at, "unexpected %q", t.text)
}

// property reads what follows a name: nothing, or of and the value it is a property of.
func (p *parser) property(n *Node) (*Node, error) {
	if !p.next("of") {
		return n, nil
	}
	if p.depth++; p.depth > maxDepth {
		return nil, fmt.Errorf("the expression is nested more than %d deep", maxDepth)
	}
	defer func() { p.depth-- }()
	of, err := p.operand()
	if err != nil {
		return nil, err
	}
	return &Node{Kind: Of, Text: n.Text, At: n.At, Args: []*Node{of}}, nil
}

// brackets reads (a) or the list (a, b).
func (p *parser) brackets(n *Node) (*Node, error) {
	items, err := p.list()
	switch {
	case err != nil:
		return nil, err
	case len(items) == 0:
		return nil, failure(n.At, "the brackets are empty")
	case len(items) == 1:
		return items[0], nil
	}
	return &Node{Kind: List, At: n.At, Args: items}, nil
}

// list reads values with commas between them and the closing bracket.
func (p *parser) list() ([]*Node, error) {
	var items []*Node
	if p.next(")") {
		return nil, nil
	}
	for {
		item, err := p.expression(0)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
		if !p.next(",") {
			return items, p.expect(")")
		}
	}
}

func (p *parser) prefix(n *Node) (*Node, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, fmt.Errorf("the expression is nested more than %d deep", maxDepth)
	}
	defer func() { p.depth-- }()
	n.Kind = Not
	if n.Text == "-" {
		n.Kind = Negate
	}
	n.Text = ""
	arg, err := p.operand()
	if err != nil {
		return nil, err
	}
	n.Args = []*Node{arg}
	return n, nil
}
