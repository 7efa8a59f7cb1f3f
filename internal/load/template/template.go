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
	// Functions are those beyond the built-in ones that texts made while running may call; nil for none.
	Functions Functions
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

// Function makes a value from literal arguments: texts, booleans, and numbers as float64.
type Function func(r *rand.Rand, args []any) any

// Functions finds functions by their names, "$" included.
type Functions func(name string) (Function, bool)

// MaxRandomString bounds what $randomString makes.
const MaxRandomString = 1 << 16

// Parse compiles s, in which only the built-in functions may be called.
func Parse(s string) (Text, error) { return ParseWith(s, nil) }

// ParseWith compiles s; more finds the functions beyond the built-in ones.
// Triple braces mean the same as double ones.
func ParseWith(s string, more Functions) (Text, error) {
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
		p, err := parsePlaceholder(strings.TrimSpace(inside), more)
		if err != nil {
			return Text{}, fmt.Errorf("{{ %s }}: %w", strings.TrimSpace(inside), err)
		}
		t.parts = append(t.parts, p)
		rest = next
	}
}

func parsePlaceholder(s string, more Functions) (part, error) {
	if name, args, found := strings.Cut(s, "("); found && !strings.ContainsAny(name, "|[") {
		c, err := parseCall(strings.TrimSpace(name), args, more)
		return part{call: c}, err
	}
	path, err := ParsePath(s)
	return part{path: path}, err
}

// ParsePath cuts user.items[0]['id'] into its four names.
func ParsePath(s string) ([]string, error) {
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
		return p.call.function(s.Rand, p.call.args)
	}
	v, ok := Resolve(s.Vars, p.path)
	if !ok {
		return undefined{}
	}
	return v
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
