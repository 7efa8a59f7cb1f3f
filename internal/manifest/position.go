package manifest

import (
	"fmt"
	"strconv"
	"strings"

	yamlv3 "go.yaml.in/yaml/v3"
)

// node is a value of the YAML tree together with the key it stands under.
type node struct {
	*yamlv3.Node
	key *yamlv3.Node // nil for items of a sequence and for the root
	of  *part        // the text it comes from
}

func (n *node) line() int { return n.anchor().Line + n.of.skip }

// column is the place in the file, also when the line was moved before it was parsed.
func (n *node) column() int { return max(n.anchor().Column-n.of.shifted(n.anchor().Line-1), 1) }

// anchor is what to point at: the key where there is one.
func (n *node) anchor() *yamlv3.Node {
	if n.key != nil {
		return n.key
	}
	return n.Node
}

func (n *node) problem(rule Rule, path, message string) Problem {
	return Problem{File: n.of.file, Line: n.line(), Column: n.column(), Path: path, Message: message, Rule: rule}
}

// find follows a path such as `spec.steps[2].setWeight` or `metadata.labels[app.kubernetes.io/name]`
// as far as it goes.
func (n *node) find(path string) *node {
	at := n
	for _, part := range parsePath(path) {
		next := at.child(part)
		if next == nil {
			return at
		}
		at = next
	}
	return at
}

// exactly is the value at a path; nil when there is none.
func (n *node) exactly(path string) *node {
	at := n
	for _, part := range parsePath(path) {
		if at = at.child(part); at == nil {
			return nil
		}
	}
	return at
}

// child is the value under a key, or the item with an index; nil when there is none.
func (n *node) child(name string) *node {
	at := resolve(n.Node)
	if at == nil {
		return nil
	}
	if at.Kind == yamlv3.SequenceNode {
		i, err := strconv.Atoi(name)
		if err != nil || i < 0 || i >= len(at.Content) {
			return nil
		}
		return &node{Node: at.Content[i], of: n.of}
	}
	return n.entry(at, name, 0)
}

// entry looks a key up in a mapping and in what it merges; the last of equal keys counts, as it
// does for Kubernetes.
func (n *node) entry(mapping *yamlv3.Node, name string, depth int) *node {
	if mapping == nil || mapping.Kind != yamlv3.MappingNode || depth > 8 {
		return nil
	}
	var found *node
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		key, value := mapping.Content[i], mapping.Content[i+1]
		switch {
		case key.Value == name:
			found = &node{Node: value, key: key, of: n.of}
		case key.Tag == "!!merge" && found == nil:
			found = n.entry(resolve(value), name, depth+1)
		}
	}
	return found
}

func resolve(n *yamlv3.Node) *yamlv3.Node {
	for range 8 {
		if n == nil || n.Kind != yamlv3.AliasNode {
			return n
		}
		n = n.Alias
	}
	return nil
}

// duplicates finds keys written twice in one mapping: YAML readers keep one and drop the other
// without a word.
func (n *node) duplicates() []Problem {
	var problems []Problem
	var visit func(at *node, path string)
	visit = func(at *node, path string) {
		if at.Kind == yamlv3.SequenceNode {
			for i, item := range at.Content {
				visit(&node{Node: item, of: n.of}, fmt.Sprintf("%s[%d]", path, i))
			}
			return
		}
		if at.Kind != yamlv3.MappingNode {
			return
		}
		first := map[string]*yamlv3.Node{}
		for i := 0; i+1 < len(at.Content); i += 2 {
			key := at.Content[i]
			child := &node{Node: at.Content[i+1], key: key, of: n.of}
			if earlier, twice := first[key.Value]; twice && key.Tag != "!!merge" {
				problems = append(problems, child.problem(RuleDuplicate, join(path, key.Value),
					fmt.Sprintf("is written twice; line %d has it already and only one of them counts", earlier.Line+n.of.skip)))
			}
			first[key.Value] = key
			visit(child, join(path, key.Value))
		}
	}
	visit(n, "")
	return problems
}

// Join is the path of what stands under a key.
func Join(path, key string) string { return join(path, key) }

// join appends a key to a path; keys that are no plain word stand in brackets.
func join(path, key string) string {
	if key == "" || strings.ContainsAny(key, ".[]/ ") {
		return path + "[" + key + "]"
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

// parsePath cuts a path into keys and indices.
func parsePath(path string) []string {
	var parts []string
	for path != "" {
		if path[0] == '.' {
			path = path[1:]
			continue
		}
		if path[0] == '[' {
			name, rest, _ := strings.Cut(path[1:], "]")
			parts, path = append(parts, name), rest
			continue
		}
		end := strings.IndexAny(path, ".[")
		if end < 0 {
			end = len(path)
		}
		parts, path = append(parts, path[:end]), path[end:]
	}
	return parts
}

// Cut tells that a plain text at path ends where a comment begins on its line, which its author may not
// have meant: conditions use the same sign.
func (d Document) Cut(path string) bool {
	relative, ok := d.within(path)
	if !ok || d.root == nil {
		return false
	}
	at := d.root.exactly(relative)
	return at != nil && at.Kind == yamlv3.ScalarNode && at.Style == 0 && at.LineComment != ""
}

// eachLine visits what begins on each line of the file, outermost first.
func (d Document) eachLine(visit func(line int, path string)) {
	if d.root == nil {
		return
	}
	prefix := ""
	if d.Excerpt != nil {
		prefix = *d.Excerpt
	}
	var walk func(at *node, path string, depth int)
	walk = func(at *node, path string, depth int) {
		visit(at.line(), path)
		if depth > maxDepth {
			return
		}
		switch at.Kind { //nolint:exhaustive // the others hold nothing
		case yamlv3.SequenceNode:
			for i, item := range at.Content {
				walk(&node{Node: item, of: at.of}, fmt.Sprintf("%s[%d]", path, i), depth+1)
			}
		case yamlv3.MappingNode:
			for i := 0; i+1 < len(at.Content); i += 2 {
				key := at.Content[i]
				walk(&node{Node: at.Content[i+1], key: key, of: at.of}, join(path, key.Value), depth+1)
			}
		}
	}
	walk(d.root, prefix, 0)
}

// maxDepth bounds how deep a document is looked into.
const maxDepth = 200
