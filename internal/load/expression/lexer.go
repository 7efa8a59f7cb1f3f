package expression

import (
	"fmt"
	"strconv"
	"strings"
)

type kind int

const (
	end kind = iota
	number
	text
	name
	word // a name that may also be a function's
	operator
)

type token struct {
	kind  kind
	text  string
	value float64
	at    int
}

// words are operators that are spelled out.
var words = map[string]bool{"and": true, "or": true, "not": true, "in": true, "of": true}

// operators, longest first, so that "<=" is not read as "<".
var operators = []string{"==", "!=", "<=", ">=", "~=", "<", ">", "+", "-", "*", "/", "%", "^", "(", ")", ",", "?", ":"}

// lexer cuts an expression into tokens.
type lexer struct {
	text    string
	longest func(rest string) string
}

func (l lexer) tokens() ([]token, error) {
	var tokens []token
	for i := 0; i < len(l.text); {
		if strings.IndexByte(" \t\r\n", l.text[i]) >= 0 {
			i++
			continue
		}
		t, n, err := l.next(i)
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, t)
		i += n
	}
	return append(tokens, token{kind: end, at: len(l.text)}), nil
}

// next reads the token at i and says how many bytes it took.
func (l lexer) next(i int) (token, int, error) {
	rest := l.text[i:]
	if l.longest != nil {
		if known := l.longest(rest); known != "" {
			return token{kind: name, text: known, at: i}, len(known), nil
		}
	}
	switch c := rest[0]; {
	case isDigit(c) || c == '.' && len(rest) > 1 && isDigit(rest[1]):
		return l.number(i)
	case c == '\'':
		return l.quoted(i, name)
	case c == '"':
		return l.quoted(i, text)
	case isLetter(c):
		return l.word(i)
	}
	for _, op := range operators {
		if strings.HasPrefix(rest, op) {
			return token{kind: operator, text: op, at: i}, len(op), nil
		}
	}
	return token{}, 0, failure(i, "unexpected %q", firstRune(rest))
}

// failure names the column, from 1, at which something is wrong.
func failure(at int, format string, args ...any) error {
	return fmt.Errorf("column %d: "+format, append([]any{at + 1}, args...)...)
}

func firstRune(s string) string {
	for _, r := range s {
		return string(r)
	}
	return ""
}

func (l lexer) number(i int) (token, int, error) {
	n := 0
	for i+n < len(l.text) && (isDigit(l.text[i+n]) || l.text[i+n] == '.') {
		n++
	}
	digits := l.text[i : i+n]
	v, err := strconv.ParseFloat(digits, 64)
	end := i + n
	for end < len(l.text) && (isLetter(l.text[end]) || isDigit(l.text[end])) {
		end++
	}
	switch {
	case err != nil:
		return token{}, 0, failure(i, "%q is not a number", l.text[i:end])
	case end > i+n:
		return token{}, 0, failure(i, "%q is not a number; numbers have no unit, and times are in milliseconds", l.text[i:end])
	}
	return token{kind: number, text: digits, value: v, at: i}, n, nil
}

// quoted reads 'a name' or "a text", in which a backslash stands before a quote or a backslash.
func (l lexer) quoted(i int, k kind) (token, int, error) {
	quote := l.text[i]
	var b strings.Builder
	for n := 1; i+n < len(l.text); n++ {
		c := l.text[i+n]
		switch {
		case c == quote:
			return token{kind: k, text: b.String(), at: i}, n + 1, nil
		case c != '\\':
			b.WriteByte(c)
		case i+n+1 < len(l.text) && (l.text[i+n+1] == quote || l.text[i+n+1] == '\\'):
			n++
			b.WriteByte(l.text[i+n])
		default:
			return token{}, 0, failure(i+n, `only a quote or a backslash may stand behind \`)
		}
	}
	return token{}, 0, failure(i, "there is no closing %c", quote)
}

func (l lexer) word(i int) (token, int, error) {
	n := 1
	for i+n < len(l.text) && (isLetter(l.text[i+n]) || isDigit(l.text[i+n]) || l.text[i+n] == '.') {
		n++
	}
	w := l.text[i : i+n]
	if words[w] {
		return token{kind: operator, text: w, at: i}, n, nil
	}
	return token{kind: word, text: w, at: i}, n, nil
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isLetter(c byte) bool {
	return c == '_' || c == '$' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
