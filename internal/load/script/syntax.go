package script

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	yamlLine = regexp.MustCompile(`^line (\d+): `)
	noAnchor = regexp.MustCompile(`^unknown anchor '([^']+)' referenced$`)
	// bare is a text without quotes in a map between braces, with a placeholder in it.
	bare = regexp.MustCompile(`\{.*:\s+[^"'\s{\[,][^"',]*\{\{`)
)

// syntaxProblem says why a text is no YAML. The library's own words, and its line, are often about what comes
// of a mistake and not about the mistake.
func syntaxProblem(file string, data []byte, err error) *Problem {
	p := &Problem{At: Position{File: file}, Code: CodeSyntax, Text: strings.TrimPrefix(err.Error(), "yaml: ")}
	if m := yamlLine.FindStringSubmatch(p.Text); m != nil {
		if line, err := strconv.Atoi(m[1]); err == nil {
			p.At.Line, p.At.Column = line, 1
			p.Text = strings.TrimPrefix(p.Text, m[0])
		}
	}
	p.locate(strings.Split(string(data), "\n"))
	return p
}

// locate finds the mistake that a problem with YAML is about.
func (p *Problem) locate(lines []string) {
	at := func(i, column int, text, instead string) {
		p.At.Line, p.At.Column, p.Text, p.Instead = i+1, column+1, text, instead
	}
	missing := noAnchor.FindStringSubmatch(p.Text)
	tabbed, between := strings.Contains(p.Text, "cannot start any token"), strings.Contains(p.Text, "',' or '}'")
	for i, line := range lines {
		blank := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
		switch {
		case tabbed && strings.Contains(blank, "\t"):
			at(i, strings.IndexByte(blank, '\t'), "a tab indents this line", "write spaces")
			return
		case between && bare.MatchString(line):
			at(i, strings.Index(line, "{{"), "a placeholder between braces, in a text without quotes", `put the text in quotes: "/{{ name }}"`)
			return
		case missing != nil && strings.Contains(line, "*"+missing[1]):
			at(i, strings.Index(line, "*"+missing[1]), p.Text, "")
			return
		}
	}
	if i, column := misindented(lines); i >= 0 && strings.Contains(p.Text, "did not find expected") && i+1 >= p.At.Line {
		at(i, column, "this line stands in a column of its own", "indent it as far as the lines it belongs to")
	}
}

var blockScalar = regexp.MustCompile(`[:-]\s+[|>][-+0-9]*\s*(#.*)?$`)

// misindented finds the first line that is indented less than the one before, and not as far as any that is still
// open; -1 where there is none.
func misindented(lines []string) (at, column int) {
	var open []int
	within := -1 // the column of a key whose text goes on below it
	for i, line := range lines {
		text := strings.TrimLeft(line, " ")
		indent := len(line) - len(text)
		if silent(text) || within >= 0 && indent > within {
			continue
		}
		within = -1
		if blockScalar.MatchString(strings.TrimRight(line, "\r")) {
			within = indent
		}
		deeper := len(open) == 0 || indent > open[len(open)-1]
		open = slices.DeleteFunc(open, func(column int) bool { return column > indent })
		if !deeper && !slices.Contains(open, indent) {
			return i, indent
		}
		open = append(open, dashed(text, indent)...)
	}
	return -1, 0
}

// silent lines say nothing about columns.
func silent(text string) bool {
	return strings.TrimSpace(text) == "" || strings.HasPrefix(text, "#") || strings.HasPrefix(text, "---")
}

// dashed are the columns that a line opens: what stands behind a dash has one of its own.
func dashed(text string, indent int) []int {
	columns := []int{indent}
	for strings.HasPrefix(text, "- ") {
		rest := strings.TrimLeft(text[1:], " ")
		indent += len(text) - len(rest)
		text = rest
		columns = append(columns, indent)
	}
	return columns
}
