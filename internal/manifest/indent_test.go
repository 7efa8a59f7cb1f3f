package manifest

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMisindentedLinesAreFound shifts single lines of good manifests and looks whether the reader
// points at them, or at the line from which on the indentation makes no sense any more.
func TestMisindentedLinesAreFound(t *testing.T) {
	files, err := filepath.Glob("testdata/good/*.yaml")
	if err != nil || len(files) < 5 {
		t.Fatalf("found %d good manifests: %v", len(files), err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	tried, found := 0, 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, problems := Read(file, text); len(problems) > 0 {
			t.Fatalf("%s is meant to be good: %v", file, problems)
		}
		for n := 0; n < 10; {
			broken, line := misindent(random, string(text))
			_, problems := Read(file, []byte(broken))
			if len(problems) == 0 {
				continue // still a good manifest, or one that means something else
			}
			n++
			tried++
			if slices.ContainsFunc(problems, func(p Problem) bool { return near(broken, p.Line, line) }) {
				found++
			} else {
				t.Logf("%s with line %d shifted:\n%s%v", file, line, excerpt(broken, line), problems)
			}
		}
	}
	if found*10 < tried*9 {
		t.Errorf("%d of %d shifted lines were found", found, tried)
	}
}

// One wrong line must not hide the others: people would correct them one run at a time.
func TestEveryMisindentedLineIsTold(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string
	}{
		{"lines shifted together, one of them with a block below it", "args:\n- name: a\n    valueFrom:\n        secretKeyRef: {name: b}\n    # a comment\n    optional: true\n- name: c\n    value: d\n", []string{
			`f.yaml:3:5: valueFrom is indented deeper than name (line 2), which has a value already and so can hold nothing; move it to column 3 (2 spaces before it)`,
			`f.yaml:6:5: optional is indented like line 3, and wrong like it; move it to column 3 (2 spaces before it)`,
			`f.yaml:8:5: value is indented deeper than name (line 7), which has a value already and so can hold nothing; move it to column 3 (2 spaces before it)`}},
		{"lines shifted in different ways", "env:\n    - name: a\n    value: b\nspec:\n    x: 1\n  y: 2\n", []string{
			`f.yaml:3:5: value stands below the dash of line 2, not beside that item's first field; move it to column 7 (6 spaces before it)`,
			`f.yaml:6:3: y is not aligned with the other fields of its block, which stand at column 5; move it to column 5 (4 spaces before it)`}},
		{"a line whose place nobody knows ends the search", "a: b\n- c\nspec:\n    x: 1\n  y: 2\n", []string{
			`f.yaml:2:1: the dash begins a list item beside a (line 1), which has a value already`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, problems(t, test.text)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// misindent moves one line that is not at the top level and returns its number.
func misindent(random *rand.Rand, text string) (broken string, line int) {
	lines := strings.Split(text, "\n")
	for {
		i := random.IntN(len(lines))
		trimmed := strings.TrimLeft(lines[i], " ")
		depth := len(lines[i]) - len(trimmed)
		if trimmed == "" || trimmed[0] == '#' || depth == 0 {
			continue
		}
		by := []int{-2, -1, 1, 2, 4}[random.IntN(5)]
		if depth+by < 0 {
			continue
		}
		lines[i] = strings.Repeat(" ", depth+by) + trimmed
		return strings.Join(lines, "\n"), i + 1
	}
}

// near tells whether a problem's line is the one that was moved or its neighbour: of two lines that
// do not fit together nobody can know which is wrong.
func near(text string, got, moved int) bool {
	lines := strings.Split(text, "\n")
	step := func(from, by int) int {
		for from += by; from >= 1 && from <= len(lines); from += by {
			if trimmed := strings.TrimSpace(lines[from-1]); trimmed != "" && trimmed[0] != '#' {
				return from
			}
		}
		return from
	}
	return got == moved || got == step(moved, 1) || got == step(moved, -1)
}

func excerpt(text string, line int) string {
	lines := strings.Split(text, "\n")
	return strings.Join(lines[max(line-3, 0):min(line+3, len(lines))], "\n") + "\n"
}
