package cli

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"sluice.dev/sluice/internal/manifest"
	"sluice.dev/sluice/internal/view"
)

// short is a line for each finding, as compilers print theirs.
func (r lintReport) short() []string {
	var lines []string
	for _, f := range r.findings {
		object := ""
		if f.Object != "" {
			object = " [" + f.Object + "]"
		}
		place, text, _ := strings.Cut(f.String(), ": ")
		lines = append(lines, fmt.Sprintf("%s: %s: %s%s", place, f.Severity, text, object))
	}
	return append(lines, r.summary())
}

// long shows the findings block by block, each with its line of the file.
func (r lintReport) long(t terminal) []string {
	p := &printer{width: t.width, paint: t.paint}
	if p.width == 0 {
		p.width = 120
	}
	if p.paint == nil {
		p.paint = func(_ view.Tone, text string) string { return text }
	}
	for i, source := range r.sources {
		p.file(source, r.files[i].Blocks, r.of(source))
	}
	if r.count("note") > 0 {
		p.line(p.paint(view.Strong, "Not checked"), "")
	}
	for _, f := range r.findings {
		if f.Severity == "note" {
			p.wrapped("  ", fmt.Sprintf("%s:%d: %s", f.File, f.Line, f.Message))
		}
	}
	if r.count("note") > 0 {
		p.line("")
	}
	return append(p.lines, r.summary())
}

// of are the findings in a file.
func (r lintReport) of(source Source) (found []LintFinding) {
	for _, f := range r.findings {
		if f.File == source.Name && f.Severity != "note" {
			found = append(found, f)
		}
	}
	return found
}

// file prints the findings of a file. Lines that are wrong like an earlier one are told with it.
func (p *printer) file(source Source, blocks []manifest.Block, findings []LintFinding) {
	lines := strings.Split(string(source.Text), "\n")
	var likes []LintFinding
	for _, f := range findings {
		if f.Like > 0 {
			likes = append(likes, f)
		}
	}
	in := -1
	for n, f := range findings {
		if f.Like > 0 {
			continue
		}
		at := blockOf(blocks, f.Line)
		if at != in || n == 0 {
			in = at
			p.heading(source.Name, blocks, at)
		}
		together := []LintFinding{f}
		for _, other := range likes {
			if other.Like == f.Line && other.Rule == manifest.RuleMisindented && len(other.Related) == 0 {
				together = append(together, other)
			}
		}
		p.findings(together, lines, at >= 0 && blocks[at].Secret)
	}
}

// blockOf is the block a line stands in, -1 for none.
func blockOf(blocks []manifest.Block, line int) int {
	for i, b := range blocks {
		if b.First <= line && line <= b.Last {
			return i
		}
	}
	return -1
}

type printer struct {
	lines []string
	width int
	paint func(view.Tone, string) string
}

func (p *printer) line(lines ...string) { p.lines = append(p.lines, lines...) }

func (p *printer) heading(file string, blocks []manifest.Block, at int) {
	text := p.paint(view.Strong, file)
	if at >= 0 {
		b := blocks[at]
		text += p.paint(view.Faint, fmt.Sprintf(", lines %d–%d", b.First, b.Last))
		if b.Title != "" {
			text += ": " + p.paint(view.Strong, b.Title)
		}
	}
	p.line(text, "")
}

// findings prints a finding under its line, with those that are like it.
func (p *printer) findings(all []LintFinding, lines []string, secret bool) {
	f := all[0]
	tone := view.Warning
	if f.Severity == "error" {
		tone = view.Bad
	}
	head := p.paint(tone, f.Severity) + p.paint(view.Faint, "["+string(f.Rule)+"]")
	if f.Path != "" {
		head += " " + f.Path
	}
	p.line("  " + head)
	for _, g := range all {
		if g.Line <= len(lines) {
			p.quote(g, lines[g.Line-1], secret, tone)
		}
	}
	p.wrapped("       ", f.Message)
	if f.Fix != "" {
		p.wrapped("     → ", f.Fix)
	}
	if len(all) > 1 {
		p.wrapped("     → ", alsoLines(all[1:]))
	}
	p.line("")
}

func alsoLines(all []LintFinding) string {
	var numbers []string
	for _, f := range all {
		numbers = append(numbers, fmt.Sprint(f.Line))
	}
	if len(numbers) == 1 {
		return "line " + numbers[0] + " likewise"
	}
	return "lines " + strings.Join(numbers[:len(numbers)-1], ", ") + " and " + numbers[len(numbers)-1] + " likewise"
}

// quote prints a line of the file with a mark under the column. What a Secret holds is not printed.
func (p *printer) quote(f LintFinding, line string, secret bool, tone view.Tone) {
	line = strings.ReplaceAll(strings.TrimRight(line, "\r"), "\t", " ")
	if secret {
		line = keyOnly(line)
	}
	column := min(max(f.Column, 1), utf8.RuneCountInString(line)+1)
	runes := []rune(line)
	if room := p.width - 9; room > 20 && len(runes) > room {
		start := min(max(column-room/2, 0), len(runes)-room)
		if column < room {
			start = 0
		}
		runes = runes[start : start+room]
		runes[room-1] = '…'
		column -= start
	}
	p.line(p.paint(view.Faint, fmt.Sprintf("%5d │ ", f.Line))+strings.TrimRight(string(runes), " "),
		p.paint(view.Faint, "      │ ")+strings.Repeat(" ", column-1)+p.paint(tone, "^"))
}

// keyOnly is a line without what stands behind its key.
func keyOnly(line string) string {
	key, value, ok := strings.Cut(line, ":")
	switch {
	case !ok:
		return line[:len(line)-len(strings.TrimLeft(line, " -"))] + "…"
	case strings.TrimSpace(value) == "":
		return line
	}
	return key + ": …"
}

// wrapped prints a text in the width there is; prefix stands before its first line.
func (p *printer) wrapped(prefix, text string) {
	indent := strings.Repeat(" ", utf8.RuneCountInString(prefix))
	line := prefix
	for i, word := range strings.Fields(text) {
		if i > 0 && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > p.width {
			p.line(line)
			line = indent + word
			continue
		}
		if i > 0 {
			line += " "
		}
		line += word
	}
	p.line(line)
}
