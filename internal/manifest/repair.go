package manifest

import (
	"fmt"
	"strings"
)

// maxRepairs bounds how many lines of one document are put right. A text with more of them is no
// manifest with mistakes but something else.
const maxRepairs = 200

// part is the text of one YAML document of a file. Its lines are those of the file, but for the
// columns they were moved by: shift counts them for each line, to the right if positive.
type part struct {
	file  string
	lines []string
	skip  int // lines of the file before these
	shift []int
	torn  bool // lines were left out
}

func (p *part) text() []byte { return []byte(strings.Join(p.lines, "\n")) }

// shifted is by how many columns a line was moved. The parser knows line breaks that editors do not, so
// that there may be no such line.
func (p *part) shifted(line int) int {
	if line < 0 || line >= len(p.shift) {
		return 0
	}
	return p.shift[line]
}

// problem is something wrong with a line, counted from 0, in the column of the file.
func (p *part) problem(rule Rule, line, column int, message string) Problem {
	return Problem{File: p.file, Line: line + 1 + p.skip, Column: max(column-p.shifted(line), 1), Rule: rule, Message: message}
}

// repair moves the lines that stand in the wrong column, as far as the shape of the document tells. It
// returns the part as it was meant with what was wrong, or nothing when it has nothing to move.
func (p *part) repair(entries []entry, root *shape) (*part, []Problem) {
	if len(entries) == 0 || len(entries) > maxEntries {
		return nil, nil
	}
	solution := explainBy(entries, root)
	var problems []Problem
	for _, e := range entries {
		problems = append(problems, p.ragged(&e)...)
	}
	if len(solution.moves)+len(problems) == 0 || len(solution.moves)+len(problems) > maxRepairs {
		return nil, nil
	}
	t := teller{p, entries, solution.outs}
	for _, m := range solution.moves {
		problems = append(problems, t.tell(m))
	}
	return p.moved(entries, solution.outs), problems
}

// moved is the part with its entries in other columns.
func (p *part) moved(entries []entry, outs []int) *part {
	after := &part{file: p.file, torn: p.torn, skip: p.skip, lines: append([]string(nil), p.lines...), shift: make([]int, len(p.lines))}
	copy(after.shift, p.shift)
	for i, e := range entries {
		if outs[i] == 0 {
			after.leaveOut(e.line, e.end)
			continue
		}
		by := outs[i] - e.first()
		after.move(e.line, by)
		if e.text {
			by = p.besideKey(&e, by)
		}
		for line := e.line + 1; line < e.end; line++ {
			after.move(line, by)
		}
		for _, line := range e.ragged {
			after.move(line, p.textColumn(&e)-indentOf(p.lines[line])-1)
		}
	}
	return after
}

func (p *part) leaveOut(from, to int) {
	for line := from; line < to; line++ {
		p.lines[line] = ""
	}
	p.torn = true
}

// textColumn is where the first line of a block scalar's text stands; 0 when there is none.
func (p *part) textColumn(e *entry) int {
	for line := e.line + 1; line < e.end; line++ {
		if strings.TrimSpace(p.lines[line]) != "" {
			return indentOf(p.lines[line]) + 1
		}
	}
	return 0
}

// besideKey is by how much a text has to be moved so that it still stands right of its key, which is
// moved by keyBy.
func (p *part) besideKey(e *entry, keyBy int) int {
	return max(keyBy, e.column+keyBy+1-p.textColumn(e))
}

// move shifts a line that is not empty; a line cannot begin left of the first column.
func (p *part) move(line, by int) {
	text := strings.TrimLeft(p.lines[line], " ")
	if strings.TrimSpace(text) == "" {
		return
	}
	before := len(p.lines[line]) - len(text)
	by = max(by, -before)
	p.lines[line] = strings.Repeat(" ", before+by) + text
	p.shift[line] += by
}

// ragged tells about the lines of a text that stand left of its first.
func (p *part) ragged(e *entry) (problems []Problem) {
	column := p.textColumn(e)
	for _, line := range e.ragged {
		problem := p.problem(RuleMisindented, line, indentOf(p.lines[line])+1,
			fmt.Sprintf("this line belongs to the text of `%s` (line %d) and is indented less than its first line", e.key, e.line+1+p.skip))
		problem.Fix = fmt.Sprintf("move it to column %d or further (%s before it)", column, spaces(column-1))
		problems = append(problems, problem)
	}
	return problems
}

// withoutTabs replaces tabs that indent, which YAML does not know, by two spaces each.
func (p *part) withoutTabs() (*part, []Problem) {
	var problems []Problem
	after := *p
	for i, line := range p.lines {
		text := strings.TrimLeft(line, " \t")
		before := line[:len(line)-len(text)]
		tabs := strings.Count(before, "\t")
		if tabs == 0 || text == "" || text == "\r" {
			continue
		}
		if problems == nil {
			after.lines, after.shift = append([]string(nil), p.lines...), make([]int, len(p.lines))
			copy(after.shift, p.shift)
		}
		problem := p.problem(RuleTab, i, strings.IndexByte(before, '\t')+1, "a tab; YAML is indented with spaces only")
		problem.Fix = "replace the tab by spaces"
		problems = append(problems, problem)
		after.lines[i] = strings.ReplaceAll(before, "\t", "  ") + text
		after.shift[i] += tabs
	}
	return &after, problems
}

// teller finds the words for moved lines.
type teller struct {
	part    *part
	entries []entry
	outs    []int
}

// number is the line of an entry in the file.
func (t teller) number(i int) int { return t.entries[i].line + 1 + t.part.skip }

func (t teller) tell(m move) Problem {
	e := &t.entries[m.entry]
	var message, fix string
	rule := RuleMisindented
	switch m.cause {
	case sibling:
		message = t.beside(m)
	case child:
		rule = RuleMisplaced
		message = t.under(m)
	case odd:
		message = t.oddly(m)
	case like:
		message = fmt.Sprintf("is indented like line %d, and wrong like it", t.number(m.of))
	case lost:
		message, fix = fmt.Sprintf("belongs to nothing: neither %s (line %d) nor what is around it can hold it", t.entries[m.of].name(), t.number(m.of)), " "
	case besideNow:
		rule = RuleMisplaced
		name := t.entries[m.of].name()
		message = fmt.Sprintf("stands beside %s (line %d) and not under it, which leaves %s empty", name, t.number(m.of), name)
		if t.outs[m.entry] == e.first() {
			fix = fmt.Sprintf("once line %d is moved it is under it", t.number(m.of))
		}
	}
	if fix == "" {
		fix = t.to(m)
	}
	problem := t.part.problem(rule, e.line, e.first(), e.name()+" "+message)
	problem.Fix = strings.TrimSpace(fix)
	if m.cause == like {
		problem.Like = t.number(m.of)
	}
	return problem
}

// to says where a line belongs, and what has to go with it.
func (t teller) to(m move) string {
	e := &t.entries[m.entry]
	column := max(t.outs[m.entry]-t.part.shifted(e.line), 1)
	fix := fmt.Sprintf("write it at column %d (%s before it)", column, spaces(column-1))
	by := t.outs[m.entry] - e.first()
	next := m.entry + 1
	if by == 0 || e.value != "" || next == len(t.entries) || t.outs[next]-t.entries[next].first() != by {
		return fix
	}
	if under := &t.entries[next]; under.first() > e.first() || len(under.dashes) > len(e.dashes) {
		side := "right"
		if by < 0 {
			side = "left"
		}
		fix += ", and the lines under it as far to the " + side
	}
	return fix
}

func columns(n int) string {
	if n == 1 {
		return "1 column"
	}
	return fmt.Sprintf("%d columns", n)
}

// beside explains a line that is not aligned with its neighbours.
func (t teller) beside(m move) string {
	e, of := &t.entries[m.entry], &t.entries[m.of]
	name := "its sibling `" + of.key + "`"
	if len(e.dashes) > 0 {
		name = "the item before it"
	}
	by := e.first() - m.want
	switch {
	case m.ofDash:
		return fmt.Sprintf("stands in the column of the dash of line %d; the fields of that item stand under `%s`", t.number(m.of), of.key)
	case by < 0:
		return fmt.Sprintf("is indented %s less than %s (line %d)", columns(-by), name, t.number(m.of))
	case of.value != "" && len(e.dashes) == 0:
		return fmt.Sprintf("is indented %s deeper than %s (line %d), which has a value and can hold nothing", columns(by), name, t.number(m.of))
	}
	return fmt.Sprintf("is indented %s deeper than %s (line %d)", columns(by), name, t.number(m.of))
}

// under explains a line that should be below the one before it.
func (t teller) under(m move) string {
	if m.of < 0 {
		return t.oddly(m)
	}
	e, of := &t.entries[m.entry], &t.entries[m.of]
	where := "is indented less than"
	if e.first() == of.column || m.ofDash && e.first() == of.first() {
		where = "stands beside"
	}
	return fmt.Sprintf("%s %s (line %d), which holds nothing, and belongs under it", where, of.name(), t.number(m.of))
}

// oddly explains a line whose column only the lines after it prove wrong.
func (t teller) oddly(m move) string {
	e := &t.entries[m.entry]
	if m.of < 0 {
		return "is not aligned with the other fields of the document"
	}
	of := &t.entries[m.of]
	by := e.first() - of.column
	if m.ofDash {
		by = e.first() - of.first()
	}
	return fmt.Sprintf("is indented %s below %s (line %d), and the lines after it do not fit that", columns(by), of.name(), t.number(m.of))
}
