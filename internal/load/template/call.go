package template

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
)

// call is a function with its arguments.
type call struct {
	name     string
	args     []any
	function Function
}

// builtin is a function that every script may call.
type builtin struct {
	usage       string
	least, most int
	check       func(args []any) error
	function    Function
}

var builtins = map[string]builtin{
	"$randomNumber": {"$randomNumber(min, max)", 2, 2, checkRange, randomNumber},
	"$randomString": {"$randomString(length)", 0, 1, checkLength, randomString},
}

// Builtins lists how the functions that every script may call are called.
func Builtins() []string { return []string{"$randomNumber(min, max)", "$randomString(length)"} }

// UnknownFunctionError says that a placeholder calls what does not exist.
type UnknownFunctionError struct{ Name string }

func (e UnknownFunctionError) Error() string {
	return fmt.Sprintf("unknown function %s; there are %s", e.Name, strings.Join(Builtins(), " and "))
}

func parseCall(name, args string, more Functions) (*call, error) {
	b, isBuiltin := builtins[name]
	function, known := b.function, isBuiltin
	if !known && more != nil {
		function, known = more(name)
	}
	if !known {
		return nil, UnknownFunctionError{Name: name}
	}
	values, err := parseArguments(args)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	c := &call{name: name, args: values, function: function}
	if !isBuiltin {
		return c, nil
	}
	if len(values) < b.least || len(values) > b.most {
		return nil, fmt.Errorf("%s takes %d to %d arguments, not %d", name, b.least, b.most, len(values))
	}
	return c, b.check(values)
}

// parseArguments reads what follows a call's opening parenthesis: literals, commas between them, and the closing one.
func parseArguments(s string) ([]any, error) {
	var values []any
	for rest := strings.TrimSpace(s); ; {
		if after, closed := strings.CutPrefix(rest, ")"); closed && len(values) == 0 {
			return nil, nothingAfter(after)
		}
		v, after, err := parseLiteral(rest)
		if err != nil {
			return nil, err
		}
		values = append(values, v)
		if end, closed := strings.CutPrefix(after, ")"); closed {
			return values, nothingAfter(end)
		}
		next, comma := strings.CutPrefix(after, ",")
		if !comma {
			return nil, errors.New("the call has no closing )")
		}
		rest = strings.TrimSpace(next)
	}
}

func nothingAfter(s string) error {
	if s = strings.TrimSpace(s); s != "" {
		return fmt.Errorf("%q after the call: not supported", s)
	}
	return nil
}

// parseLiteral reads one argument and returns what follows it.
func parseLiteral(s string) (v any, rest string, err error) {
	if s != "" && (s[0] == '\'' || s[0] == '"') {
		inside, rest, closed := strings.Cut(s[1:], s[:1])
		if !closed {
			return nil, "", fmt.Errorf("the text %s has no closing quote", s)
		}
		return inside, strings.TrimSpace(rest), nil
	}
	n := strings.IndexAny(s, ",)")
	if n < 0 {
		return nil, "", errors.New("the call has no closing )")
	}
	word := strings.TrimSpace(s[:n])
	switch word {
	case "true", "false":
		return word == "true", s[n:], nil
	}
	f, err := strconv.ParseFloat(word, 64)
	if err != nil {
		return nil, "", fmt.Errorf("an argument must be a number, a quoted text, true or false, not %q", word)
	}
	return f, s[n:], nil
}

// asFloat takes a number, also one that is written as a text.
func asFloat(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case string:
		f, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
		return f, err == nil
	}
	return 0, false
}

func checkRange(args []any) error {
	low, ok := asFloat(args[0])
	high, ok2 := asFloat(args[1])
	if !ok || !ok2 || !(low <= high && low >= -1<<53 && high <= 1<<53) {
		return fmt.Errorf("$randomNumber needs a smallest and a largest number, not %v", args)
	}
	return nil
}

func randomNumber(r *rand.Rand, args []any) any {
	low, _ := asFloat(args[0])
	high, _ := asFloat(args[1])
	least, most := int64(low), int64(high)
	return least + r.Int64N(most-least+1)
}

func checkLength(args []any) error {
	if len(args) == 0 {
		return nil
	}
	if n, ok := asFloat(args[0]); !ok || !(n >= 0 && n <= MaxRandomString) {
		return fmt.Errorf("$randomString makes 0 to %d letters, not %v", MaxRandomString, args[0])
	}
	return nil
}

func randomString(r *rand.Rand, args []any) any {
	n := 10.0
	if len(args) == 1 {
		n, _ = asFloat(args[0])
	}
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	out := make([]byte, int(n))
	for i := range out {
		out[i] = letters[r.IntN(len(letters))]
	}
	return string(out)
}
