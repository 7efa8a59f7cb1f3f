package judge

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/vm"
)

// Bounds of one judgement. A condition that needs more is an Error, not a stalled controller.
const (
	maxSteps    = 2_000_000 // values looked at, for all series and explanations together
	maxText     = 1 << 20   // bytes of a string a condition builds
	memoryUnits = 1_000_000 // elements of arrays and maps a condition builds
)

// scope is what a condition sees. The names in parentheses cannot be written in a condition.
type scope struct {
	Result  any                               `expr:"result"`
	Report  any                               `expr:"report"`
	Now     func(...*time.Location) time.Time `expr:"now"`
	Watch   func(...any) any                  `expr:"(watch)"`
	Compare func(...any) any                  `expr:"(compare)"`
}

// evaluation is one evaluation of one condition.
type evaluation struct {
	result any
	report any
	now    time.Time
	watch  *watcher
}

// run evaluates a program. It never panics.
func (e evaluation) run(program *vm.Program) (value any, err error) {
	defer func() {
		if r := recover(); r != nil {
			value, err = nil, fmt.Errorf("%v", r)
		}
	}()
	machine := vm.VM{MemoryBudget: memoryUnits}
	value, err = machine.Run(program, scope{
		Result:  e.result,
		Report:  e.report,
		Now:     e.clock,
		Watch:   e.watch.see,
		Compare: e.watch.compare,
	})
	if err != nil {
		return nil, plain(err)
	}
	return value, nil
}

// clock is the evaluation time, in UTC unless a zone is asked for: the same sample always gets the
// same verdict.
func (e evaluation) clock(zone ...*time.Location) time.Time {
	if len(zone) > 0 && zone[0] != nil {
		return e.now.In(zone[0])
	}
	return e.now.UTC()
}

// functions are the names conditions may call besides expr-lang's own. The text functions replace
// expr-lang's, which allocate whatever they are asked for.
func functions() map[string]*builtin.Function {
	return map[string]*builtin.Function{
		"asInt":   unary("asInt", new(func(any) int), asInt),
		"asFloat": unary("asFloat", new(func(any) float64), asFloat),
		"isNaN": unary("isNaN", new(func(any) bool), func(x any) (any, error) {
			f, err := number(x)
			return math.IsNaN(f), err
		}),
		"isInf": unary("isInf", new(func(any) bool), func(x any) (any, error) {
			f, err := number(x)
			return math.IsInf(f, 0), err
		}),
		"isNil": unary("isNil", new(func(any) bool), func(x any) (any, error) { return isNil(x), nil }),
		"default": {Name: "default", Types: signatures(new(func(any, any) any)), Func: func(args ...any) (any, error) {
			if isNil(args[0]) {
				return args[1], nil
			}
			return args[0], nil
		}},
		"replace": {Name: "replace", Func: replaceText,
			Types: signatures(new(func(string, string, string) string), new(func(string, string, string, int) string))},
		"repeat": {Name: "repeat", Func: repeatText, Types: signatures(new(func(string, int) string))},
		"join":   {Name: "join", Func: joinText, Types: signatures(new(func(any) string), new(func(any, string) string))},
	}
}

func unary(name string, signature any, call func(any) (any, error)) *builtin.Function {
	return &builtin.Function{
		Name:  name,
		Types: signatures(signature),
		Func:  func(args ...any) (any, error) { return call(args[0]) },
	}
}

func signatures(pointers ...any) []reflect.Type {
	types := make([]reflect.Type, len(pointers))
	for i, p := range pointers {
		types[i] = reflect.TypeOf(p).Elem()
	}
	return types
}

func asInt(x any) (any, error) {
	if text, ok := x.(string); ok {
		n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("asInt: %q is not a whole number", Trim(text, 64))
		}
		return int(n), nil
	}
	f, err := number(x)
	if err != nil {
		return nil, fmt.Errorf("asInt: %w", err)
	}
	if math.IsNaN(f) || f < math.MinInt64 || f >= math.MaxInt64 {
		return nil, fmt.Errorf("asInt: %v is out of range", f)
	}
	return int(f), nil
}

func asFloat(x any) (any, error) {
	if text, ok := x.(string); ok {
		f, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil {
			return nil, fmt.Errorf("asFloat: %q is not a number", Trim(text, 64))
		}
		return f, nil
	}
	f, err := number(x)
	if err != nil {
		return nil, fmt.Errorf("asFloat: %w", err)
	}
	return f, nil
}

// number is x as a float64; strings are not numbers.
func number(x any) (float64, error) {
	switch n := x.(type) {
	case nil:
		return 0, errors.New("nil is not a number")
	case float64:
		return n, nil
	case int:
		return float64(n), nil
	}
	v := reflect.ValueOf(x)
	switch {
	case v.CanInt():
		return float64(v.Int()), nil
	case v.CanUint():
		return float64(v.Uint()), nil
	case v.CanFloat():
		return v.Float(), nil
	}
	return 0, fmt.Errorf("%T is not a number", x)
}

func isNil(x any) bool {
	if x == nil {
		return true
	}
	v := reflect.ValueOf(x)
	switch v.Kind() {
	case reflect.Slice, reflect.Map, reflect.Pointer, reflect.Func, reflect.Interface, reflect.Chan:
		return v.IsNil()
	default:
		return false
	}
}

// isEmpty says whether a result is nothing: nil, no series, no element, no text.
func isEmpty(result any) bool {
	switch r := result.(type) {
	case nil:
		return true
	case string:
		return strings.TrimSpace(r) == ""
	}
	v := reflect.ValueOf(result)
	switch v.Kind() {
	case reflect.Slice, reflect.Map, reflect.Array:
		return v.Len() == 0
	default:
		return isNil(result)
	}
}

var errTooLarge = fmt.Errorf("the condition builds a text of more than %d bytes", maxText)

func replaceText(args ...any) (any, error) {
	text, old, with := args[0].(string), args[1].(string), args[2].(string)
	times := -1
	if len(args) == 4 {
		n, err := number(args[3])
		if err != nil {
			return nil, err
		}
		times = int(n)
	}
	if len(with) > 0 && strings.Count(text, old) > (maxText-min(len(text), maxText))/len(with) {
		return nil, errTooLarge
	}
	return strings.Replace(text, old, with, times), nil
}

func repeatText(args ...any) (any, error) {
	text := args[0].(string)
	n, err := number(args[1])
	switch {
	case err != nil:
		return nil, err
	case n < 0:
		return nil, errors.New("repeat: the count is negative")
	case n*float64(max(len(text), 1)) > maxText:
		return nil, errTooLarge
	}
	return strings.Repeat(text, int(n)), nil
}

func joinText(args ...any) (any, error) {
	glue := ""
	if len(args) == 2 {
		glue = args[1].(string)
	}
	var parts []string
	switch list := args[0].(type) {
	case []string:
		parts = list
	case []any:
		for _, item := range list {
			text, ok := item.(string)
			if !ok {
				return nil, fmt.Errorf("join: %T is not a string", item)
			}
			parts = append(parts, text)
		}
	default:
		return nil, fmt.Errorf("join: %T is not a list of strings", args[0])
	}
	size := len(glue) * len(parts)
	for _, part := range parts {
		size += len(part)
	}
	if size > maxText {
		return nil, errTooLarge
	}
	return strings.Join(parts, glue), nil
}
