package cli

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const twoMistakes = "apiVersion: argoproj.io/v1alpha1\nkind: AnalysisTemplate\nmetadata: {name: a}\nspec:\n  metrics:\n  - name: 'a'\n    count: 100%\n    successCondition: result, 1\n    provider:\n      prometheus:\n        qery: up\n"

func TestLintForGitHub(t *testing.T) {
	result{code: ExitNo, out: "::error file=<stdin>,line=7,col=5,title=sluice invalid-value::spec.metrics[0].count: is \"100%25\", not a whole number\n" +
		"::error file=<stdin>,line=8,col=5,title=sluice bad-condition::spec.metrics[0].successCondition: \"result, 1\" is not a condition: unexpected token Operator(\",\") (line 1, column 7); write an expression that is true or false, such as result[0] <= 0.01\n" +
		"::error file=<stdin>,line=11,col=9,title=sluice unknown-field::spec.metrics[0].provider.prometheus.qery: unknown field; did you mean query?\n" +
		"3 errors, 0 warnings; 1 object checked in 1 file\n"}.of(t, twoMistakes, "lint", "-", "-o", "github")
	if got, want := property("a:b,c%\n"), "a%3Ab%2Cc%25%0A"; got != want {
		t.Errorf("a property is escaped to %q, want %q", got, want)
	}
}

// SARIF is checked for what the standard demands of the parts that are used: every index leads to the
// rule it names, places are URIs and count from 1.
func TestLintForCodeScanning(t *testing.T) {
	t.Chdir("testdata")
	_, out, _ := run(t, twoMistakes, "lint", "-", "metrics-driven-progressive-delivery.md", "-o", "sarif")
	var log sarifLog
	decoder := json.NewDecoder(strings.NewReader(out))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&log); err != nil {
		t.Fatal(err)
	}
	if log.Version != "2.1.0" || len(log.Runs) != 1 || log.Runs[0].Tool.Driver.Name != "sluice" || log.Runs[0].Tool.Driver.Version != "v1.2.3" {
		t.Fatalf("got %+v", log)
	}
	rules, related := log.Runs[0].Tool.Driver.Rules, 0
	for _, r := range log.Runs[0].Results {
		if rules[r.RuleIndex].ID != r.RuleID || r.Message.Text == "" || len(r.Locations) != 1 || !slices.Contains([]string{"error", "warning", "note"}, r.Level) {
			t.Errorf("result %+v", r)
		}
		related += len(r.Related)
		for _, l := range append(r.Locations, r.Related...) {
			if _, err := url.Parse(l.Physical.Artifact.URI); err != nil || l.Physical.Region.StartLine < 1 || l.Physical.Region.StartColumn < 1 {
				t.Errorf("place %+v: %v", l, err)
			}
		}
	}
	if len(log.Runs[0].Results) < 40 || related != 1 {
		t.Errorf("got %d results, %d related places", len(log.Runs[0].Results), related)
	}
	for name, want := range map[string]string{"<stdin>": "stdin", "./a b/c.yaml": "a%20b/c.yaml", "/a/b.yaml": "file:///a/b.yaml"} {
		if got := uri(name); got != want {
			t.Errorf("the URI of %s is %s, want %s", name, got, want)
		}
	}
}

// Every rule that the code can name stands in the table, and nothing else does.
func TestTheTableOfRulesIsComplete(t *testing.T) {
	var named []string
	for _, dir := range []string{".", "../manifest", "../validate"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			named = append(named, rulesIn(t, file)...)
		}
	}
	var listed []string
	for _, rule := range LintRules() {
		listed = append(listed, string(rule.ID))
		if rule.Summary == "" || rule.Help == "" || !slices.Contains([]string{"error", "warning", "note"}, rule.Severity) {
			t.Errorf("rule %+v is not described", rule)
		}
	}
	slices.Sort(named)
	if diff := cmp.Diff(named, listed); diff != "" {
		t.Errorf("rules (-in the code +in the table):\n%s", diff)
	}
}

// rulesIn are the constants of type Rule in a file.
func rulesIn(t *testing.T, file string) (rules []string) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		name := ""
		switch typ := spec.Type.(type) {
		case *ast.Ident:
			name = typ.Name
		case *ast.SelectorExpr:
			name = typ.Sel.Name
		}
		if literal, ok := spec.Values[0].(*ast.BasicLit); ok && name == "Rule" {
			value, err := strconv.Unquote(literal.Value)
			if err != nil {
				t.Fatal(err)
			}
			rules = append(rules, value)
		}
		return true
	})
	return rules
}

// Colours are for terminals; without them the long report is the same text.
func TestTheLongReportInANarrowWindow(t *testing.T) {
	report := lintAll([]Source{{Name: "a.yaml", Text: []byte(twoMistakes)}}, false)
	for _, line := range report.long(terminal{width: 60}) {
		if n := len([]rune(line)); n > 60 && strings.Contains(line, " ") && !strings.Contains(line, "[") {
			t.Errorf("a line of %d columns in a window of 60: %q", n, line)
		}
	}
	if strings.Contains(strings.Join(report.long(terminal{}), ""), "\x1b") || !strings.Contains(strings.Join(report.long(terminal{paint: colour}), ""), "\x1b[31merror\x1b[0m") {
		t.Error("colours are for terminals, and only for them")
	}
}
