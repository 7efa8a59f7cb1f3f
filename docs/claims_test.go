package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	filePath = regexp.MustCompile(`^(\.ci|api|cmd|config|docs|examples|internal|test|tools)/[\w./-]*$`)
	testName = regexp.MustCompile(`^Test\w+$`)
	testFunc = regexp.MustCompile(`(?m)^func (Test\w+)\(`)
)

// Files that the text names exist, or have at least a row in the table of packages.
func TestFilesThatAreNamedExist(t *testing.T) {
	planned := map[string]bool{}
	for _, r := range enforcedRows(t) {
		planned[r.Package] = true
	}
	for _, p := range pages(t) {
		for _, found := range inline.FindAllStringSubmatch(p.text, -1) {
			name := strings.TrimSuffix(found[1], "/...")
			if !filePath.MatchString(name) || planned[name] {
				continue
			}
			if _, err := os.Stat(filepath.Join(root, name)); err != nil {
				t.Errorf("%s names %s, which does not exist", p.path, name)
			}
		}
	}
}

func TestTestsThatAreNamedExist(t *testing.T) {
	known := map[string]bool{}
	for _, top := range []string{"internal", "test", "config", "docs"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			source, err := os.ReadFile(path)
			for _, found := range testFunc.FindAllStringSubmatch(string(source), -1) {
				known[found[1]] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range pages(t) {
		for _, found := range inline.FindAllStringSubmatch(p.text, -1) {
			if testName.MatchString(found[1]) && !known[found[1]] {
				t.Errorf("%s names %s, and there is no such test", p.path, found[1])
			}
		}
	}
}

// The README shows a part of a real transcript. What is left out is marked by a line with an ellipsis.
func TestTheReadmeShowsWhatWasSeen(t *testing.T) {
	raw, err := os.ReadFile("demo-transcript.txt")
	if err != nil {
		t.Fatal(err)
	}
	seen := strings.Split(strings.TrimSpace(string(raw)), "\n")
	for _, p := range pages(t) {
		if p.path != "README.md" {
			continue
		}
		for _, b := range p.blocks {
			if b.language == "text" {
				checkTranscript(t, strings.Split(strings.TrimSpace(b.text), "\n"), seen)
				return
			}
		}
	}
	t.Error("the README shows no transcript")
}

func checkTranscript(t *testing.T, shown, seen []string) {
	t.Helper()
	next, gap := 0, true // it may begin anywhere
	for _, line := range shown {
		if line == "…" {
			gap = true
			continue
		}
		at := next
		for gap && at < len(seen) && seen[at] != line {
			at++
		}
		if at >= len(seen) || seen[at] != line {
			t.Errorf("the transcript does not have this line here: %q", line)
			return
		}
		next, gap = at+1, false
	}
}
