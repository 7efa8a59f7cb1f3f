package extract

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/ohler55/ojg/jp"
)

// maxVisits bounds what a path with several ".." may look at.
const maxVisits = 2_000_000

// jsonPath is a compiled JSON path. Scripts write them in a dialect that is
// wider than the library's; what it has more is rewritten or refused.
type jsonPath struct {
	path jp.Expr
	// length asks for the length of what the path finds.
	length   bool
	descents int
}

var fromTheEnd = regexp.MustCompile(`^\(\s*@\.length\s*-\s*(\d+)\s*\)`)

func compilePath(source string) (*jsonPath, error) {
	text := strings.TrimSpace(source)
	if text == "" {
		return nil, errors.New("the JSON path is empty")
	}
	out := &jsonPath{}
	if rest, ok := strings.CutSuffix(text, ".length"); ok && rest != "" && !strings.HasSuffix(rest, ".") {
		out.length, text = true, rest
	}
	text, err := rewritePath(text)
	if err != nil {
		return nil, err
	}
	out.descents = strings.Count(text, "..")
	err = guard(func() (err error) {
		out.path, err = jp.ParseString(text)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the JSON path: %w", err)
	}
	return out, nil
}

// rewritePath writes $.user-id, $.items.0, === and (@.length-1) as the library reads them.
func rewritePath(s string) (string, error) {
	var b strings.Builder
	inside := 0
	for i := 0; i < len(s); {
		switch s[i] {
		case '^', '`':
			return "", fmt.Errorf("%c in a JSON path: not supported", s[i])
		case '~':
			if inside == 0 {
				return "", errors.New("~ in a JSON path: not supported")
			}
		case '[':
			inside++
		case ']':
			inside--
		}
		text, n, err := rewriteAt(s, i, inside > 0)
		if err != nil {
			return "", err
		}
		b.WriteString(text)
		i += n
	}
	return b.String(), nil
}

// rewriteAt rewrites what begins at i, and says how long it was.
func rewriteAt(s string, i int, inside bool) (text string, n int, err error) {
	rest := s[i:]
	switch c := s[i]; {
	case c == '\'' || c == '"':
		end := strings.IndexByte(rest[1:], c)
		if end < 0 {
			return "", 0, fmt.Errorf("the JSON path has a %c without its end", c)
		}
		return rest[:end+2], end + 2, nil
	case c == '[':
		if m := fromTheEnd.FindStringSubmatch(rest[1:]); m != nil {
			return "[-" + m[1], 1 + len(m[0]), nil
		}
	case strings.HasPrefix(rest, "===") || strings.HasPrefix(rest, "!=="):
		return rest[:2], 3, nil
	case c == '.':
		if name := nameIn(rest[1:], inside); name != "" {
			return bracketed(name, i > 0 && s[i-1] == '.'), 1 + len(name), nil
		}
	}
	return rest[:1], 1, nil
}

// nameIn returns the name that text begins with if the library needs brackets
// for it: one with a dash, or a number. In a filter a dash may be a minus.
func nameIn(text string, filter bool) string {
	n := 0
	for n < len(text) && (isWord(text[n]) || text[n] == '-') {
		n++
	}
	name := text[:n]
	dashed, number := strings.Contains(name, "-"), name != "" && strings.Trim(name, "0123456789") == ""
	if filter && (number || strings.HasSuffix(name, "-") || strings.HasPrefix(text[n:], " ")) {
		return ""
	}
	if dashed || number {
		return name
	}
	return ""
}

func bracketed(name string, descent bool) string {
	dot := ""
	if descent {
		dot = "." // the second of two: the first is written already
	}
	if strings.Trim(name, "0123456789") == "" {
		return dot + "[" + name + ",'" + name + "']"
	}
	return dot + "['" + name + "']"
}

func isWord(c byte) bool {
	return c == '_' || c == '$' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// hits returns all values the path leads to.
func (p *jsonPath) hits(doc any) (out []any, err error) {
	switch doc.(type) {
	case map[string]any, []any:
	default:
		return nil, errors.New("the body's JSON is neither an object nor a list")
	}
	if p.descents > 1 {
		nodes, depth := measure(doc)
		for range p.descents - 1 {
			if nodes *= depth; nodes > maxVisits {
				return nil, errors.New("the answer is too deep for a path with several \"..\"")
			}
		}
	}
	err = guard(func() error {
		out = p.path.Get(doc)
		if len(out) > 1 && len(out) <= maxOrdered {
			out = p.ordered(doc, out)
		}
		return nil
	})
	if err != nil || !p.length {
		return out, err
	}
	var lengths []any
	for _, v := range out {
		if n, ok := lengthOf(v); ok {
			lengths = append(lengths, n)
		}
	}
	return lengths, nil
}

// maxOrdered bounds how many hits are put in order.
const maxOrdered = 1000

// ordered sorts hits by where they are: Go goes through an object in another
// order each time, and the same seed has to draw the same hit.
func (p *jsonPath) ordered(doc any, hits []any) []any {
	places := p.path.Locate(doc, 0)
	if len(places) != len(hits) {
		return hits
	}
	slices.SortStableFunc(places, comparePlaces)
	for i, place := range places {
		hits[i] = place.First(doc)
	}
	return hits
}

func comparePlaces(a, b jp.Expr) int {
	for i := range min(len(a), len(b)) {
		if c := compareFragments(a[i], b[i]); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(a), len(b))
}

// compareFragments orders names by their text and elements by their number.
func compareFragments(a, b jp.Frag) int {
	if nameA, ok := a.(jp.Child); ok {
		if nameB, ok := b.(jp.Child); ok {
			return cmp.Compare(nameA, nameB)
		}
	}
	if nthA, ok := a.(jp.Nth); ok {
		if nthB, ok := b.(jp.Nth); ok {
			return cmp.Compare(nthA, nthB)
		}
	}
	return 0
}

// lengthOf is what JavaScript's .length gives.
func lengthOf(v any) (any, bool) {
	switch v := v.(type) {
	case []any:
		return float64(len(v)), true
	case string:
		return float64(len(utf16.Encode([]rune(v)))), true
	case map[string]any:
		n, ok := v["length"]
		return n, ok
	}
	return nil, false
}

// measure counts a value's nodes and levels.
func measure(v any) (nodes, depth int) {
	nodes, depth = 1, 1
	add := func(item any) {
		n, d := measure(item)
		nodes += n
		depth = max(depth, d+1)
	}
	switch v := v.(type) {
	case map[string]any:
		for _, item := range v {
			add(item)
		}
	case []any:
		for _, item := range v {
			add(item)
		}
	}
	return nodes, depth
}
