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
	key  *yamlv3.Node // nil for items of a sequence and for the root
	skip int          // lines of the file before this document
}

func (n *node) line() int   { return n.anchor().Line + n.skip }
func (n *node) column() int { return n.anchor().Column }

// anchor is what to point at: the key where there is one.
func (n *node) anchor() *yamlv3.Node {
	if n.key != nil {
		return n.key
	}
	return n.Node
}

func (n *node) problem(file, path, message string) Problem {
	return Problem{File: file, Line: n.line(), Column: n.column(), Path: path, Message: message}
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
		return &node{Node: at.Content[i], skip: n.skip}
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
			found = &node{Node: value, key: key, skip: n.skip}
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
func (n *node) duplicates(file string) []Problem {
	var problems []Problem
	var visit func(at *node, path string)
	visit = func(at *node, path string) {
		if at.Kind == yamlv3.SequenceNode {
			for i, item := range at.Content {
				visit(&node{Node: item, skip: n.skip}, fmt.Sprintf("%s[%d]", path, i))
			}
			return
		}
		if at.Kind != yamlv3.MappingNode {
			return
		}
		first := map[string]*yamlv3.Node{}
		for i := 0; i+1 < len(at.Content); i += 2 {
			key := at.Content[i]
			child := &node{Node: at.Content[i+1], key: key, skip: n.skip}
			if earlier, twice := first[key.Value]; twice && key.Tag != "!!merge" {
				problems = append(problems, child.problem(file, join(path, key.Value),
					fmt.Sprintf("is written twice; line %d has it already and only one of them counts", earlier.Line+n.skip)))
			}
			first[key.Value] = key
			visit(child, join(path, key.Value))
		}
	}
	visit(n, "")
	return problems
}

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
