package manifest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// FuzzRead reads anything at all: every problem stands inside the file, and no text takes long.
func FuzzRead(f *testing.F) {
	for _, text := range []string{
		top + "spec:\n  strategy:\n    canary:\n      steps:\n      - pause: {duration: 1}\n",
		"env:\n    - name: dummy\n    value: \"x\"\n",
		"a: &a [*a]\n---\nb: {<<: *a}\n",
		"? {a: b}\n: |-\n  c\n",
		"apiVersion: v1\nkind: List\nitems: [{}, 1]\n",
		"\r0",
		"- - - a: 'b\n\t c\"",
		"spec:\n\tx: |\n   y\n  z: 1\n w:\n",
		top + "spec:\n  template:\n  metadata:\n    labels:\n   app: x\n",
	} {
		f.Add(text, false)
	}
	files, _ := filepath.Glob("testdata/five/*.yaml")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text), false)
		f.Add(strings.ReplaceAll(string(text), "  - name", " - name"), false)
		f.Add("text\n\n   ``` YAML\n"+string(text)+"   ```\n", true)
	}
	f.Add("> ```yaml\n> - setWeight: 20\n> - pause:\n>   duration: 1\n> ```\n~~~yml\nmetrics:\n- name: a\n    count: 1\n", true)
	f.Fuzz(func(t *testing.T, text string, markdown bool) {
		name := "f.yaml"
		if markdown {
			name = "f.md"
		}
		begun := time.Now()
		found := Load(name, []byte(text))
		if took := time.Since(begun); took > 20*time.Second {
			t.Fatalf("reading %d bytes took %s", len(text), took)
		}
		inside(t, text, found)
	})
}

// inside wants every place in the file. YAML knows more line breaks than editors do.
func inside(t *testing.T, text string, found File) {
	t.Helper()
	breaks := strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n")
	lines := strings.Split(breaks.Replace(text), "\n")
	plain := len(lines) == strings.Count(text, "\n")+1
	check := func(line, column int, what any) {
		if line < 1 || line > len(lines) || column < 1 {
			t.Fatalf("%d:%d in %d lines: %+v", line, column, len(lines), what)
		}
		if width := utf8.RuneCountInString(lines[line-1]); plain && utf8.ValidString(text) && column > width+1 {
			t.Fatalf("column %d of line %d, which has %d: %+v", column, line, width, what)
		}
	}
	for _, problem := range found.Problems {
		check(problem.Line, problem.Column, problem)
		if problem.Message == "" || problem.Rule == "" {
			t.Fatalf("a problem without a message or a rule: %+v", problem)
		}
	}
	for _, document := range found.Documents {
		line, column := document.Position("spec.strategy[3].x")
		check(line, column, document.Title())
	}
}
