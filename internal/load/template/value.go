package template

import "encoding/json"

// Defined says whether a text's or a node's value is one: a variable that
// nothing defines has none, which JavaScript calls undefined.
func Defined(v any) bool {
	_, missing := v.(undefined)
	return !missing
}

// Value fills the placeholders in and returns what the node then is: objects,
// lists, texts, booleans, nil and numbers. A text that is exactly one
// placeholder keeps its value's kind, and may be undefined.
func (n Node) Value(s *Scope) any { return n.build(func(t Text) any { return t.Value(s) }) }

// Source is the node's value with its placeholders as they were written.
func (n Node) Source() any { return n.build(func(t Text) any { return t.Source() }) }

func (n Node) build(text func(Text) any) any {
	switch n.kind {
	case textNode:
		return text(n.text)
	case listNode:
		out := make([]any, len(n.items))
		for i, item := range n.items {
			out[i] = item.build(text)
		}
		return out
	case objectNode:
		out := make(map[string]any, len(n.items))
		for i, item := range n.items {
			out[Format(text(n.keys[i]))] = item.build(text)
		}
		return out
	case scalarNode:
	}
	var v any
	if json.Unmarshal(n.scalar, &v) != nil {
		return nil // a scalar is JSON: NewScalar wrote it
	}
	return v
}

// Fill fills the placeholders of every text in a value in, keys too, and
// returns a new value. A text that is no template stays as it is.
func Fill(v any, s *Scope) any {
	switch v := v.(type) {
	case string:
		t, err := ParseWith(v, s.Functions)
		if err != nil {
			return v
		}
		return t.Value(s)
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = Fill(item, s)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, item := range v {
			out[Format(Fill(key, s))] = Fill(item, s)
		}
		return out
	}
	return v
}

// Format writes a value as JavaScript joins it to a text, objects as JSON.
func Format(v any) string { return format(v) }

// AppendJSON writes a value as JSON; undefined is null.
func AppendJSON(dst []byte, v any) []byte { return appendJSON(dst, clean(v)) }

// clean leaves fields without a value out, as JSON.stringify does.
func clean(v any) any {
	switch v := v.(type) {
	case undefined:
		return nil
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = clean(item)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, item := range v {
			if Defined(item) {
				out[key] = clean(item)
			}
		}
		return out
	}
	return v
}
