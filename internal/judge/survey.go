package judge

import (
	"errors"
	"fmt"

	"github.com/expr-lang/expr/ast"
)

// reads is what the text of a condition says about how it treats its input.
type reads struct {
	handlesEmpty bool
	handlesNaN   bool
	// wholeResult: `result` is used other than as `result[n]`.
	wholeResult bool
	indexes     []int // the n of `result[n]`, without repetition, in order of appearance
	report      bool  // `report` is used
	paths       [][]string
	asks        bool       // it asks itself what there is: the report's paths may lead nowhere
	optional    [][]string // paths with ?. in them
	compared    []Comparison
	fields      bool // `result.name` is used
}

// Comparison is a value of the report, or the result, beside something it is compared with or calculated with.
type Comparison struct {
	Path   []string
	Result bool   // it is the result, and there is no path
	Op     string // with the path on its left side
	// Number and Text are what it is compared with, nil when that is none written there.
	Number *float64
	Text   *string
}

// What a function deals with when the result is among its arguments.
const (
	dealsWithEmpty = 1 << iota
	dealsWithNaN
)

// handlers are the functions by which a condition deals with missing data itself.
var handlers = map[string]int{
	"len": dealsWithEmpty, "count": dealsWithEmpty, "isNil": dealsWithEmpty, "default": dealsWithEmpty,
	"isNaN": dealsWithNaN, "isInf": dealsWithNaN,
}

// surveyor walks a tree with the names that stand for something measured.
type surveyor struct {
	reads
	measured map[string]bool // variables declared from something measured
	refused  error
}

func survey(node ast.Node) (reads, error) {
	s := &surveyor{measured: map[string]bool{}}
	s.visit(node, false)
	return s.reads, s.refused
}

// visit returns whether the value of the node comes from what was measured. element says whether
// `#` does.
func (s *surveyor) visit(node ast.Node, element bool) bool {
	switch n := node.(type) {
	case *ast.IdentifierNode:
		return s.name(n)
	case *ast.PointerNode:
		return element
	case *ast.MemberNode:
		return s.member(n, element)
	case *ast.BinaryNode:
		return s.binary(n, element)
	case *ast.CallNode:
		return s.call(n, element)
	case *ast.BuiltinNode:
		return s.builtin(n, element)
	case *ast.VariableDeclaratorNode:
		if s.visit(n.Value, element) {
			s.measured[n.Name] = true
		}
		return s.visit(n.Expr, element)
	default:
		return s.all(element, children(node)...)
	}
}

// all visits every node and returns whether one of them is measured.
func (s *surveyor) all(element bool, nodes ...ast.Node) bool {
	measured := false
	for _, n := range nodes {
		measured = s.visit(n, element) || measured
	}
	return measured
}

func (s *surveyor) name(n *ast.IdentifierNode) bool {
	switch n.Value {
	case "result":
		s.wholeResult = true
		return true
	case "report":
		s.report = true
		return true
	case "$env", "(watch)":
		s.refused = errors.New("unknown name " + n.Value)
	}
	return s.measured[n.Value]
}

func (s *surveyor) member(n *ast.MemberNode, element bool) bool {
	if path, optional, ok := reportPath(n); ok && !optional {
		s.paths = append(s.paths, path)
		s.report = true
		return true
	} else if ok {
		s.optional = append(s.optional, path)
	}
	if s.ofResult(n) {
		return true
	}
	measured := s.all(element, n.Node, n.Property)
	s.handlesEmpty = s.handlesEmpty || n.Optional && measured
	return measured
}

// ofResult notes what is taken out of the result, and returns whether it is one of its series.
func (s *surveyor) ofResult(n *ast.MemberNode) bool {
	if !isResult(n.Node) {
		return false
	}
	switch property := n.Property.(type) {
	case *ast.StringNode:
		s.fields = s.fields || !n.Optional
	case *ast.IntegerNode:
		if property.Value >= 0 {
			s.index(property.Value)
			s.handlesEmpty = s.handlesEmpty || n.Optional
			return true
		}
	}
	return false
}

// reportPath is what stands behind `report`, when it is nothing but names.
func reportPath(node ast.Node) (path []string, optional, ok bool) {
	if chain, is := node.(*ast.ChainNode); is {
		node = chain.Node
	}
	n, is := node.(*ast.MemberNode)
	if !is {
		name, is := node.(*ast.IdentifierNode)
		return nil, false, is && name.Value == "report"
	}
	key, is := n.Property.(*ast.StringNode)
	if !is {
		return nil, false, false
	}
	path, optional, ok = reportPath(n.Node)
	return append(path, key.Value), optional || n.Optional, ok
}

// calculating are the operators that take values, no groups of values; of comparisons what they are from the other side.
var calculating = map[string]string{"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!=", "+": "+", "-": "-", "*": "*", "/": "/", "%": "%"}

// compare notes what the report's values are compared with.
func (s *surveyor) compare(n *ast.BinaryNode) {
	mirrored, calculates := calculating[n.Operator]
	if !calculates || isNothing(n.Left) || isNothing(n.Right) {
		return
	}
	for _, side := range []struct {
		of, with ast.Node
		op       string
	}{{n.Left, n.Right, n.Operator}, {n.Right, n.Left, mirrored}} {
		path, _, ok := reportPath(side.of)
		if !ok && !isResult(side.of) {
			continue
		}
		c := Comparison{Path: path, Op: side.op, Result: !ok}
		switch with := side.with.(type) {
		case *ast.IntegerNode:
			c.Number = new(float64(with.Value))
		case *ast.FloatNode:
			c.Number = new(with.Value)
		case *ast.StringNode:
			c.Text = &with.Value
		case *ast.BoolNode:
			c.Text = new(fmt.Sprint(with.Value))
		}
		s.compared = append(s.compared, c)
	}
}

func (s *surveyor) index(i int) {
	for _, known := range s.indexes {
		if known == i {
			return
		}
	}
	s.indexes = append(s.indexes, i)
}

func (s *surveyor) binary(n *ast.BinaryNode, element bool) bool {
	whole := s.wholeResult
	measured := s.all(element, n.Left, n.Right)
	s.compare(n)
	if asksForResult(n) {
		s.wholeResult = whole // asking whether there is a result reads no series
	}
	switch n.Operator {
	case "in":
		s.asks = s.asks || measured
	case "??":
		s.handlesEmpty = s.handlesEmpty || measured
	case "==", "!=":
		nothing := isNothing(n.Left) || isNothing(n.Right)
		s.handlesEmpty = s.handlesEmpty || measured && nothing
	}
	return measured
}

// asksForResult compares the result itself with nothing.
func asksForResult(n *ast.BinaryNode) bool {
	return isNothing(n.Right) && isResult(n.Left) || isNothing(n.Left) && isResult(n.Right)
}

// isNothing is a literal for no data: nil, "" or [].
func isNothing(node ast.Node) bool {
	switch n := node.(type) {
	case *ast.NilNode:
		return true
	case *ast.StringNode:
		return n.Value == ""
	case *ast.ArrayNode:
		return len(n.Nodes) == 0
	}
	return false
}

// isResult is the name itself.
func isResult(node ast.Node) bool {
	name, ok := node.(*ast.IdentifierNode)
	return ok && name.Value == "result"
}

func (s *surveyor) call(n *ast.CallNode, element bool) bool {
	whole := s.wholeResult
	measured := s.all(element, n.Arguments...)
	if name, ok := n.Callee.(*ast.IdentifierNode); ok {
		if name.Value == "isNil" && len(n.Arguments) == 1 && isResult(n.Arguments[0]) {
			s.wholeResult = whole
		}
		s.name(name) // refuses what must not be called
		s.handle(name.Value, measured)
		return measured
	}
	return s.visit(n.Callee, element) || measured
}

func (s *surveyor) builtin(n *ast.BuiltinNode, element bool) bool {
	if len(n.Arguments) == 0 {
		return false
	}
	whole := s.wholeResult
	measured := s.visit(n.Arguments[0], element)
	if n.Name == "len" && isResult(n.Arguments[0]) {
		s.wholeResult = whole
	}
	for _, argument := range n.Arguments[1:] {
		if predicate, ok := argument.(*ast.PredicateNode); ok {
			s.visit(predicate.Node, measured || element)
			continue
		}
		measured = s.visit(argument, element) || measured
	}
	s.handle(n.Name, measured)
	return measured
}

func (s *surveyor) handle(function string, measured bool) {
	if !measured {
		return
	}
	s.handlesEmpty = s.handlesEmpty || handlers[function]&dealsWithEmpty != 0
	s.handlesNaN = s.handlesNaN || handlers[function]&dealsWithNaN != 0
}

// children are the parts of the nodes that have no rule of their own.
func children(node ast.Node) []ast.Node {
	switch n := node.(type) {
	case *ast.UnaryNode:
		return []ast.Node{n.Node}
	case *ast.ChainNode:
		return []ast.Node{n.Node}
	case *ast.PredicateNode:
		return []ast.Node{n.Node}
	case *ast.PairNode:
		return []ast.Node{n.Key, n.Value}
	case *ast.ConditionalNode:
		return []ast.Node{n.Cond, n.Exp1, n.Exp2}
	case *ast.SequenceNode:
		return n.Nodes
	case *ast.ArrayNode:
		return n.Nodes
	case *ast.MapNode:
		return n.Pairs
	case *ast.SliceNode:
		parts := []ast.Node{n.Node}
		if n.From != nil {
			parts = append(parts, n.From)
		}
		if n.To != nil {
			parts = append(parts, n.To)
		}
		return parts
	}
	return nil
}
