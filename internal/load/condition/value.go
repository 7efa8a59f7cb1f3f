package condition

import (
	"math"
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"

	"sluice.dev/sluice/internal/load/expression"
)

// undefined is the value of a variable that is not there.
type undefined struct{}

func lookup(vars map[string]any, name string) any {
	if v, ok := vars[name]; ok {
		return v
	}
	return undefined{}
}

func property(of any, name string) any {
	switch of := of.(type) {
	case map[string]any:
		return lookup(of, name)
	case []any:
		if name == "length" {
			return float64(len(of))
		}
	}
	return undefined{}
}

func truth(b bool) any {
	if b {
		return 1.0
	}
	return 0.0
}

func truthy(v any) bool {
	switch v := v.(type) {
	case nil, undefined:
		return false
	case bool:
		return v
	case string:
		return v != ""
	case map[string]any, []any:
		return true
	}
	n := toNumber(v)
	return n != 0 && !math.IsNaN(n)
}

// toNumber reads a value as a number; what is none is not a number.
func toNumber(v any) float64 {
	switch v := v.(type) {
	case nil:
		return 0
	case float64:
		return v
	case int64:
		return float64(v)
	case int:
		return float64(v)
	case bool:
		if v {
			return 1
		}
		return 0
	case string:
		return parseNumber(v)
	case []any, map[string]any:
		return parseNumber(toText(v))
	}
	return math.NaN()
}

func parseNumber(s string) float64 {
	s = strings.TrimSpace(s)
	if s == "" {
		return 0
	}
	if rest, signed := strings.CutPrefix(strings.TrimPrefix(s, "+"), "-"); rest == "Infinity" {
		if signed {
			return math.Inf(-1)
		}
		return math.Inf(1)
	}
	if len(s) > 2 && s[0] == '0' && strings.ContainsRune("xXoObB", rune(s[1])) {
		if n, err := strconv.ParseUint(s, 0, 64); err == nil && !strings.Contains(s, "_") {
			return float64(n)
		}
		return math.NaN()
	}
	if strings.Trim(s, "0123456789.eE+-") != "" {
		return math.NaN()
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil && !math.IsInf(n, 0) {
		return math.NaN()
	}
	return n
}

func toText(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case undefined:
		return "undefined"
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case []any:
		parts := make([]string, len(v))
		for i, item := range v {
			if item != nil {
				parts[i] = toText(item)
			}
		}
		return strings.Join(parts, ",")
	case map[string]any:
		return "[object Object]"
	}
	return formatNumber(toNumber(v))
}

func formatNumber(n float64) string {
	switch abs := math.Abs(n); {
	case math.IsNaN(n):
		return "NaN"
	case n == 0:
		return "0" // also of -0
	case math.IsInf(n, 0):
		return strings.TrimPrefix(strconv.FormatFloat(n, 'f', -1, 64), "+") + "inity"
	case abs < 1e-6 || abs >= 1e21:
		s := strconv.FormatFloat(n, 'e', -1, 64)
		return strings.Replace(strings.Replace(s, "e-0", "e-", 1), "e+0", "e+", 1)
	}
	return strconv.FormatFloat(n, 'f', -1, 64)
}

// operators are those that look at both values.
var operators = map[expression.Kind]func(a []any) any{
	"+":               add,
	"-":               func(a []any) any { return toNumber(a[0]) - toNumber(a[1]) },
	"*":               func(a []any) any { return toNumber(a[0]) * toNumber(a[1]) },
	"/":               func(a []any) any { return toNumber(a[0]) / toNumber(a[1]) },
	"%":               func(a []any) any { return math.Mod(toNumber(a[0]), toNumber(a[1])) },
	"^":               func(a []any) any { return math.Pow(toNumber(a[0]), toNumber(a[1])) },
	"==":              func(a []any) any { return truth(equal(a[0], a[1])) },
	"!=":              func(a []any) any { return truth(!equal(a[0], a[1])) },
	"<":               func(a []any) any { return truth(compare(a[0], a[1], -1, -1)) },
	"<=":              func(a []any) any { return truth(compare(a[0], a[1], -1, 0)) },
	">":               func(a []any) any { return truth(compare(a[0], a[1], 1, 1)) },
	">=":              func(a []any) any { return truth(compare(a[0], a[1], 1, 0)) },
	expression.Negate: func(a []any) any { return -toNumber(a[0]) },
	expression.Not:    func(a []any) any { return truth(!truthy(a[0])) },
	expression.In:     func(a []any) any { return truth(within(a[0], a[1])) },
	expression.NotIn:  func(a []any) any { return truth(!within(a[0], a[1])) },
}

func add(a []any) any {
	x, y := primitive(a[0]), primitive(a[1])
	_, text := x.(string)
	if _, other := y.(string); text || other {
		return toText(x) + toText(y)
	}
	return toNumber(x) + toNumber(y)
}

// primitive makes a text of a list or a map.
func primitive(v any) any {
	switch v.(type) {
	case []any, map[string]any:
		return toText(v)
	}
	return v
}

func isNothing(v any) bool { return v == nil || v == any(undefined{}) }

// equal is JavaScript's ==.
func equal(a, b any) bool {
	switch {
	case isContainer(a) && isContainer(b):
		return reflect.TypeOf(a) == reflect.TypeOf(b) && reflect.ValueOf(a).Pointer() == reflect.ValueOf(b).Pointer()
	case isContainer(a):
		return equal(toText(a), b)
	case isContainer(b):
		return equal(a, toText(b))
	case isNothing(a) || isNothing(b):
		return isNothing(a) && isNothing(b)
	}
	x, isText := a.(string)
	if y, both := b.(string); isText && both {
		return x == y
	}
	return toNumber(a) == toNumber(b)
}

func isContainer(v any) bool {
	switch v.(type) {
	case []any, map[string]any:
		return true
	}
	return false
}

// compare says whether a's order to b, -1, 0 or 1, is one of the two wanted.
func compare(a, b any, wanted, or int) bool {
	a, b = primitive(a), primitive(b)
	order := 0
	x, isText := a.(string)
	if y, both := b.(string); isText && both {
		order = strings.Compare(x, y)
		return order == wanted || order == or
	}
	n, m := toNumber(a), toNumber(b)
	switch {
	case math.IsNaN(n) || math.IsNaN(m):
		return false
	case n < m:
		order = -1
	case n > m:
		order = 1
	}
	return order == wanted || order == or
}

// within says whether a list has a value of the same kind; one value is a list of one.
func within(v, list any) bool {
	items, isList := list.([]any)
	if !isList {
		items = []any{list}
	}
	for _, item := range items {
		if same(v, item) {
			return true
		}
	}
	return false
}

func same(a, b any) bool {
	if isContainer(a) || isContainer(b) {
		return isContainer(a) && isContainer(b) && equal(a, b)
	}
	return class(a) == class(b) && equal(a, b)
}

// class tells kinds of values apart; all numbers are one.
func class(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case undefined:
		return "undefined"
	case bool:
		return "boolean"
	case string:
		return "text"
	}
	return "number"
}

func numbers(args []any) []float64 {
	out := make([]float64, len(args))
	for i, arg := range args {
		out[i] = toNumber(arg)
	}
	return out
}

var functions = map[string]func(a []float64) any{
	"abs":   one(math.Abs),
	"ceil":  one(math.Ceil),
	"floor": one(math.Floor),
	"log":   one(math.Log),
	"round": one(func(n float64) float64 { return math.Floor(n + 0.5) }),
	"sqrt":  one(math.Sqrt),
	"max": func(a []float64) any {
		out := math.Inf(-1)
		for _, n := range a {
			out = math.Max(out, n)
		}
		return out
	},
	"min": func(a []float64) any {
		out := math.Inf(1)
		for _, n := range a {
			out = math.Min(out, n)
		}
		return out
	},
	"random": func([]float64) any { return rand.Float64() },
}

// one makes a function of its first argument; without one the result is not a number.
func one(f func(float64) float64) func([]float64) any {
	return func(a []float64) any {
		if len(a) == 0 {
			return math.NaN()
		}
		return f(a[0])
	}
}
