package judge

import (
	"errors"
	"fmt"
	"math"
	"reflect"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/vm/runtime"
)

// What a watched value is looked at for.
const (
	seeNaN    = 1 << iota // a number that is not one is "no data"
	seeInside             // so is one inside a list or map, because all of it is read
	seeNil                // nothing where a value was compared is "no data"
	seeSize               // the condition built it: what it costs counts
	seeSquare             // the function about to be called costs the square of its length
)

// watcher notes what a condition read while it was evaluated, and what that cost.
type watcher struct {
	steps int
	nan   bool
	none  bool
	// doubt turns every comparison with something that is not there around. What a condition says
	// both with and without doubt does not depend on what is missing.
	doubt bool
}

var errTooCostly = errors.New("the condition costs too much to evaluate")

// see is called from inside evaluated conditions with a value and what to look at it for; it gives
// the value back. It panics when the bounds are broken, which ends the evaluation with an error:
// the machine that calls it has no other way to be stopped.
func (w *watcher) see(args ...any) any {
	value, mode := args[0], args[1].(int)
	w.spend(1)
	switch v := value.(type) {
	case nil:
		w.none = w.none || mode&seeNil != 0
		return value
	case float64:
		w.nan = w.nan || mode&seeNaN != 0 && math.IsNaN(v)
		return value
	case bool, int:
		return value
	case string:
		if len(v) > maxText && mode&seeSize != 0 {
			panic(errTooLarge)
		}
	}
	if mode&(seeInside|seeSize) != 0 {
		w.walk(value, mode&seeInside != 0)
	}
	if mode&seeSquare != 0 {
		n := length(value)
		w.spend(min(n, maxSteps) * min(n, maxSteps))
	}
	return value
}

// compare evaluates `left operator right` inside conditions and notes when one side is not there.
// Like see it panics where the reference reports an error.
func (w *watcher) compare(args ...any) any {
	operator, left, right := args[0].(string), args[1], args[2]
	w.spend(1)
	seen := watcher{steps: w.steps}
	if operator == "==" || operator == "!=" {
		seen.see(left, seeNaN|seeInside|seeNil)
		seen.see(right, seeNaN|seeInside|seeNil)
		mustMatch(left, right)
	} else {
		seen.see(left, seeNaN)
		seen.see(right, seeNaN)
	}
	w.steps = seen.steps
	w.nan, w.none = w.nan || seen.nan, w.none || seen.none
	missing := seen.nan || seen.none
	return holds(operator, left, right) != (missing && w.doubt)
}

func holds(operator string, left, right any) bool {
	switch operator {
	case "<":
		return runtime.Less(left, right)
	case "<=":
		return runtime.LessOrEqual(left, right)
	case ">":
		return runtime.More(left, right)
	case ">=":
		return runtime.MoreOrEqual(left, right)
	case "!=":
		return !runtime.Equal(left, right)
	default:
		return runtime.Equal(left, right)
	}
}

// mustMatch refuses to ask whether a number equals a text: the answer is always no, and a failure
// condition that can never be true would pass everything.
func mustMatch(left, right any) {
	l, r := family(left), family(right)
	if l != "" && r != "" && l != r {
		panic(fmt.Errorf("mismatched types: a %s is compared with a %s", l, r))
	}
}

func family(value any) string {
	switch value.(type) {
	case nil:
		return ""
	case string:
		return "string"
	case bool:
		return "bool"
	}
	if _, err := number(value); err == nil {
		return "number"
	}
	return ""
}

func (w *watcher) spend(steps int) {
	w.steps += steps
	if w.steps > maxSteps {
		panic(errTooCostly)
	}
}

// walk counts everything inside a value and, when read, notes NaN. The types of decoded JSON and of
// vectors are named for speed.
func (w *watcher) walk(value any, read bool) {
	w.spend(1)
	switch v := value.(type) {
	case float64:
		w.nan = w.nan || read && math.IsNaN(v)
	case string:
		w.spend(len(v) / 16)
	case []any:
		for _, item := range v {
			w.walk(item, read)
		}
	case map[string]any:
		for _, item := range v {
			w.walk(item, read)
		}
	default:
		w.walkOther(reflect.ValueOf(value), read)
	}
}

func (w *watcher) walkOther(v reflect.Value, read bool) {
	switch v.Kind() {
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			w.walk(v.Index(i).Interface(), read)
		}
	case reflect.Map:
		for items := v.MapRange(); items.Next(); {
			w.walk(items.Value().Interface(), read)
		}
	default: // one step
	}
}

func length(value any) int {
	v := reflect.ValueOf(value)
	switch v.Kind() {
	case reflect.Slice, reflect.Array, reflect.Map, reflect.String:
		return v.Len()
	default:
		return 1
	}
}

// watch copies a tree so that everything it compares, passes to a function or builds goes through
// the watcher. The given tree is left as it is.
func watch(node ast.Node) ast.Node {
	switch n := node.(type) {
	case *ast.BinaryNode:
		return watchBinary(n)
	case *ast.MemberNode:
		return watchPath(n)
	case *ast.ChainNode:
		return at(n, &ast.ChainNode{Node: watchPath(n.Node)})
	case *ast.CallNode:
		return watchCall(n)
	case *ast.BuiltinNode:
		return watchBuiltin(n)
	case *ast.PredicateNode:
		// Counted even when it is a constant: it is what a loop repeats.
		return at(n, &ast.PredicateNode{Node: called(n, "(watch)", watch(n.Node), &ast.IntegerNode{Value: seeNaN | seeSize})})
	case *ast.ArrayNode:
		return seen(at(n, &ast.ArrayNode{Nodes: watchAll(n.Nodes)}), seeSize)
	case *ast.MapNode:
		return seen(at(n, &ast.MapNode{Pairs: watchAll(n.Pairs)}), seeSize)
	default:
		return watchParts(node)
	}
}

// watchParts copies the nodes that only hold others together. What is left are constants and names.
func watchParts(node ast.Node) ast.Node {
	switch n := node.(type) {
	case *ast.UnaryNode:
		return at(n, &ast.UnaryNode{Operator: n.Operator, Node: watch(n.Node)})
	case *ast.SliceNode:
		return at(n, &ast.SliceNode{Node: watch(n.Node), From: watchIfAny(n.From), To: watchIfAny(n.To)})
	case *ast.ConditionalNode:
		return at(n, &ast.ConditionalNode{Ternary: n.Ternary, Cond: watch(n.Cond), Exp1: watch(n.Exp1), Exp2: watch(n.Exp2)})
	case *ast.VariableDeclaratorNode:
		return at(n, &ast.VariableDeclaratorNode{Name: n.Name, Value: watch(n.Value), Expr: watch(n.Expr)})
	case *ast.SequenceNode:
		return at(n, &ast.SequenceNode{Nodes: watchAll(n.Nodes)})
	case *ast.PairNode:
		return at(n, &ast.PairNode{Key: watch(n.Key), Value: watch(n.Value)})
	default:
		return node
	}
}

func watchAll(nodes []ast.Node) []ast.Node {
	watched := make([]ast.Node, len(nodes))
	for i, n := range nodes {
		watched[i] = watch(n)
	}
	return watched
}

func watchIfAny(node ast.Node) ast.Node {
	if node == nil {
		return nil
	}
	return watch(node)
}

// watchPath leaves `a?.b.c` in one piece: its jumps must not cross a call.
func watchPath(node ast.Node) ast.Node {
	switch n := node.(type) {
	case *ast.MemberNode:
		return at(n, &ast.MemberNode{Node: watchPath(n.Node), Property: watch(n.Property), Optional: n.Optional, Method: n.Method})
	case *ast.CallNode:
		return at(n, &ast.CallNode{Callee: watchPath(n.Callee), Arguments: watchAll(n.Arguments)})
	default:
		return watch(node)
	}
}

func watchBinary(n *ast.BinaryNode) ast.Node {
	left, right := watch(n.Left), watch(n.Right)
	binary := func(mode int) ast.Node {
		return at(n, &ast.BinaryNode{Operator: n.Operator, Left: seen(left, mode), Right: seen(right, mode)})
	}
	switch n.Operator {
	case "==", "!=", "<", "<=", ">", ">=":
		if isNilLiteral(n.Left) || isNilLiteral(n.Right) {
			return binary(0)
		}
		return called(n, "(compare)", &ast.StringNode{Value: n.Operator}, left, right)
	case "in", "matches", "contains", "startsWith", "endsWith":
		return binary(seeNaN | seeInside | seeNil)
	case "+", "..":
		return seen(binary(0), seeSize)
	default:
		return binary(0)
	}
}

func watchCall(n *ast.CallNode) ast.Node {
	mode := seeNaN | seeInside
	if name, ok := n.Callee.(*ast.IdentifierNode); ok && handlers[name.Value] != 0 {
		mode = 0
	}
	arguments := make([]ast.Node, len(n.Arguments))
	for i, a := range n.Arguments {
		arguments[i] = seen(watch(a), mode)
	}
	callee := n.Callee
	if member, ok := callee.(*ast.MemberNode); ok {
		callee = watchPath(member)
	}
	return seen(at(n, &ast.CallNode{Callee: callee, Arguments: arguments}), seeSize)
}

// readsParts are expr-lang functions that do not look at every element of a list, or leave that to
// a predicate.
var readsParts = map[string]bool{
	"len": true, "first": true, "last": true, "get": true, "take": true, "reverse": true, "concat": true,
	"flatten": true, "keys": true, "values": true, "type": true, "all": true, "none": true, "any": true,
	"one": true, "filter": true, "map": true, "find": true, "findIndex": true, "findLast": true,
	"findLastIndex": true, "count": true, "groupBy": true, "sortBy": true, "reduce": true,
}

func watchBuiltin(n *ast.BuiltinNode) ast.Node {
	mode := seeNaN | seeInside
	switch {
	case n.Name == "uniq":
		mode |= seeSquare
	case readsParts[n.Name], n.Name == "sum" && len(n.Arguments) > 1:
		mode = 0
	}
	arguments := make([]ast.Node, len(n.Arguments))
	for i, a := range n.Arguments {
		arguments[i] = watch(a)
		if _, isPredicate := a.(*ast.PredicateNode); !isPredicate {
			arguments[i] = seen(arguments[i], mode)
		}
	}
	return seen(at(n, &ast.BuiltinNode{Name: n.Name, Arguments: arguments, Throws: n.Throws}), seeSize)
}

// seen passes the value of a node through the watcher. Constants are what they are.
func seen(node ast.Node, mode int) ast.Node {
	if mode == 0 {
		return node
	}
	switch node.(type) {
	case *ast.NilNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.StringNode:
		return node
	}
	return called(node, "(watch)", node, &ast.IntegerNode{Value: mode})
}

// called is a call of one of the scope's own functions in place of a node.
func called(place ast.Node, function string, arguments ...ast.Node) ast.Node {
	return at(place, &ast.CallNode{Callee: &ast.IdentifierNode{Value: function}, Arguments: arguments})
}

// at gives a new node the place of an old one, so that errors point into the text.
func at(old, fresh ast.Node) ast.Node {
	fresh.SetLocation(old.Location())
	return fresh
}

func isNilLiteral(node ast.Node) bool {
	_, ok := node.(*ast.NilNode)
	return ok
}
