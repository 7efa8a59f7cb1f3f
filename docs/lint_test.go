package docs_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice.dev/sluice/internal/cli"
)

// The table of rules that people read is the one that lint has.
func TestTheTableOfLintRulesIsComplete(t *testing.T) {
	text, err := os.ReadFile("lint.md")
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, rule := range cli.LintRules() {
		want = append(want, "| `"+string(rule.ID)+"` | "+rule.Severity+" | "+rule.Summary+" | "+rule.Help+" |")
	}
	for _, line := range strings.Split(string(text), "\n") {
		if strings.HasPrefix(line, "| `") && strings.Count(line, " | ") == 3 {
			got = append(got, line)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rules (-in the code +in lint.md):\n%s", diff)
	}
}

// Lint reads Markdown, so it reads these pages. Nothing in them is wrong, not even in excerpts.
func TestLintHasNothingToSayAboutThesePages(t *testing.T) {
	seen := 0
	for _, p := range pages(t) {
		text, err := os.ReadFile(filepath.Join(root, p.path))
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range p.blocks {
			if b.language == "yaml" {
				seen++
			}
		}
		for _, finding := range cli.Lint([]cli.Source{{Name: p.path, Text: text, Found: true}}) {
			if finding.Severity == "error" {
				t.Error(finding)
			}
		}
	}
	if seen < 20 {
		t.Errorf("only %d blocks were found: is this test looking at the right pages?", seen)
	}
}
