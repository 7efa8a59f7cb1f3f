package template

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
)

// Node is a JSON value whose texts may hold placeholders. Objects keep the
// order in which the script writes their fields.
type Node struct {
	kind   nodeKind
	scalar []byte
	text   Text
	items  []Node
	keys   []Text
}

type nodeKind int

const (
	scalarNode nodeKind = iota
	textNode
	listNode
	objectNode
)

// NewScalar returns a node for a number, a boolean or nil.
func NewScalar(v any) Node { return Node{kind: scalarNode, scalar: appendJSON(nil, v)} }

// NewText returns a node for a text.
func NewText(t Text) Node { return Node{kind: textNode, text: t} }

// NewList returns a node for a list.
func NewList(items []Node) Node { return Node{kind: listNode, items: items} }

// NewObject returns a node for an object; keys[i] belongs to values[i].
func NewObject(keys []Text, values []Node) Node {
	return Node{kind: objectNode, keys: keys, items: values}
}

// IsStatic says whether the node renders to the same bytes every time.
func (n Node) IsStatic() bool {
	if n.kind == textNode {
		return n.text.IsStatic()
	}
	for _, key := range n.keys {
		if !key.IsStatic() {
			return false
		}
	}
	for _, item := range n.items {
		if !item.IsStatic() {
			return false
		}
	}
	return true
}

// AppendJSON renders the node. A field whose value is undefined is left out, a
// list's undefined element is null, as JSON.stringify does.
func (n Node) AppendJSON(dst []byte, s *Scope) []byte {
	switch n.kind {
	case textNode:
		return appendJSON(dst, n.text.Value(s))
	case listNode:
		dst = append(dst, '[')
		for i, item := range n.items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = item.AppendJSON(dst, s)
		}
		return append(dst, ']')
	case objectNode:
		return n.appendObject(dst, s)
	case scalarNode:
	}
	return append(dst, n.scalar...)
}

func (n Node) appendObject(dst []byte, s *Scope) []byte {
	dst = append(dst, '{')
	start := len(dst)
	for i, item := range n.items {
		before := len(dst)
		if before > start {
			dst = append(dst, ',')
		}
		dst = appendJSON(dst, n.keys[i].String(s))
		dst = append(dst, ':')
		if item.kind == textNode {
			v := item.text.Value(s)
			if _, missing := v.(undefined); missing {
				dst = dst[:before]
				continue
			}
			dst = appendJSON(dst, v)
			continue
		}
		dst = item.AppendJSON(dst, s)
	}
	return append(dst, '}')
}

func appendJSON(dst []byte, v any) []byte {
	switch v := v.(type) {
	case undefined:
		return append(dst, "null"...)
	case int64:
		return strconv.AppendInt(dst, v, 10)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return append(dst, "null"...)
		}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		// Values come from YAML and JSON, which hold nothing that JSON cannot.
		return append(dst, "null"...)
	}
	return append(dst, bytes.TrimRight(b.Bytes(), "\n")...)
}

// format writes a value as JavaScript joins it to a text, objects as JSON.
func format(v any) string {
	switch v := v.(type) {
	case undefined:
		return "undefined"
	case string:
		return v
	}
	return string(appendJSON(nil, v))
}
