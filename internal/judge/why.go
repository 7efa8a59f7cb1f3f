package judge

import (
	"fmt"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/vm"
)

// clause is a part of a condition that is true or false by itself: the tree of and, or and not
// above the comparisons, kept to find out afterwards which comparison decided.
type clause struct {
	kind  clauseKind
	text  string
	parts []*clause

	whole *vm.Program // true or false
	// compared
	left, right         *vm.Program
	leftText, rightText string
	operator            string
	limitIsLeft         bool
	element             int // n when result[n] is compared, else −1
	// quantified
	finder     *vm.Program // index of the element that decides, −1 when there is none
	collection string
}

type clauseKind int

const (
	opaque     clauseKind = iota // nothing more can be said than that it is true or false
	allOf                        // and
	anyOf                        // or
	negated                      // not
	compared                     // left operator right
	quantified                   // all, any, none: the decisive element is compared
)

// fact is a comparison that decided, with its numbers.
type fact struct {
	text  string // the comparison as written
	truth bool
	// what was measured and the limit it was compared with; empty for an opaque clause
	subject, value, limit string
	distance              string
	element               int // n when it is about result[n], else −1
}

// clauses takes a checked condition apart. What cannot be taken apart stays opaque.
func (m *maker) clauses(node ast.Node, source string) *clause {
	root := m.clause(node, nil)
	root.text = strings.TrimSpace(source)
	return root
}

// declared wraps a part in the variables that are visible there.
type declared []*ast.VariableDeclaratorNode

func (d declared) around(node ast.Node) ast.Node {
	for i := len(d) - 1; i >= 0; i-- {
		node = &ast.VariableDeclaratorNode{Name: d[i].Name, Value: d[i].Value, Expr: node}
	}
	return node
}

func (m *maker) clause(node ast.Node, vars declared) *clause {
	m.made++
	c := &clause{text: node.String(), element: -1}
	if m.made > maxClauses {
		return c
	}
	switch n := node.(type) {
	case *ast.VariableDeclaratorNode:
		return m.clause(n.Expr, append(vars[:len(vars):len(vars)], n))
	case *ast.UnaryNode:
		if n.Operator == "!" || n.Operator == "not" {
			c.kind, c.parts = negated, []*clause{m.clause(n.Node, vars)}
			return c
		}
	case *ast.BinaryNode:
		switch n.Operator {
		case "&&", "and":
			c.kind, c.parts = allOf, []*clause{m.clause(n.Left, vars), m.clause(n.Right, vars)}
		case "||", "or":
			c.kind, c.parts = anyOf, []*clause{m.clause(n.Left, vars), m.clause(n.Right, vars)}
		case "<", "<=", ">", ">=", "==", "!=":
			m.comparison(c, n, vars)
		}
	case *ast.BuiltinNode:
		m.quantifier(c, n, vars)
	}
	c.whole = m.program(node, vars)
	return c
}

// program compiles a part, or gives nil: an explanation is not worth an error.
func (m *maker) program(node ast.Node, vars declared) *vm.Program {
	program, err := m.compile(watch(vars.around(node)))
	if err != nil {
		return nil
	}
	return program
}

func (m *maker) comparison(c *clause, n *ast.BinaryNode, vars declared) {
	c.left, c.right = m.program(n.Left, vars), m.program(n.Right, vars)
	if c.left == nil || c.right == nil {
		return
	}
	c.kind, c.operator = compared, n.Operator
	c.leftText, c.rightText = n.Left.String(), n.Right.String()
	c.limitIsLeft = isLiteral(n.Left) && !isLiteral(n.Right)
	c.element = elementOf(n.Left)
	if c.limitIsLeft {
		c.element = elementOf(n.Right)
	}
}

// elementOf is n for result[n], else −1.
func elementOf(node ast.Node) int {
	member, ok := node.(*ast.MemberNode)
	if !ok || !isResult(member.Node) {
		return -1
	}
	if index, ok := member.Property.(*ast.IntegerNode); ok {
		return index.Value
	}
	return -1
}

// quantifier handles all(list, a < b), any(…) and none(…): the element that decides is the first
// one for which the comparison is false (all) or true (any, none).
func (m *maker) quantifier(c *clause, n *ast.BuiltinNode, vars declared) {
	body := comparedInside(n)
	if body == nil {
		return
	}
	list := n.Arguments[0]
	decisive := ast.Node(body)
	if n.Name == "all" {
		decisive = &ast.UnaryNode{Operator: "!", Node: body}
	}
	over := func(function string, node ast.Node) *vm.Program {
		return m.program(&ast.BuiltinNode{Name: function, Arguments: []ast.Node{list, &ast.PredicateNode{Node: node}}}, vars)
	}
	c.finder = over("findIndex", decisive)
	c.left, c.right = over("map", body.Left), over("map", body.Right)
	if c.finder == nil || c.left == nil || c.right == nil {
		return
	}
	c.kind, c.operator, c.collection = quantified, body.Operator, list.String()
	c.leftText, c.rightText = body.Left.String(), body.Right.String()
	c.limitIsLeft = isLiteral(body.Left) && !isLiteral(body.Right)
}

// comparedInside is the comparison that all, any or none makes for each element, nil when it does
// something else.
func comparedInside(n *ast.BuiltinNode) *ast.BinaryNode {
	if len(n.Arguments) != 2 || n.Name != "all" && n.Name != "any" && n.Name != "none" {
		return nil
	}
	predicate, ok := n.Arguments[1].(*ast.PredicateNode)
	if !ok {
		return nil
	}
	body, ok := predicate.Node.(*ast.BinaryNode)
	if !ok || !comparisons[body.Operator] {
		return nil
	}
	return body
}

var comparisons = map[string]bool{"<": true, "<=": true, ">": true, ">=": true, "==": true, "!=": true}

func isLiteral(node ast.Node) bool {
	switch n := node.(type) {
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.StringNode, *ast.NilNode:
		return true
	case *ast.UnaryNode:
		return isLiteral(n.Node)
	}
	return false
}

// explain names the comparisons that made the clause true or false. It is empty when that cannot
// be told.
func (e evaluation) explain(c *clause, truth bool) []fact {
	switch c.kind {
	case negated:
		return e.explain(c.parts[0], !truth)
	case allOf, anyOf:
		if truth == (c.kind == allOf) {
			return append(e.explain(c.parts[0], truth), e.explain(c.parts[1], truth)...)
		}
		// One part was enough: the first of that truth, as the evaluation went.
		for _, part := range c.parts {
			if got, ok := e.truth(part); ok && got == truth {
				return e.explain(part, truth)
			}
		}
		return nil
	case compared:
		return []fact{e.compare(c, truth)}
	case quantified:
		return []fact{e.decisive(c, truth)}
	case opaque:
	}
	return []fact{{text: c.text, truth: truth, element: -1}}
}

func (e evaluation) truth(c *clause) (truth, ok bool) {
	if c.whole == nil {
		return false, false
	}
	value, err := e.run(c.whole)
	if err != nil {
		return false, false
	}
	truth, ok = value.(bool)
	return truth, ok
}

func (e evaluation) compare(c *clause, truth bool) fact {
	f := fact{text: c.text, truth: truth, element: c.element}
	left, err := e.run(c.left)
	if err != nil {
		return f
	}
	right, err := e.run(c.right)
	if err != nil {
		return f
	}
	f.weigh(c, c.leftText, c.rightText, left, right)
	return f
}

func (e evaluation) decisive(c *clause, truth bool) fact {
	f := fact{text: c.text, truth: truth, element: -1}
	found, err := e.run(c.finder)
	if err != nil {
		return f
	}
	i, ok := found.(int)
	if !ok || i < 0 {
		return f
	}
	left, right := e.element(c.left, i), e.element(c.right, i)
	if c.collection == "result" {
		f.element = i
	}
	item := fmt.Sprintf("%s[%d]", c.collection, i)
	f.weigh(c, inElement(c.leftText, item), inElement(c.rightText, item), left, right)
	return f
}

func (e evaluation) element(program *vm.Program, i int) any {
	list, err := e.run(program)
	if err != nil {
		return nil
	}
	items, ok := list.([]any)
	if !ok || i >= len(items) {
		return nil
	}
	return items[i]
}

// inElement names a part of a predicate: "#" of result[2] is result[2], "#.p99" is result[2].p99.
func inElement(text, item string) string {
	switch {
	case text == "#":
		return item
	case strings.HasPrefix(text, "#."), strings.HasPrefix(text, "#["):
		return item + text[1:]
	case strings.HasPrefix(text, "."):
		return item + text
	default:
		return text + " for " + item
	}
}

// weigh fills in the numbers of a comparison.
func (f *fact) weigh(c *clause, leftText, rightText string, left, right any) {
	subject, value, limit, operator := leftText, left, right, c.operator
	if c.limitIsLeft {
		subject, value, limit, operator = rightText, right, left, mirrored[operator]
	}
	f.subject = subject
	f.value, f.limit, f.distance = weigh(value, limit, operator)
}

// mirrored is the operator seen from the other side: 5 > x says x < 5.
var mirrored = map[string]string{"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}

// String says a fact with its numbers: `result[0] is 0.0123, 3.1 times the limit 0.004`.
func (f fact) String() string {
	if f.subject == "" {
		return ""
	}
	return fmt.Sprintf("%s is %s, %s", Trim(f.subject, maxQuoted), f.value, f.distance)
}
