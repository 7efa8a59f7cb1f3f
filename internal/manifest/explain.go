package manifest

import (
	"fmt"
	"slices"
	"strings"

	yamlv3 "go.yaml.in/yaml/v3"
)

// explain turns a parser's error into places and sentences. Most YAML that does not parse is
// indented wrongly, and the parser then complains far from the cause, so the text is read once more
// for the lines that fit no block.
func explain(file string, p part, err error) []Problem {
	line, message := errorLine(err)
	lines := strings.Split(string(p.text), "\n")
	if found := allMisindented(lines, p.skip); len(found) > 0 {
		for i := range found {
			found[i].File = file
		}
		return found
	}
	line = min(max(line, 1), len(lines))
	text := lines[line-1]
	column := len(text) - len(strings.TrimLeft(text, " \t")) + 1
	return []Problem{{File: file, Line: line + p.skip, Column: column, Message: "YAML does not parse here: " + message}}
}

// maxMoves bounds how many lines of one document are put right in turn.
const maxMoves = 50

// allMisindented finds a line that fits no block, moves it to where it should stand, and looks for the
// next one, until the text parses or nobody can know where a line belongs.
func allMisindented(lines []string, skip int) []Problem {
	var found []Problem
	lines = slices.Clone(lines)
	for range maxMoves {
		problem := misindented(lines, skip)
		if problem == nil {
			break
		}
		if n := len(found); n > 0 && problem.follows(found[n-1], lines, skip) {
			*problem = problem.like(found[n-1])
		}
		found = append(found, *problem)
		if problem.want == 0 {
			break
		}
		i := problem.Line - skip - 1
		moved := strings.Repeat(" ", problem.want-1) + strings.TrimLeft(lines[i], " ")
		if moved == lines[i] {
			break
		}
		lines[i] = moved
		if yamlv3.Unmarshal([]byte(strings.Join(lines, "\n")), new(yamlv3.Node)) == nil {
			break
		}
	}
	return found
}

// follows tells that a line was shifted together with an earlier one: it stood in the same column, and
// nothing between them ends the block they belong to.
func (p Problem) follows(earlier Problem, lines []string, skip int) bool {
	if earlier.want == 0 || p.Column != earlier.Column || p.Line <= earlier.Line {
		return false
	}
	for _, line := range lines[earlier.Line-skip : p.Line-skip-1] {
		trimmed := strings.TrimLeft(line, " ")
		if trimmed != "" && trimmed[0] != '#' && len(line)-len(trimmed)+1 < earlier.want {
			return false
		}
	}
	return true
}

// like is the problem with the remedy of an earlier one.
func (p Problem) like(earlier Problem) Problem {
	p.want = earlier.want
	name, _, _ := strings.Cut(p.Message, " ")
	p.Message = fmt.Sprintf("%s is indented like line %d, and wrong like it", name, earlier.Line)
	p.Fix = moveTo(p.want)
	return p
}

func moveTo(column int) string {
	return fmt.Sprintf("move it to column %d (%s before it)", column, spaces(column-1))
}

// block is an open mapping key or an open list item of the lines read so far. Columns count from 1.
type block struct {
	column int
	line   int
	key    string // "" for a list item's dash
	filled bool   // the key has a value on its own line
	inner  int    // the column of what it holds, 0 while it holds nothing
}

func (b block) dash() bool { return b.key == "" }

// outline follows the indentation of YAML lines.
type outline struct {
	open  []block
	line  int
	depth int // brackets open in a flow collection
	quote bool
	text  int // column that ends a block scalar; 0 outside one
	first int // column of the block scalar's first line; 0 before it
}

// misindented finds the first line that fits no open block. It looks at all of them: the parser often
// names the line where the block began, and sometimes one behind it. skip is the number of lines of
// the file before these.
func misindented(lines []string, skip int) *Problem {
	o := outline{}
	for i, line := range lines {
		o.line = skip + i + 1
		if problem := o.read(strings.TrimRight(line, " \r")); problem != nil {
			problem.Line = o.line
			return problem
		}
	}
	return nil
}

func (o *outline) read(line string) *Problem {
	trimmed := strings.TrimLeft(line, " ")
	column := len(line) - len(trimmed) + 1
	if trimmed == "" {
		return nil
	}
	if inside, problem := o.inside(trimmed, column); inside {
		return problem
	}
	if trimmed[0] == '\t' {
		return &Problem{Column: column, Message: "a tab; YAML is indented with spaces only", Fix: "replace the tab by spaces"}
	}
	if trimmed[0] == '#' || strings.HasPrefix(line, "---") || strings.HasPrefix(line, "...") {
		return nil
	}
	for trimmed == "-" || strings.HasPrefix(trimmed, "- ") {
		if problem := o.enter(block{column: column, line: o.line}); problem != nil {
			return problem
		}
		rest := strings.TrimLeft(trimmed[1:], " ")
		column += len(trimmed) - len(rest)
		if trimmed = rest; trimmed == "" || trimmed[0] == '#' {
			return nil
		}
	}
	return o.content(trimmed, column)
}

// inside tells whether the line continues a block scalar, a quoted text or a flow collection.
func (o *outline) inside(trimmed string, column int) (bool, *Problem) {
	if o.text > 0 && column > o.text {
		if o.first == 0 {
			o.first = column
		}
		if column < o.first && trimmed[0] != '#' {
			return true, &Problem{Column: column,
				Message: fmt.Sprintf("this line belongs to the text of %s (line %d) and is indented less than its first line", o.top().key, o.top().line),
				Fix:     fmt.Sprintf("move it to column %d or further (%s before it)", o.first, spaces(o.first-1)), want: o.first}
		}
		return true, nil
	}
	o.text, o.first = 0, 0
	if o.depth > 0 || o.quote {
		o.scan(trimmed)
		return true, nil
	}
	return false, nil
}

func (o *outline) content(trimmed string, column int) *Problem {
	key, value, ok := cutKey(trimmed)
	if !ok {
		o.scan(trimmed)
		return nil // a scalar item, or a text that goes on
	}
	value = strings.TrimSpace(uncommented(value))
	if strings.HasPrefix(value, "&") && !strings.Contains(value, " ") {
		value = ""
	}
	if problem := o.enter(block{column: column, line: o.line, key: key, filled: value != ""}); problem != nil {
		return problem
	}
	if value != "" && (value[0] == '|' || value[0] == '>') {
		o.text = o.scalarParent()
		return nil
	}
	o.scan(value)
	return nil
}

// scalarParent is the column whose block a block scalar is indented against.
func (o *outline) scalarParent() int { return o.open[len(o.open)-1].column }

// enter puts a block into the outline or says why it fits nowhere.
func (o *outline) enter(b block) *Problem {
	var closed *block
	for len(o.open) > 0 && o.top().column > b.column {
		closed = o.top()
		o.open = o.open[:len(o.open)-1]
	}
	if len(o.open) == 0 {
		if closed != nil {
			return b.wrong("is indented less than the first line of the document", closed.column)
		}
		o.open = append(o.open, b)
		return nil
	}
	if o.top().column == b.column {
		return o.beside(b)
	}
	return o.below(b)
}

func (o *outline) top() *block { return &o.open[len(o.open)-1] }

// beside replaces a block by its neighbour in the same column.
func (o *outline) beside(b block) *Problem {
	top := o.top()
	switch {
	case top.dash() == b.dash():
		*top = b
	case b.dash() && !top.filled && top.inner != 0 && top.inner != b.column:
		return b.wrong(fmt.Sprintf("is not aligned with the other items of %s (line %d), which stand at column %d", top.key, top.line, top.inner), top.inner)
	case b.dash() && !top.filled:
		top.inner = b.column
		o.open = append(o.open, b) // a list in the column of its key
	case b.dash():
		return b.wrong(fmt.Sprintf("begins a list item beside %s (line %d), which has a value already", top.key, top.line), 0)
	case len(o.open) > 1 && o.open[len(o.open)-2].column == b.column:
		o.open = o.open[:len(o.open)-1]
		*o.top() = b
	default:
		return b.wrong(fmt.Sprintf("stands below the dash of line %d, not beside that item's first field", top.line), top.inner)
	}
	return nil
}

// below puts a block inside the one that is open.
func (o *outline) below(b block) *Problem {
	top := o.top()
	switch {
	case top.filled:
		return b.wrong(fmt.Sprintf("is indented deeper than %s (line %d), which has a value already and so can hold nothing", top.key, top.line), top.column)
	case top.inner != 0 && top.inner != b.column:
		return b.wrong(fmt.Sprintf("is not aligned with the other fields of its block, which stand at column %d", top.inner), top.inner)
	}
	top.inner = b.column
	o.open = append(o.open, b)
	return nil
}

// wrong makes the problem; want is the column it should stand at, 0 when nobody can know.
func (b block) wrong(message string, want int) *Problem {
	name := b.key
	if b.dash() {
		name = "the dash"
	}
	fix := ""
	if want > 0 {
		fix = moveTo(want)
	}
	return &Problem{Column: b.column, Message: name + " " + message, Fix: fix, want: want}
}

// cutKey splits `key: value`; a colon inside quotes or a flow collection is no key's.
func cutKey(text string) (key, value string, ok bool) {
	start := 0
	switch text[0] {
	case '{', '[':
		return "", "", false
	case '"', '\'':
		end := strings.IndexByte(text[1:], text[0])
		if end < 0 {
			return "", "", false
		}
		start = end + 2
	}
	for i := max(start, 1); i < len(text); i++ {
		if comment(text, i) {
			return "", "", false
		}
		if text[i] == ':' && (i+1 == len(text) || strings.ContainsAny(text[i+1:i+2], " \t")) {
			return strings.Trim(text[:i], `"'`), text[i+1:], true
		}
	}
	return "", "", false
}

// uncommented is a value without the comment behind it.
func uncommented(value string) string {
	if trimmed := strings.TrimLeft(value, " \t"); trimmed == "" || trimmed[0] == '"' || trimmed[0] == '\'' {
		return value
	}
	if i := strings.Index(value, " #"); i >= 0 {
		return value[:i]
	}
	return value
}

// comment tells whether a comment begins at i.
func comment(text string, i int) bool { return text[i] == '#' && i > 0 && text[i-1] == ' ' }

// scan follows brackets and double quotes that stay open at the end of a line.
func (o *outline) scan(text string) {
	if o.depth == 0 && !o.quote && (text == "" || !strings.ContainsAny(text[:1], `{["`)) {
		return
	}
	for i := 0; i < len(text); i++ {
		if o.quote {
			i += o.quoted(text[i])
			continue
		}
		if comment(text, i) {
			return
		}
		switch text[i] {
		case '"':
			o.quote = true
		case '{', '[':
			o.depth++
		case '}', ']':
			o.depth = max(o.depth-1, 0)
		}
	}
}

// quoted takes a character inside double quotes and says how many to pass over after it.
func (o *outline) quoted(c byte) int {
	switch c {
	case '\\':
		return 1
	case '"':
		o.quote = false
	}
	return 0
}

func spaces(n int) string {
	if n == 1 {
		return "1 space"
	}
	return fmt.Sprintf("%d spaces", n)
}
