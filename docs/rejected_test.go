package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// rejectedInCode are the fields validation calls unsupported: those named at the call, those in its lists of
// routers and providers, and one whose path is an argument.
var rejectedInCode = []*regexp.Regexp{
	regexp.MustCompile(`s\.(?:unsupported|routed)\([^\n]*Child\("(\w+)"\)\)`),
	regexp.MustCompile(`\{(?:routing\.\w+ != nil|len\(routing\.\w+\) > 0), "(\w+)"\}`),
	regexp.MustCompile(`s\.routers\(canary\.TrafficRouting, path\.Child\("(\w+)"\)\)`),
	regexp.MustCompile(`\{provider\.\w+ != nil, "(\w+)", false\}`),
}

// What the README says is rejected is what validation rejects: no more, no less.
func TestTheReadmeNamesWhatIsRejected(t *testing.T) {
	var rejected []string
	files, err := filepath.Glob(filepath.Join(root, "internal", "validate", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, expression := range rejectedInCode {
			for _, found := range expression.FindAllStringSubmatch(string(source), -1) {
				rejected = append(rejected, found[1])
			}
		}
	}
	slices.Sort(rejected)
	if diff := cmp.Diff(slices.Compact(rejected), rejectedInReadme(t)); diff != "" {
		t.Errorf("validation and README.md differ (-validation +README):\n%s", diff)
	}
}

// rejectedInReadme reads the names in the last column of the table of what works. Only the last part of a path is compared.
func rejectedInReadme(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(text), "| part | works | rejected for now, by name |\n")
	if !found {
		t.Fatal("README.md has no table of what works")
	}
	var names []string
	for _, line := range strings.Split(table, "\n") {
		cells := strings.Split(line, "|")
		if len(cells) != 5 {
			break
		}
		for _, name := range inline.FindAllStringSubmatch(cells[3], -1) {
			path := strings.Split(name[1], ".")
			names = append(names, path[len(path)-1])
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
