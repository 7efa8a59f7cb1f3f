// Package template fills a script's {{ placeholders }} in.
package template

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
)

// Scope is what placeholders are filled from.
type Scope struct {
	// Vars holds the variables by name; values are what JSON has.
	Vars map[string]any
	// Rand feeds $randomNumber and $randomString.
	Rand *rand.Rand
}

// Text is a compiled text with placeholders.
type Text struct {
	parts  []part
	source string
}

// part is a literal, a variable's path or a call.
type part struct {
	literal string
	path    []string
	call    *call
}

type call struct {
	name string
	args []float64
}

// Functions that placeholders may call, with the number of arguments each may have.
var functions = map[string]struct{ least, most int }{
	"$randomNumber": {2, 2},
	"$randomString": {0, 1},
}

// MaxRandomString bounds what $randomString makes.
const MaxRandomString = 1 << 16

// Parse compiles s. Triple braces mean the same as double ones.
func Parse(s string) (Text, error) {
	t := Text{source: s}
	rest := s
	for {
		before, after, found := strings.Cut(rest, "{{")
		if before != "" {
			t.parts = append(t.parts, part{literal: before})
		}
		if !found {
			return t, nil
		}
		closing := "}}"
		if strings.HasPrefix(after, "{") {
			after, closing = after[1:], "}}}"
		}
		inside, next, closed := strings.Cut(after, closing)
		if !closed {
			return Text{}, fmt.Errorf("the placeholder has no closing %s", closing)
		}
		p, err := parsePlaceholder(strings.TrimSpace(inside))
		if err != nil {
			return Text{}, fmt.Errorf("{{ %s }}: %w", strings.TrimSpace(inside), err)
		}
		t.parts = append(t.parts, p)
		rest = next
	}
}

func parsePlaceholder(s string) (part, error) {
	if name, args, found := strings.Cut(s, "("); found {
		c, err := parseCall(strings.TrimSpace(name), args)
		return part{call: c}, err
	}
	path, err := parsePath(s)
	return part{path: path}, err
}

func parseCall(name, args string) (*call, error) {
	arity, known := functions[name]
	if !known {
		return nil, fmt.Errorf("unknown function %s; there are $randomNumber(min, max) and $randomString(length)", name)
	}
	inside, rest, closed := strings.Cut(args, ")")
	if !closed {
		return nil, errors.New("the call has no closing )")
	}
	if rest = strings.TrimSpace(rest); rest != "" {
		return nil, fmt.Errorf("%q after the call: not supported", rest)
	}
	c := &call{name: name}
	if strings.TrimSpace(inside) != "" {
		for field := range strings.SplitSeq(inside, ",") {
			v, err := strconv.ParseFloat(strings.Trim(strings.TrimSpace(field), `'"`), 64)
			if err != nil {
				return nil, fmt.Errorf("%s takes numbers, not %q", name, strings.TrimSpace(field))
			}
			c.args = append(c.args, v)
		}
	}
	if len(c.args) < arity.least || len(c.args) > arity.most {
		return nil, fmt.Errorf("%s takes %d to %d arguments, not %d", name, arity.least, arity.most, len(c.args))
	}
	return c, c.check()
}

func (c *call) check() error {
	if c.name == "$randomNumber" && !(c.args[0] <= c.args[1] && c.args[0] >= -1<<53 && c.args[1] <= 1<<53) {
		return fmt.Errorf("$randomNumber needs a smallest and a largest number, not %v", c.args)
	}
	if c.name == "$randomString" && len(c.args) == 1 && !(c.args[0] >= 0 && c.args[0] <= MaxRandomString) {
		return fmt.Errorf("$randomString makes 0 to %d letters, not %v", MaxRandomString, c.args[0])
	}
	return nil
}

// parsePath cuts user.items[0]['id'] into its four names.
func parsePath(s string) ([]string, error) {
	var path []string
	for rest := s; rest != "" || len(path) == 0; {
		var name string
		var err error
		if strings.HasPrefix(rest, "[") {
			name, rest, err = parseBracket(rest)
		} else {
			if len(path) > 0 {
				if rest[0] != '.' {
					return nil, fmt.Errorf("%q: not supported", rest)
				}
				rest = rest[1:]
			}
			name, rest = cutName(rest)
		}
		if err != nil {
			return nil, err
		}
		if name == "" {
			return nil, errors.New("a variable's name is missing or has a character that names cannot have")
		}
		path = append(path, name)
	}
	return path, nil
}

func parseBracket(s string) (name, rest string, err error) {
	inside, rest, closed := strings.Cut(s[1:], "]")
	if !closed {
		return "", "", errors.New("[ has no closing ]")
	}
	return strings.Trim(strings.TrimSpace(inside), `'"`), rest, nil
}

func cutName(s string) (name, rest string) {
	n := 0
	for n < len(s) && (s[n] == '_' || s[n] == '$' || s[n] == '-' || s[n] >= '0' && s[n] <= '9' ||
		s[n] >= 'a' && s[n] <= 'z' || s[n] >= 'A' && s[n] <= 'Z') {
		n++
	}
	return s[:n], s[n:]
}

// Literal returns a text that holds s as it is.
func Literal(s string) Text {
	t := Text{source: s}
	if s != "" {
		t.parts = []part{{literal: s}}
	}
	return t
}

// Source is what the text was compiled from.
func (t Text) Source() string { return t.source }

// IsStatic says whether the text has no placeholder.
func (t Text) IsStatic() bool {
	return len(t.parts) == 0 || len(t.parts) == 1 && t.parts[0].path == nil && t.parts[0].call == nil
}

// Paths returns the variables the text names, each as its path.
func (t Text) Paths() [][]string {
	var paths [][]string
	for _, p := range t.parts {
		if p.path != nil {
			paths = append(paths, p.path)
		}
	}
	return paths
}

// String fills the placeholders in; what is missing reads "undefined", as in JavaScript.
func (t Text) String(s *Scope) string {
	if t.IsStatic() {
		return t.source
	}
	var b strings.Builder
	for _, p := range t.parts {
		if p.path == nil && p.call == nil {
			b.WriteString(p.literal)
			continue
		}
		b.WriteString(format(p.value(s)))
	}
	return b.String()
}

// Value fills the placeholders in; a text that is exactly one keeps its value's kind.
func (t Text) Value(s *Scope) any {
	if len(t.parts) == 1 && (t.parts[0].path != nil || t.parts[0].call != nil) {
		return t.parts[0].value(s)
	}
	return t.String(s)
}

// undefined is the value of a path that leads nowhere.
type undefined struct{}

func (p part) value(s *Scope) any {
	if p.call != nil {
		return p.call.value(s)
	}
	v, ok := Resolve(s.Vars, p.path)
	if !ok {
		return undefined{}
	}
	return v
}

func (c *call) value(s *Scope) any {
	if c.name == "$randomNumber" {
		low, high := int64(c.args[0]), int64(c.args[1])
		return low + s.Rand.Int64N(high-low+1)
	}
	n := 10
	if len(c.args) == 1 {
		n = int(c.args[0])
	}
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	out := make([]byte, n)
	for i := range out {
		out[i] = letters[s.Rand.IntN(len(letters))]
	}
	return string(out)
}

// Resolve follows a path into variables.
func Resolve(vars map[string]any, path []string) (any, bool) {
	var at any = vars
	for _, name := range path {
		switch v := at.(type) {
		case map[string]any:
			next, ok := v[name]
			if !ok {
				return nil, false
			}
			at = next
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(v) {
				return nil, false
			}
			at = v[i]
		default:
			return nil, false
		}
	}
	return at, true
}
