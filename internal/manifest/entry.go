package manifest

import (
	"regexp"
	"strings"
)

// entry is a line of YAML that begins something: a key, a list item or both, with the lines after it
// that only go on with its value. Columns count from 1.
type entry struct {
	line, end int // the first line and the one after the last, from 0

	dashes  []int  // columns of the dashes
	column  int    // of what follows the dashes; 0 when nothing does
	key     string // "" when a list item is a plain value
	value   string // on the same line, without comment
	text    bool   // the value is a block scalar
	ragged  []int  // lines of that text that stand left of its first
	suspect int    // first line of that text that looks like a key; 0 for none

	continues bool // a dash that YAML takes for more of the plain text before it
}

// first is the column the entry begins at.
func (e *entry) first() int {
	if len(e.dashes) > 0 {
		return e.dashes[0]
	}
	return e.column
}

// name is how messages call the entry.
func (e *entry) name() string {
	switch {
	case len(e.dashes) > 0 && e.key != "":
		return "`- " + e.key + "`"
	case e.key != "":
		return "`" + e.key + "`"
	}
	return "the dash"
}

// indentOf is the number of spaces before a line's text.
func indentOf(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

// silent tells that a line says nothing: it is empty, a comment, or a mark between documents.
func silent(line string) bool {
	trimmed := strings.TrimLeft(line, " ")
	return trimmed == "" || trimmed[0] == '#' || strings.HasPrefix(line, "---") || strings.HasPrefix(line, "...") || strings.HasPrefix(line, "%")
}

// plainKey is what a key looks like that people write in manifests.
var plainKey = regexp.MustCompile(`^(- +)*("[^"]+"|'[^']+'|[A-Za-z_$][\w./$-]*) *:( |$)|^- |^-$`)

// readEntries follows the lines of one document. until cuts block scalars short before the lines that
// are keys in it: pass nil to believe in every text.
func readEntries(lines []string, cut map[int]bool) []entry {
	var entries []entry
	for i := 0; i < len(lines); i++ {
		line := strings.TrimRight(lines[i], " \t\r")
		if silent(line) {
			continue
		}
		e := readEntry(i, line)
		if e.key == "" && len(e.dashes) == 0 && len(entries) > 0 {
			last := &entries[len(entries)-1]
			if last.value == "" {
				last.value = e.value
			}
			last.end = continued(lines, i, e.value)
			i = last.end - 1
			continue
		}
		if e.text = e.value != "" && (e.value[0] == '|' || e.value[0] == '>'); e.text {
			e.readText(lines, cut)
		} else {
			e.end = continued(lines, i, e.value)
		}
		if n := len(entries); n > 0 {
			e.continues = e.follows(&entries[n-1])
		}
		entries = append(entries, e)
		i = e.end - 1
	}
	return entries
}

// follows tells that a dash stands where a plain value on the line before goes on.
func (e *entry) follows(above *entry) bool {
	if len(e.dashes) == 0 || above.value == "" || above.text || strings.ContainsAny(above.value[:1], `"'{[*`) {
		return false
	}
	column := above.column
	if above.key == "" && len(above.dashes) > 0 {
		column = above.dashes[len(above.dashes)-1]
	}
	return e.first() > column
}

// maxDashes bounds the list items that one line can open.
const maxDashes = 16

func readEntry(i int, line string) entry {
	e := entry{line: i, end: i + 1}
	rest := strings.TrimLeft(line, " ")
	column := len(line) - len(rest) + 1
	for (rest == "-" || strings.HasPrefix(rest, "- ")) && len(e.dashes) < maxDashes {
		e.dashes = append(e.dashes, column)
		after := strings.TrimLeft(rest[1:], " ")
		column += len(rest) - len(after)
		rest = after
	}
	if rest == "" || rest[0] == '#' {
		return e
	}
	e.column = column
	key, value, ok := cutKey(rest)
	if !ok {
		key, value = "", rest
	}
	e.key = key
	e.value = strings.TrimSpace(uncommented(value))
	if strings.HasPrefix(e.value, "&") || strings.HasPrefix(e.value, "!") { // an anchor or a tag is no value
		_, e.value, _ = strings.Cut(e.value, " ")
		e.value = strings.TrimSpace(e.value)
	}
	if e.key == "" && e.value == "" && len(e.dashes) > 0 {
		e.column = 0
	}
	return e
}

// readText finds the lines of a block scalar: those that are indented like its first one or deeper.
func (e *entry) readText(lines []string, cut map[int]bool) {
	first := 0
	e.end = e.line + 1
	for i := e.line + 1; i < len(lines); i++ {
		line := strings.TrimRight(lines[i], " \t\r")
		if line == "" {
			continue // counted when a line of the text follows
		}
		column := indentOf(line) + 1
		if cut[i] || e.endsText(line, first) {
			return
		}
		switch {
		case first == 0:
			first = column
		case column < first:
			e.ragged = append(e.ragged, i)
		case e.suspect == 0 && plainKey.MatchString(line[column-1:]):
			e.suspect = i
		}
		e.end = i + 1
	}
}

// endsText tells that a line is no more of a text whose first line stands in column first, 0 before it.
func (e *entry) endsText(line string, first int) bool {
	column := indentOf(line) + 1
	looks := plainKey.MatchString(line[column-1:])
	switch {
	case strings.HasPrefix(line, "---"):
		return true
	case first == 0:
		return looks && column <= e.column
	}
	return column < first && (looks || line[column-1] == '#')
}

// maxContinued bounds the lines of one value in brackets or quotes: beyond it something is not closed.
const maxContinued = 200

// continued is the line after the last one of a value that begins on line i: brackets and quotes stay
// open over the end of a line.
func continued(lines []string, i int, value string) int {
	var s scanner
	s.scan(value)
	if !s.open() {
		return i + 1
	}
	for j := i + 1; j < len(lines) && j <= i+maxContinued; j++ {
		s.scan(strings.TrimSpace(lines[j]))
		if !s.open() {
			return j + 1
		}
	}
	return i + 1
}

// scanner follows brackets and quotes that stay open at the end of a line.
type scanner struct {
	depth int
	quote byte
}

// opened is what is open.
func (s *scanner) opened() string {
	if s.quote != 0 {
		return "quote"
	}
	return "bracket"
}

func (s *scanner) open() bool { return s.depth > 0 || s.quote != 0 }

func (s *scanner) scan(text string) {
	if !s.open() && (text == "" || !strings.ContainsAny(text[:1], `{["'`)) {
		return
	}
	for i := 0; i < len(text); i++ {
		switch {
		case s.quote != 0:
			i += s.quoted(text, i)
		case comment(text, i):
			return
		default:
			s.unquoted(text, i)
		}
		if !s.open() {
			return
		}
	}
}

// unquoted takes a character outside quotes.
func (s *scanner) unquoted(text string, i int) {
	switch text[i] {
	case '"', '\'':
		if i == 0 || strings.IndexByte("{[,: ", text[i-1]) >= 0 {
			s.quote = text[i]
		}
	case '{', '[':
		s.depth++
	case '}', ']':
		s.depth = max(s.depth-1, 0)
	}
}

// quoted takes a character inside quotes and says how many to pass over after it.
func (s *scanner) quoted(text string, i int) int {
	switch {
	case s.quote == '"' && text[i] == '\\':
		return 1
	case s.quote == '\'' && text[i] == '\'' && i+1 < len(text) && text[i+1] == '\'':
		return 1
	case text[i] == s.quote:
		s.quote = 0
	}
	return 0
}
