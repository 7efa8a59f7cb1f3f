// Package docs_test checks what the documentation says: its manifests, its commands, its links, its tables.
package docs_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// root is the repository as seen from this package.
const root = ".."

// page is one Markdown file.
type page struct {
	path   string // below the repository
	text   string // without its fenced blocks
	blocks []block
}

// block is a fenced block: its language, what else stands behind the fence, and its text.
type block struct {
	line     int // of the fence, from 1
	language string
	note     string
	text     string
}

func (p page) at(b block) string { return fmt.Sprintf("%s:%d", p.path, b.line) }

// pages reads all Markdown files of the documentation.
func pages(t *testing.T) []page {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(root, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && filepath.Ext(path) == ".md" {
			names = append(names, filepath.Join(root, "docs", path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var all []page
	for _, name := range names {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		path, err := filepath.Rel(root, name)
		if err != nil {
			t.Fatal(err)
		}
		p, err := parse(filepath.ToSlash(path), string(raw))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) < 5 {
		t.Fatalf("found %d pages only", len(all))
	}
	return all
}

var fence = regexp.MustCompile("^( *)```([a-z]*) *(.*)$")

func parse(path, text string) (page, error) {
	p := page{path: path}
	var rest, inside []string
	var open *block
	indent := ""
	for i, line := range strings.Split(text, "\n") {
		mark := fence.FindStringSubmatch(line)
		switch {
		case open == nil && mark != nil:
			open, indent = &block{line: i + 1, language: mark[2], note: mark[3]}, mark[1]
			inside = nil
		case open != nil && mark != nil:
			open.text = strings.Join(inside, "\n") + "\n"
			p.blocks = append(p.blocks, *open)
			open = nil
		case open != nil:
			inside = append(inside, strings.TrimPrefix(line, indent))
		default:
			rest = append(rest, line)
		}
	}
	if open != nil {
		return p, fmt.Errorf("%s:%d: the block does not end", path, open.line)
	}
	p.text = strings.Join(rest, "\n")
	return p, nil
}

func TestParseTellsBlocksFromText(t *testing.T) {
	p, err := parse("x.md", "# A\n\n- b\n  ```yaml file=f\n  c: d\n  ```\ne\n")
	if err != nil {
		t.Fatal(err)
	}
	if len(p.blocks) != 1 || p.blocks[0] != (block{4, "yaml", "file=f", "c: d\n"}) {
		t.Errorf("blocks: %+v", p.blocks)
	}
	if p.text != "# A\n\n- b\ne\n" {
		t.Errorf("text: %q", p.text)
	}
	if _, err := parse("x.md", "```\n"); err == nil {
		t.Error("a block without an end is not noticed")
	}
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ +(.*)$`)
	dropped = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// anchors are the names under which a page's headings can be linked to.
func (p page) anchors() map[string]bool {
	all := map[string]bool{}
	for _, found := range heading.FindAllStringSubmatch(p.text, -1) {
		name := dropped.ReplaceAllString(strings.ToLower(strings.TrimSpace(found[1])), "")
		all[strings.ReplaceAll(name, " ", "-")] = true
	}
	return all
}

func TestLinksLeadSomewhere(t *testing.T) {
	byPath := map[string]page{}
	for _, p := range pages(t) {
		byPath[p.path] = p
	}
	for _, p := range byPath {
		for _, found := range link.FindAllStringSubmatch(p.text, -1) {
			if strings.Contains(found[1], "://") {
				continue
			}
			file, anchor, _ := strings.Cut(found[1], "#")
			target := p.path
			if file != "" {
				target = filepath.ToSlash(filepath.Join(filepath.Dir(p.path), file))
			}
			if _, err := os.Stat(filepath.Join(root, target)); err != nil {
				t.Errorf("%s: the link to %s leads nowhere", p.path, found[1])
			}
			if to, isPage := byPath[target]; isPage && anchor != "" && !to.anchors()[anchor] {
				t.Errorf("%s: the link to %s names no heading there", p.path, found[1])
			}
		}
	}
}

func TestJSONCanBeRead(t *testing.T) {
	for _, p := range pages(t) {
		for _, b := range p.blocks {
			if b.language == "json" && !json.Valid([]byte(b.text)) {
				t.Errorf("%s: this is not JSON:\n%s", p.at(b), b.text)
			}
		}
	}
}

// Everybody who reads a page of the docs found it from another one.
func TestEveryPageIsLinked(t *testing.T) {
	linked := map[string]bool{"README.md": true}
	all := pages(t)
	for _, p := range all {
		for _, found := range link.FindAllStringSubmatch(p.text, -1) {
			file, _, _ := strings.Cut(found[1], "#")
			linked[filepath.ToSlash(filepath.Join(filepath.Dir(p.path), file))] = true
		}
	}
	for _, p := range all {
		if !linked[p.path] {
			t.Errorf("no page links to %s", p.path)
		}
	}
}
