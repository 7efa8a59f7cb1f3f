package script

import (
	"regexp"
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
	lines := strings.Split(string(data), "\n")
	at := func(i int, column int) { p.At.Line, p.At.Column = i+1, column+1 }
	if m := noAnchor.FindStringSubmatch(p.Text); m != nil {
		for i, line := range lines {
			if column := strings.Index(line, "*"+m[1]); column >= 0 {
				at(i, column)
				return p
			}
		}
	}
	for i, line := range lines {
		blank := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
		if column := strings.IndexByte(blank, '\t'); column >= 0 && strings.Contains(p.Text, "cannot start any token") {
			at(i, column)
			p.Text, p.Instead = "a tab indents this line", "write spaces"
			return p
		}
		if strings.Contains(p.Text, "',' or '}'") && bare.MatchString(line) {
			at(i, strings.Index(line, "{{"))
			p.Text, p.Instead = "a placeholder between braces, in a text without quotes", `put the text in quotes: "/{{ name }}"`
			return p
		}
	}
	if i, column := misindented(lines); i >= 0 && strings.Contains(p.Text, "did not find expected") && i+1 >= p.At.Line {
		at(i, column)
		p.Text, p.Instead = "this line stands in a column of its own", "indent it as far as the lines it belongs to"
	}
	return p
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
		switch {
		case strings.TrimSpace(text) == "", strings.HasPrefix(text, "#"), strings.HasPrefix(text, "---"):
			continue
		case within >= 0 && indent > within:
			continue
		}
		within = -1
		if blockScalar.MatchString(strings.TrimRight(line, "\r")) {
			within = indent
		}
		deeper := len(open) == 0 || indent > open[len(open)-1]
		for len(open) > 0 && open[len(open)-1] > indent {
			open = open[:len(open)-1]
		}
		if !deeper && (len(open) == 0 || open[len(open)-1] != indent) {
			return i, indent
		}
		open = append(open, indent)
		for strings.HasPrefix(text, "- ") { // what stands behind a dash has a column of its own
			rest := strings.TrimLeft(text[1:], " ")
			indent += len(text) - len(rest)
			text = rest
			open = append(open, indent)
		}
	}
	return -1, 0
}
