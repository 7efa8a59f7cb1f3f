package cli

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"sluice.dev/sluice/internal/manifest"
	"sluice.dev/sluice/internal/validate"
)

var (
	inScript  = regexp.MustCompile(`^line (\d+), column (\d+): `)
	literally = regexp.MustCompile(`:\s*\|[+-]?([1-9]?)[+-]?\s*(#.*)?$`)
	scenarios = regexp.MustCompile(`(?m)^scenarios:|"scenarios"\s*:`)
)

// artillery tells that a file holds a script of a load test.
func artillery(text []byte) bool { return scenarios.Match(text) }

// intoScripts moves findings about a script inside a manifest to the script's own line in the file. That can be
// told of block scalars (`inline: |`), whose lines stand there as they are.
func (r *lintReport) intoScripts() {
	lines := map[string][]string{}
	for _, source := range r.sources {
		lines[source.Name] = strings.Split(string(source.Text), "\n")
	}
	for i := range r.findings {
		f := &r.findings[i]
		if f.Rule == manifest.Rule(validate.RuleScript) || f.Rule == manifest.Rule(validate.RuleScriptAdvice) {
			f.intoScript(lines[f.File])
		}
	}
}

func (f *LintFinding) intoScript(lines []string) {
	place := inScript.FindStringSubmatch(f.Message)
	if place == nil || f.Line < 1 || f.Line > len(lines) {
		return
	}
	block := literally.FindStringSubmatch(strings.TrimRight(lines[f.Line-1], "\r"))
	if block == nil {
		return
	}
	line, _ := strconv.Atoi(place[1])
	column, _ := strconv.Atoi(place[2])
	indent := indentOf(lines[f.Line:])
	if more, err := strconv.Atoi(block[1]); err == nil { // the number says it, counted from the key
		indent = f.Column - 1 + more
	}
	if indent < 0 || f.Line+line > len(lines) || column > utf8.RuneCountInString(lines[f.Line+line-1])-indent+1 {
		return
	}
	f.Line, f.Column = f.Line+line, indent+column
	f.Message = strings.TrimPrefix(f.Message, place[0])
}

// indentOf is how far the first line with a text in it is indented, -1 without one.
func indentOf(lines []string) int {
	for _, text := range lines {
		if strings.TrimSpace(text) != "" {
			return len(text) - len(strings.TrimLeft(text, " "))
		}
	}
	return -1
}
