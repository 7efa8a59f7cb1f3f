package cli

import (
	"flag"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var updateLint = flag.Bool("update-lint", false, "write the golden reports of lint anew")

// The document of a user, as it was written: every one of its blocks but two is indented wrongly, and a
// key of its Secret is spelled in two ways. The whole report is what the user reads.
func TestLintOfAUsersDocument(t *testing.T) {
	t.Chdir("testdata")
	const name = "metrics-driven-progressive-delivery.md"
	code, out, errOut := run(t, "", "lint", "-f", name, "-o", "long")
	if code != ExitNo || errOut != "" {
		t.Errorf("exit code %d, errors %q", code, errOut)
	}
	golden(t, "lint-long.txt", out)
	_, out, _ = run(t, "", "lint", "-f", name)
	golden(t, "lint-text.txt", out)
}

// The example of the docs, which quote both files.
func TestLintOfTheExample(t *testing.T) {
	t.Chdir("testdata")
	code, out, errOut := run(t, "", "lint", "lint-example.yaml", "-o", "long")
	if code != ExitNo || errOut != "" {
		t.Errorf("exit code %d, errors %q", code, errOut)
	}
	golden(t, "lint-example.txt", out)

	// Whoever follows the advice is left with the warnings.
	text, err := os.ReadFile("lint-example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	for _, f := range Lint([]Source{{Name: "a.yaml", Text: text}}) {
		if found := adviceColumn.FindStringSubmatch(f.Fix); found != nil {
			column, _ := strconv.Atoi(found[1])
			lines[f.Line-1] = strings.Repeat(" ", column-1) + strings.TrimLeft(lines[f.Line-1], " ")
		}
	}
	for _, f := range Lint([]Source{{Name: "a.yaml", Text: []byte(strings.Join(lines, "\n"))}}) {
		if f.Severity == "error" {
			t.Errorf("after following the advice there is still: %s", f)
		}
	}
}

var adviceColumn = regexp.MustCompile(`^write it at column (\d+)`)

func golden(t *testing.T, name, got string) {
	t.Helper()
	if *updateLint {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil { //nolint:gosec // for everybody to read
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// What the report has to say, whatever its words are: each line that is wrong is named, in the column in
// which it stands, and nothing is said about the others.
func TestEveryDefectOfAUsersDocumentIsNamed(t *testing.T) {
	t.Chdir("testdata")
	_, out, _ := run(t, "", "lint", "-f", "metrics-driven-progressive-delivery.md")
	place := regexp.MustCompile(`(?m)^[^:]+:(\d+:\d+): error: `)
	var got []string
	for _, found := range place.FindAllStringSubmatch(out, -1) {
		got = append(got, found[1])
	}
	want := strings.Fields(`
		30:25 48:21 49:21 51:25
		73:25 91:21 92:21 94:25
		104:9
		117:13 118:13 123:13 124:13 125:13 126:13 129:21 131:25 133:29 134:29 135:25 137:13 138:13 139:13 140:13
		176:5 177:5 178:5 179:5 182:13 184:17 186:21 187:21 188:17`)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("places of errors (-want +got):\n%s", diff)
	}
	for _, part := range []string{
		":171:9: warning:", "key secretUrl of Secret workspace-url is spelled secretURL at metrics-driven-progressive-delivery.md:120",
		"`secretKeyRef` stands beside `valueFrom` (line 117) and not under it",
		"`template` stands beside `spec` (line 128), which holds nothing, and belongs under it",
		"`containers` stands beside `spec` (line 183), which holds nothing, and belongs under it",
	} {
		if !strings.Contains(out, part) {
			t.Errorf("the report does not say %q", part)
		}
	}
}
