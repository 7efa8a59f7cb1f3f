package manifest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// maxSuspects bounds the texts of a document that are searched for fields.
const maxSuspects = 8

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
	first, err := r.attempt(r.part)
	if err == nil && !first.crooked() {
		return first.documents, append(first.problems, r.swallowed(r.part)...)
	}
	if err != nil {
		if problems, ok := r.template(); ok {
			return nil, problems
		}
	}
	plain, tabs := r.part.withoutTabs()
	if better, ok := r.repaired(plain, tabs, first, err == nil); ok {
		return better.documents, better.problems
	}
	if err == nil {
		return first.documents, first.problems
	}
	return r.leaveOut(plain, tabs)
}

// instruction is what Helm writes into its templates.
var instruction = regexp.MustCompile(`^\s*(- )?\{\{-? *(if|else|end|range|with|include|define|template|toYaml|/\*|\$)`)

// template tells about a text that becomes YAML only when it is rendered. Those of others are passed over.
func (r *reading) template() ([]Problem, bool) {
	i := slices.IndexFunc(r.part.lines, instruction.MatchString)
	if i < 0 {
		return nil, false
	}
	if !strings.Contains(string(r.part.text()), group) {
		return nil, true
	}
	problem := r.part.problem(RuleSyntax, i, indentOf(r.part.lines[i])+1, "this is a template, not YAML")
	problem.Fix = "render it first, for example: helm template . | sluice lint -"
	return []Problem{problem}, true
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
	second.problems = slices.Concat(tabs, moves, second.problems, r.swallowed(moved))
	return second, true
}

// misread says what a line in the wrong column was taken for.
func (o outcome) misread(line int) string {
	for _, p := range o.problems {
		if p.Line == line && p.Rule == RuleUnknown {
			return fmt.Sprintf(", and it is read as %s, which does not exist", p.Path)
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
		found := candidates(entries)
		if len(found) == 0 {
			return nil, false
		}
		return found[0].shape, true
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

// leaveOut reads the text without the lines that are no YAML, one after the other.
func (r *reading) leaveOut(p *part, tabs []Problem) ([]Document, []Problem) {
	problems := tabs
	rest := *p
	rest.lines = slices.Clone(p.lines)
	for range maxLeftOut {
		second, err := r.attempt(&rest)
		if err == nil {
			return second.documents, append(problems, second.problems...)
		}
		line, message := culprit(&rest, err)
		if strings.TrimSpace(rest.lines[line]) == "" {
			break // the parser complains about something else
		}
		problems = append(problems, p.problem(RuleSyntax, line, indentOf(p.lines[line])+1, "YAML does not parse here: "+message))
		rest.leaveOut(line, line+1)
	}
	return nil, problems[:min(len(tabs)+1, len(problems))]
}

// culprit is the line that keeps a text from being YAML: one that opens a bracket or a quote and leaves
// it open while keys follow, else the one that the parser names.
func culprit(p *part, err error) (line int, message string) {
	for i, text := range p.lines {
		text = strings.TrimRight(text, " \t\r")
		if silent(text) {
			continue
		}
		e := readEntry(i, text)
		var s scanner
		if s.scan(e.value); !s.open() || i+1 == len(p.lines) {
			continue
		}
		end := continued(p.lines, i, e.value)
		if end == i+1 || slices.ContainsFunc(p.lines[i+1:end], isKey) {
			return i, fmt.Sprintf("the %s that opens here is not closed", s.opened())
		}
	}
	number, message := errorLine(err)
	if strings.Contains(message, "invalid map key") {
		if i := slices.IndexFunc(p.lines, bareBraces.MatchString); i >= 0 {
			return i, "double braces without quotes are a mapping: write them as \"{{…}}\""
		}
	}
	return min(max(number, 1), len(p.lines)) - 1, message
}

// bareBraces is a placeholder that YAML takes for a mapping.
var bareBraces = regexp.MustCompile(`(:|-) +\{\{`)

// isKey tells that a line begins a field in block style, as no line inside brackets does.
func isKey(line string) bool {
	text := strings.TrimRight(strings.TrimLeft(line, " "), " \r")
	return text != "" && plainKey.MatchString(text) && !strings.HasSuffix(text, ",")
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
func (r *reading) swallowed(p *part) (problems []Problem) {
	entries := readEntries(p.lines, nil)
	root, ok := r.shape(entries)
	if !ok || root == open || len(entries) > maxEntries {
		return nil
	}
	suspects := 0
	for i := range entries {
		if entries[i].suspect == 0 || suspects == maxSuspects {
			continue
		}
		suspects++
		if problem, ok := endsEarlier(p, entries, i, root); ok {
			problems = append(problems, problem)
		}
	}
	if slices.ContainsFunc(entries[min(len(entries), 1):], func(e entry) bool { return e.continues }) {
		problems = append(problems, items(p, entries, root)...)
	}
	return problems
}

// items tells about the dashes that only go on with the text of the item above them.
func items(p *part, entries []entry, root *shape) (problems []Problem) {
	if len(entries) > maxEntries {
		return nil
	}
	solution := explainBy(entries, root)
	t := teller{p, entries, solution.outs}
	for _, m := range solution.moves {
		if e := &entries[m.entry]; e.continues {
			problem := p.problem(RuleSwallowed, e.line, e.first(), fmt.Sprintf(
				"the dash begins no item: it is part of the text of line %d, because it is indented deeper", t.number(m.entry-1)))
			problem.Fix = t.to(m)
			problems = append(problems, problem)
		}
	}
	return problems
}

// endsEarlier tells whether a text makes sense without its last lines, and the document with them.
func endsEarlier(p *part, entries []entry, i int, root *shape) (Problem, bool) {
	e := &entries[i]
	cut := readEntries(p.lines, map[int]bool{e.suspect: true})
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
	t := teller{p, cut, after.outs}
	problem := p.problem(RuleSwallowed, e.suspect, cut[at].first(), fmt.Sprintf(
		"%s looks like a field, and is part of the text of `%s` (line %d)", cut[at].name(), e.key, t.number(i)))
	problem.Fix = t.to(after.moves[found])
	return problem, true
}
