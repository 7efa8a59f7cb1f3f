// Package condition decides by a user's variables whether a request is sent.
//
// Values meet as in JavaScript: "3" == 3, a text that is no number is less than
// nothing, and nothing, 0, "" and what is not a number are false. A name with
// dots is one variable's name; what lies within a variable is reached by of:
// id of user. A variable that is not there is nothing.
package condition

import (
	"fmt"
	"maps"
	"regexp"
	"slices"

	"sluice.dev/sluice/internal/load/expression"
	"sluice.dev/sluice/internal/load/suggest"
)

// Expression is a compiled condition; it may be used by many users at once.
type Expression struct {
	root *expression.Node
	// patterns are the regular expressions that are written out.
	patterns map[string]*regexp.Regexp
}

// Parse compiles a condition.
func Parse(text string) (*Expression, error) {
	root, err := expression.Parse(text, nil)
	if err != nil {
		return nil, err
	}
	e := &Expression{root: root, patterns: map[string]*regexp.Regexp{}}
	root.Walk(func(n *expression.Node) {
		if err == nil {
			err = e.prepare(n)
		}
	})
	if err != nil {
		return nil, err
	}
	return e, nil
}

// prepare refuses functions that do not exist and compiles patterns that are written out.
func (e *Expression) prepare(n *expression.Node) error {
	switch {
	case n.Kind == expression.Call && functions[n.Text] == nil:
		return n.Failure("unknown function %s%s", n.Text, suggest.Hint(n.Text, slices.Sorted(maps.Keys(functions))))
	case n.Kind == "~=" && n.Args[1].Kind == expression.Text:
		pattern, err := regexp.Compile(n.Args[1].Text)
		if err != nil {
			return n.Args[1].Failure("%w", err)
		}
		e.patterns[n.Args[1].Text] = pattern
	}
	return nil
}

// Names lists the variables the condition looks at, sorted, each once.
func (e *Expression) Names() []string {
	names := map[string]bool{}
	e.root.Walk(func(n *expression.Node) {
		if n.Kind == expression.Name {
			names[n.Text] = true
		}
	})
	return slices.Sorted(maps.Keys(names))
}

// True says whether the condition holds. One that cannot be computed, because a
// pattern made of variables is none, holds: then the request is sent.
func (e *Expression) True(vars map[string]any) bool {
	v, err := e.value(e.root, vars)
	return err != nil || truthy(v)
}

func (e *Expression) value(n *expression.Node, vars map[string]any) (any, error) {
	switch n.Kind {
	case expression.Number:
		return n.Value, nil
	case expression.Text:
		return n.Text, nil
	case expression.Name:
		return lookup(vars, n.Text), nil
	case "and", "or", expression.Choice:
		return e.branch(n, vars)
	case "~=":
		return e.match(n, vars)
	default: // the others need all their arguments
	}
	args := make([]any, len(n.Args))
	for i, arg := range n.Args {
		v, err := e.value(arg, vars)
		if err != nil {
			return nil, err
		}
		args[i] = v
	}
	return apply(n, args), nil
}

// apply computes a node of its arguments' values.
func apply(n *expression.Node, args []any) any {
	switch n.Kind {
	case expression.List:
		return args
	case expression.Of:
		return property(args[0], n.Text)
	case expression.Call:
		return functions[n.Text](numbers(args))
	default:
		return operators[n.Kind](args)
	}
}

// branch computes only what is needed.
func (e *Expression) branch(n *expression.Node, vars map[string]any) (any, error) {
	first, err := e.value(n.Args[0], vars)
	if err != nil {
		return nil, err
	}
	if n.Kind == expression.Choice {
		if truthy(first) {
			return e.value(n.Args[1], vars)
		}
		return e.value(n.Args[2], vars)
	}
	if truthy(first) == (n.Kind == "or") {
		return toNumber(first), nil
	}
	second, err := e.value(n.Args[1], vars)
	return toNumber(second), err
}

const maxPattern = 1000

func (e *Expression) match(n *expression.Node, vars map[string]any) (any, error) {
	left, err := e.value(n.Args[0], vars)
	if err != nil {
		return nil, err
	}
	right, err := e.value(n.Args[1], vars)
	if err != nil {
		return nil, err
	}
	if _, none := right.(undefined); none {
		return truth(true), nil // no pattern finds itself in every text
	}
	source := toText(right)
	pattern := e.patterns[source]
	if pattern == nil {
		if len(source) > maxPattern {
			return nil, fmt.Errorf("a pattern of %d bytes is longer than %d", len(source), maxPattern)
		}
		if pattern, err = regexp.Compile(source); err != nil {
			return nil, err
		}
	}
	return truth(pattern.MatchString(toText(left))), nil
}
