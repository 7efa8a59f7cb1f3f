package gate

import (
	"fmt"
	"strconv"
	"strings"

	"sluice.dev/sluice/internal/load/series"
	"sluice.dev/sluice/internal/load/suggest"
)

type kind int

const (
	end kind = iota
	number
	metric
	function
	operator
)

type token struct {
	kind  kind
	text  string
	value float64
	at    int
}

// words are operators that are spelled out.
var words = map[string]bool{"and": true, "or": true, "not": true}

// later are parts of the expression language that scripts for Artillery may use and we do not run yet.
var later = map[string]bool{"in": true, "of": true}

// operators, longest first, so that "<=" is not read as "<".
var operators = []string{"==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "%", "^", "(", ")", ",", "?", ":"}

// lexer cuts an expression into tokens. A metric's name may hold '-', '/' and
// spaces (endpoints, scenarios), so a known name wins over operators, and the
// longest known name wins over shorter ones.
type lexer struct {
	text  string
	known *series.Catalogue
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
	if name := l.known.Longest(rest); name != "" {
		return token{kind: metric, text: name, at: i}, len(name), nil
	}
	switch c := rest[0]; {
	case c >= '0' && c <= '9' || c == '.':
		return l.number(i)
	case c == '\'':
		return l.quoted(i)
	case c == '"' || c == '~':
		return token{}, 0, fmt.Errorf("column %d: texts and regular expressions (%q) are not supported yet", i+1, string(c))
	case isLetter(c):
		return l.word(i)
	}
	for _, op := range operators {
		if strings.HasPrefix(rest, op) {
			return token{kind: operator, text: op, at: i}, len(op), nil
		}
	}
	return token{}, 0, fmt.Errorf("column %d: unexpected %q", i+1, firstRune(rest))
}

func firstRune(s string) string {
	for _, r := range s {
		return string(r)
	}
	return ""
}

func (l lexer) number(i int) (token, int, error) {
	n := 0
	for i+n < len(l.text) && (l.text[i+n] >= '0' && l.text[i+n] <= '9' || l.text[i+n] == '.') {
		n++
	}
	text := l.text[i : i+n]
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || i+n < len(l.text) && isLetter(l.text[i+n]) {
		return token{}, 0, fmt.Errorf("column %d: %q is not a number", i+1, text)
	}
	return token{kind: number, text: text, value: v, at: i}, n, nil
}

// quoted reads 'a name'.
func (l lexer) quoted(i int) (token, int, error) {
	n := strings.IndexByte(l.text[i+1:], '\'')
	if n < 0 {
		return token{}, 0, fmt.Errorf("column %d: the name has no closing '", i+1)
	}
	name := l.text[i+1 : i+1+n]
	if _, ok := l.known.Kind(name); !ok {
		return token{}, 0, l.unknown(name, i)
	}
	return token{kind: metric, text: name, at: i}, n + 2, nil
}

func (l lexer) word(i int) (token, int, error) {
	n := 1
	for i+n < len(l.text) && (isLetter(l.text[i+n]) || l.text[i+n] == '.' || l.text[i+n] >= '0' && l.text[i+n] <= '9') {
		n++
	}
	word := l.text[i : i+n]
	switch {
	case words[word]:
		return token{kind: operator, text: word, at: i}, n, nil
	case later[word]:
		return token{}, 0, fmt.Errorf("column %d: %q: not supported yet", i+1, word)
	case functions[word] != nil:
		return token{kind: function, text: word, at: i}, n, nil
	}
	return token{}, 0, l.unknown(word, i)
}

func (l lexer) unknown(name string, at int) error {
	return fmt.Errorf("column %d: unknown metric %q%s", at+1, name, suggest.Hint(name, l.known.Names()))
}

func isLetter(c byte) bool {
	return c == '_' || c == '$' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
