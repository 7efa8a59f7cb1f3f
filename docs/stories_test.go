package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	storyRow   = regexp.MustCompile(`(?m)^\| ([A-E]\d+) \| .* \| (.*) \|$`)
	storyNamed = regexp.MustCompile("`([A-E]\\d+)`")
	storyTold  = regexp.MustCompile(`^([A-E]\d+)_.*\.txt$`)
)

// Every transcript the table of stories names is on file, every transcript of a story is in the table,
// and every story is told somewhere or waits for something.
func TestStoriesAreToldWhereTheTableSays(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("design", "stories.md"))
	if err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(filepath.Join(root, "internal", "simulate", "testdata"))
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	for _, file := range files {
		if found := storyTold.FindStringSubmatch(file.Name()); found != nil {
			told[found[1]] = true
		}
	}
	rows := storyRow.FindAllStringSubmatch(string(raw), -1)
	if len(rows) < 60 {
		t.Fatalf("%d stories, the table has changed its form", len(rows))
	}
	var named []string
	for _, row := range rows {
		story, where := row[1], row[2]
		if !strings.Contains(where, "`") && !strings.Contains(where, "waits for") {
			t.Errorf("story %s is told nowhere and waits for nothing", story)
		}
		for _, found := range storyNamed.FindAllStringSubmatch(where, -1) {
			named = append(named, found[1])
			if !told[found[1]] {
				t.Errorf("story %s: there is no transcript %s", story, found[1])
			}
		}
	}
	for story := range told {
		if !slices.Contains(named, story) {
			t.Errorf("the transcript of %s is not in the table", story)
		}
	}
}
