package manifest

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// fenceLine is where a block of code begins or ends in Markdown: three or more backticks or tildes.
var fenceLine = regexp.MustCompile("^([ \t>]*)(`{3,}|~{3,})[ \t]*([^`\\s{]*)[^`]*$")

// languages are what authors call YAML.
var languages = []string{"yaml", "yml"}

// IsMarkdown tells that a file holds Markdown: by its name, or, where the name says nothing, because it
// has a fence, which YAML has nowhere.
func IsMarkdown(name string, lines []string) bool {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".md", ".markdown", ".mdx":
		return true
	case ".yaml", ".yml", ".json":
		return false
	}
	return slices.ContainsFunc(lines, func(line string) bool {
		found := fenceLine.FindStringSubmatch(strings.TrimRight(line, "\r"))
		return found != nil && slices.Contains(languages, strings.ToLower(found[3]))
	})
}

// fenced finds the blocks of YAML in Markdown. A block that is indented as a whole, or quoted, is moved
// to the left; where it stands in the file is remembered.
func fenced(file string, lines []string) []*part {
	var parts []*part
	for i := 0; i < len(lines); i++ {
		begin := fenceLine.FindStringSubmatch(strings.TrimRight(lines[i], "\r"))
		if begin == nil {
			continue
		}
		end := i + 1
		for end < len(lines) && !closes(lines[end], begin[2]) {
			end++
		}
		if slices.Contains(languages, strings.ToLower(begin[3])) {
			p := &part{file: file, lines: slices.Clone(lines[i+1 : end]), skip: i + 1, shift: make([]int, end-i-1)}
			p.outdent(begin[1])
			parts = append(parts, split(p)...)
		}
		i = end
	}
	return parts
}

// closes tells that a line ends the block that a fence began.
func closes(line, fence string) bool {
	end := fenceLine.FindStringSubmatch(strings.TrimRight(line, "\r"))
	return end != nil && end[3] == "" && strings.HasPrefix(end[2], fence)
}

// outdent takes from each line what stands before the block's fence, as far as it is there.
func (p *part) outdent(before string) {
	for i, line := range p.lines {
		n := 0
		for n < len(before) && n < len(line) && line[n] == before[n] {
			n++
		}
		p.lines[i] = line[n:]
		p.shift[i] = -n
	}
}
