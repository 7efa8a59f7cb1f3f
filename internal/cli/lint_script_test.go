package cli

import (
	"strings"
	"testing"
)

const loadManifest = `apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {name: load}
spec:
  metrics:
  - name: load
    provider:
      loadTest:
        target: http://a
        script:
          inline: |
            config:
              phases: [{duration: 60, arrivalRate: 5}]
            scenarios:
            - flw: [{get: {url: /}}]
`

// An editor and a code review show a finding where its line is.
func TestAMistakeInAScriptIsToldAtItsOwnLine(t *testing.T) {
	found := Lint([]Source{{Name: "load.yaml", Text: []byte(loadManifest)}})
	if len(found) == 0 {
		t.Fatal("nothing was found")
	}
	f := found[0]
	if f.Line != 15 || f.Column != 15 || !strings.HasPrefix(f.Message, "scenarios[0].flw: unknown key") {
		t.Errorf("line %d, column %d: %s", f.Line, f.Column, f.Message)
	}
	quoted := strings.Replace(loadManifest, "inline: |", "inline: >-", 1)
	for _, f := range Lint([]Source{{Name: "load.yaml", Text: []byte(quoted)}}) {
		if f.Line > 11 {
			t.Errorf("in a folded script the line is not known, yet it is %d: %s", f.Line, f.Message)
		}
	}
}

func TestAScriptIsSentToItsOwnLint(t *testing.T) {
	for name, text := range map[string]string{
		"s.yaml": "config: {target: http://a}\nscenarios: [{flow: [{get: {url: /}}]}]\n",
		"s.json": `{"config": {"target": "http://a"}, "scenarios": [{"flow": [{"get": {"url": "/"}}]}]}`,
	} {
		found := Lint([]Source{{Name: name, Text: []byte(text)}})
		if len(found) != 1 || found[0].Message != "this is an Artillery script, no Kubernetes object" || found[0].Fix != "check it with sluice-load lint" {
			t.Errorf("%s: %+v", name, found)
		}
	}
}

// Errors and warnings of one script stand at their own lines, in every output.
func TestWarningsStandBesideErrorsInEveryOutput(t *testing.T) {
	text := strings.Replace(loadManifest, "- flw: [{get: {url: /}}]", "- flow:\n              - gte: {url: /}\n              - think: 0.5", 1)
	for output, want := range map[string][]string{
		"text":   {"<stdin>:16:17: error: spec.metrics[0].provider.loadTest.script.inline: scenarios[0].flow[0].gte: unknown step", "<stdin>:17:24: warning: spec.metrics[0].provider.loadTest.script.inline: scenarios[0].flow[1].think: 0.5 is taken as 500ms"},
		"github": {"::error file=<stdin>,line=16,col=17,", "::warning file=<stdin>,line=17,col=24,"},
		"sarif":  {"\"startLine\": 16,\n                  \"startColumn\": 17", "\"startLine\": 17,\n                  \"startColumn\": 24"},
		"json":   {"\"line\": 16,\n    \"column\": 17", "\"line\": 17,\n    \"column\": 24"},
	} {
		code, out, _ := run(t, text, "lint", "-", "-o", output)
		for _, w := range want {
			if code != ExitNo || !strings.Contains(out, w) {
				t.Errorf("-o %s, exit code %d, does not say %s:\n%s", output, code, w, out)
			}
		}
	}
}

// An indentation that is written out, and line ends of Windows, move nothing.
func TestScriptsOfEveryIndentation(t *testing.T) {
	for name, text := range map[string]string{
		"by a number":   strings.Replace(loadManifest, "inline: |", "inline: |2-", 1),
		"with CRLF":     strings.ReplaceAll(loadManifest, "\n", "\r\n"),
		"with a remark": strings.Replace(loadManifest, "inline: |", "inline: | # the script", 1),
		"with a blank line and a remark in front": strings.Replace(loadManifest, "inline: |\n", "inline: |\n\n            # the script\n", 1),
	} {
		found := Lint([]Source{{Name: "load.yaml", Text: []byte(text)}})
		at := 0
		for i, line := range strings.Split(text, "\n") {
			if strings.Contains(line, "flw") {
				at = i + 1
			}
		}
		if len(found) == 0 || found[0].Line != at || found[0].Column != 15 {
			t.Errorf("%s: %+v, want line %d", name, found, at)
		}
	}
}
