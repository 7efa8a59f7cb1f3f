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
	literally = regexp.MustCompile(`:\s*\|[+-]?\s*(#.*)?$`)
	scenarios = regexp.MustCompile(`(?m)^scenarios:`)
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
	if place == nil || f.Line < 1 || f.Line > len(lines) || !literally.MatchString(strings.TrimRight(lines[f.Line-1], "\r")) {
		return
	}
	line, _ := strconv.Atoi(place[1])
	column, _ := strconv.Atoi(place[2])
	indent := -1
	for _, text := range lines[f.Line:] {
		if strings.TrimSpace(text) != "" {
			indent = len(text) - len(strings.TrimLeft(text, " "))
			break
		}
	}
	if indent < 0 || f.Line+line > len(lines) || column > utf8.RuneCountInString(lines[f.Line+line-1])-indent+1 {
		return
	}
	f.Line, f.Column = f.Line+line, indent+column
	f.Message = strings.TrimPrefix(f.Message, place[0])
}
