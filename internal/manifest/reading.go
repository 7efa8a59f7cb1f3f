package manifest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// maxLeftOut bounds the lines of a document that are left out because they are no YAML.
const maxLeftOut = 20

// reading is one document on its way from text to object.
type reading struct {
	part     *part
	excerpts bool
}

// outcome is what one way of reading the text came to.
type outcome struct {
	documents []Document
	problems  []Problem
}

func (r *reading) read() ([]Document, []Problem) {
	plain, tabs := r.part.withoutTabs()
	if tabs == nil {
		plain = r.part
	}
	first, err := r.attempt(r.part)
	if err == nil && !first.crooked() {
		return first.documents, append(first.problems, r.swallowed()...)
	}
	if better, ok := r.repaired(plain, tabs, first, err == nil); ok {
		return better.documents, better.problems
	}
	if err == nil {
		return first.documents, first.problems
	}
	return r.leaveOut(plain, tabs)
}

// attempt parses and checks a text.
func (r *reading) attempt(p *part) (outcome, error) {
	value, root, err := parse(p)
	if err != nil || value == nil {
		return outcome{}, err
	}
	if r.excerpts && isExcerpt(value) {
		documents, problems := readExcerpt(p, value, root)
		return outcome{documents, problems}, nil
	}
	documents, problems := readValue(p, value, root)
	return outcome{documents, problems}, nil
}

// structural are the rules that a line in the wrong column breaks.
var structural = []Rule{RuleUnknown, RuleType, RuleDuplicate, RuleNotObject}

func (o outcome) crooked() bool { return o.count() > 0 }

func (o outcome) count() int {
	n := 0
	for _, p := range o.problems {
		if slices.Contains(structural, p.Rule) {
			n++
		}
	}
	return n
}

// repaired reads the text with its lines in the columns they belong in. When the text parsed as it is,
// that must explain some of what was wrong with it.
func (r *reading) repaired(p *part, tabs []Problem, first outcome, parsed bool) (outcome, bool) {
	entries := readEntries(p.lines, nil)
	root, ok := r.shape(entries)
	if !ok {
		return outcome{}, true // nothing that anybody knows
	}
	moved, moves := p.repair(entries, root)
	if moved == nil {
		if len(tabs) == 0 {
			return outcome{}, false
		}
		moved = p
	}
	second, err := r.attempt(moved)
	if err != nil && parsed || parsed && second.count() >= first.count() {
		return outcome{}, false
	}
	if err != nil {
		left := reading{part: moved, excerpts: r.excerpts}
		second.documents, second.problems = left.leaveOut(moved, nil)
	}
	moves = locate(moves, second)
	for i := range moves {
		moves[i].Message += first.misread(moves[i].Line)
	}
	second.problems = slices.Concat(tabs, moves, second.problems)
	return second, true
}

// misread says what a line in the wrong column was taken for.
func (o outcome) misread(line int) string {
	for _, p := range o.problems {
		if p.Line == line && p.Rule == RuleUnknown {
			return fmt.Sprintf(", so it is read as %s, which does not exist", p.Path)
		}
	}
	return ""
}

// shape is what the document should look like; false when it is no object and no part of one.
func (r *reading) shape(entries []entry) (*shape, bool) {
	if len(entries) == 0 {
		return open, !r.excerpts
	}
	version, kind := valueOf(entries, "apiVersion"), valueOf(entries, "kind")
	if r.excerpts && version == "" && kind == "" {
		found, ok := bestExcerpt(entries)
		if !ok {
			return nil, false
		}
		return found.shape, true
	}
	if known, ok := shapes().kinds[version+" "+kind]; ok {
		return known, true
	}
	return open, true
}

// valueOf is what stands behind a key, where it is indented least.
func valueOf(entries []entry, key string) string {
	value, least := "", 0
	for _, e := range entries {
		if e.key == key && e.value != "" && (least == 0 || e.column < least) {
			value, least = strings.Trim(e.value, `"'`), e.column
		}
	}
	return value
}

// template is what Helm writes its instructions with.
var template = regexp.MustCompile(`^\s*(- )?\{\{-? *(if|else|end|range|with|include|define|template|toYaml|/\*|\$)`)

// leaveOut reads the text without the lines that are no YAML, one after the other.
func (r *reading) leaveOut(p *part, tabs []Problem) ([]Document, []Problem) {
	problems := tabs
	for i, line := range p.lines {
		if template.MatchString(line) {
			problem := p.problem(RuleSyntax, i, indentOf(line)+1, "this is a template, not YAML")
			problem.Fix = "render it first, for example: helm template . | sluice lint -"
			return nil, append(problems, problem)
		}
	}
	rest := *p
	rest.lines = slices.Clone(p.lines)
	for range maxLeftOut {
		second, err := r.attempt(&rest)
		if err == nil {
			return second.documents, append(problems, second.problems...)
		}
		line, message := errorLine(err)
		line = min(max(line, 1), len(rest.lines))
		at := indentOf(rest.lines[line-1])
		problems = append(problems, p.problem(RuleSyntax, line-1, at+1, "YAML does not parse here: "+message))
		if strings.TrimSpace(rest.lines[line-1]) == "" {
			break // blank already: the parser complains about something else
		}
		rest.leaveOut(line-1, line)
	}
	return nil, problems[:len(tabs)+1]
}

// locate gives the moves the paths that their lines have in what was read.
func locate(moves []Problem, o outcome) []Problem {
	paths := map[int]string{}
	for _, d := range o.documents {
		d.eachLine(func(line int, path string) {
			if _, ok := paths[line]; !ok {
				paths[line] = path
			}
		})
	}
	for i := range moves {
		moves[i].Path = paths[moves[i].Line]
	}
	return moves
}

// swallowed finds lines that have become part of the text above them, because they are indented deeper:
// a field at the end of a block scalar, which the object around it lacks, and a list item.
func (r *reading) swallowed() (problems []Problem) {
	entries := readEntries(r.part.lines, nil)
	root, ok := r.shape(entries)
	if !ok || root == open {
		return nil
	}
	for i := range entries {
		if entries[i].suspect == 0 {
			continue
		}
		if problem, ok := r.endsEarlier(entries, i, root); ok {
			problems = append(problems, problem)
		}
	}
	if slices.ContainsFunc(entries[min(len(entries), 1):], func(e entry) bool { return e.continues }) {
		problems = append(problems, r.items(entries, root)...)
	}
	return problems
}

// items tells about the dashes that only go on with the text of the item above them.
func (r *reading) items(entries []entry, root *shape) (problems []Problem) {
	if len(entries) > maxEntries {
		return nil
	}
	solution := explainBy(entries, root)
	t := teller{r.part, entries, solution.outs}
	for _, m := range solution.moves {
		if e := &entries[m.entry]; e.continues {
			problem := r.part.problem(RuleSwallowed, e.line, e.first(), fmt.Sprintf(
				"the dash begins no item: it is part of the text of line %d, because it is indented deeper", t.number(m.entry-1)))
			problem.Fix = t.to(m)
			problems = append(problems, problem)
		}
	}
	return problems
}

// endsEarlier tells whether a text makes sense without its last lines, and the document with them.
func (r *reading) endsEarlier(entries []entry, i int, root *shape) (Problem, bool) {
	e := &entries[i]
	cut := readEntries(r.part.lines, map[int]bool{e.suspect: true})
	if len(cut) > maxEntries || len(cut) <= len(entries) {
		return Problem{}, false
	}
	before, after := explainBy(entries, root), explainBy(cut, root)
	if after.wrong > before.wrong || after.cost-before.cost >= 2*costMove {
		return Problem{}, false
	}
	at := slices.IndexFunc(cut, func(e entry) bool { return e.line == entries[i].suspect })
	found := slices.IndexFunc(after.moves, func(m move) bool { return m.entry == at })
	if found < 0 {
		return Problem{}, false
	}
	t := teller{r.part, cut, after.outs}
	problem := r.part.problem(RuleSwallowed, e.suspect, cut[at].first(), fmt.Sprintf(
		"%s looks like a field, and is part of the text of `%s` (line %d)", cut[at].name(), e.key, t.number(i)))
	problem.Fix = t.to(after.moves[found])
	return problem, true
}
