package script

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"
)

// Bounds on a script, so that no script can make the reader work for long:
// aliases can turn a few lines into billions of values.
const (
	MaxBytes  = 1 << 20
	maxValues = 200_000
	maxCopies = 50_000 // of these, by aliases
	maxDepth  = 64
	maxKeys   = 5_000
	maxText   = 2 * MaxBytes // with the texts of aliases each time
)

type kind int

const (
	nothing kind = iota
	scalar       // a boolean, a number or a text
	list
	object
)

// value is a piece of a script that knows where it was written.
type value struct {
	at     Position
	kind   kind
	scalar any // bool, int64, float64 or string
	items  []*value
	fields []field
}

type field struct {
	key   string
	at    Position
	value *value
}

// get returns the value of a key, or nil.
func (v *value) get(key string) *value {
	if v == nil {
		return nil
	}
	for _, f := range v.fields {
		if f.key == key {
			return f.value
		}
	}
	return nil
}

// set gives a key a new value and leaves the receiver as it was.
func (v *value) set(key string, to *value) *value {
	out := *v
	out.fields = make([]field, 0, len(v.fields)+1)
	found := false
	for _, f := range v.fields {
		if f.key == key {
			f.value, found = to, true
		}
		out.fields = append(out.fields, f)
	}
	if !found {
		out.fields = append(out.fields, field{key: key, at: to.at, value: to})
	}
	return &out
}

// describe says what the value is, for messages.
func (v *value) describe() string {
	switch v.kind {
	case nothing:
		return "nothing"
	case list:
		return "a list"
	case object:
		return "a map"
	case scalar:
	}
	if s, ok := v.scalar.(string); ok {
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprint(v.scalar)
}

// plain turns the value into what JSON has.
func (v *value) plain() any {
	switch v.kind {
	case list:
		out := make([]any, len(v.items))
		for i, item := range v.items {
			out[i] = item.plain()
		}
		return out
	case object:
		out := make(map[string]any, len(v.fields))
		for _, f := range v.fields {
			out[f.key] = f.value.plain()
		}
		return out
	case scalar:
		return v.scalar
	case nothing:
	}
	return nil
}

// wrap is the opposite of plain for the values a template can give.
func wrap(at Position, v any) *value {
	switch v := v.(type) {
	case nil:
		return &value{at: at, kind: nothing}
	case []any:
		out := &value{at: at, kind: list}
		for _, item := range v {
			out.items = append(out.items, wrap(at, item))
		}
		return out
	case map[string]any:
		out := &value{at: at, kind: object}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			out.fields = append(out.fields, field{key: key, at: at, value: wrap(at, v[key])})
		}
		return out
	}
	return &value{at: at, kind: scalar, scalar: v}
}

// reader turns YAML into values. It reads plain scalars as Artillery's YAML
// library does, which no Go library does in full.
type reader struct {
	file  string
	count int
	text  int // bytes of all values
	// copies counts the values below aliases, aliases how many of these the reader is inside of.
	copies, aliases int
}

// read parses a whole document, YAML or JSON.
func read(file string, data []byte) (*value, *Problem) {
	at := Position{File: file}
	if len(data) > MaxBytes {
		return nil, &Problem{At: at, Code: CodeSyntax, Text: fmt.Sprintf("the script is larger than %d bytes", MaxBytes)}
	}
	if isJSON(data) {
		data = jsonAsYAML(data)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var doc, second yaml.Node
	if err := decoder.Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
		return nil, syntaxProblem(file, data, err)
	}
	if len(doc.Content) == 0 {
		return nil, &Problem{At: at, Code: CodeSyntax, Text: "the script is empty"}
	}
	if err := decoder.Decode(&second); err == nil {
		return nil, &Problem{At: Position{File: file, Line: second.Line, Column: second.Column}, Code: CodeSyntax, Text: "a script is one document, and here a second one begins"}
	} else if !errors.Is(err, io.EOF) {
		return nil, syntaxProblem(file, data, err)
	}
	r := &reader{file: file}
	v, err := r.value(doc.Content[0], 0)
	var problem Problem
	if errors.As(err, &problem) {
		problem.Code = CodeSyntax
		return nil, &problem
	}
	return v, nil
}

var errTooLarge = fmt.Errorf("the script has more than %d values, %d of them by aliases, or is nested more than %d deep (aliases count each time)", maxValues, maxCopies, maxDepth)

func (r *reader) position(n *yaml.Node) Position {
	return Position{File: r.file, Line: n.Line, Column: n.Column}
}

func (r *reader) value(n *yaml.Node, depth int) (*value, error) {
	if r.count++; r.aliases > 0 {
		r.copies++
	}
	if r.count > maxValues || r.copies > maxCopies || depth > maxDepth {
		return nil, Problem{At: r.position(n), Text: errTooLarge.Error()}
	}
	switch n.Kind {
	case yaml.AliasNode:
		r.aliases++
		v, err := r.value(n.Alias, depth+1)
		r.aliases--
		return v, err
	case yaml.SequenceNode:
		return r.sequence(n, depth)
	case yaml.MappingNode:
		return r.object(n, depth)
	case yaml.ScalarNode:
		return r.leaf(n)
	case yaml.DocumentNode:
	}
	return nil, Problem{At: r.position(n), Text: "this is not a value"}
}

func (r *reader) sequence(n *yaml.Node, depth int) (*value, error) {
	out := &value{at: r.position(n), kind: list}
	for _, item := range n.Content {
		v, err := r.value(item, depth+1)
		if err != nil {
			return nil, err
		}
		out.items = append(out.items, v)
	}
	return out, nil
}

func (r *reader) leaf(n *yaml.Node) (*value, error) {
	at := r.position(n)
	if r.text += len(n.Value); r.text > maxText {
		return nil, Problem{At: at, Text: fmt.Sprintf("the script has more than %d bytes of text (aliases count each time)", maxText)}
	}
	s, err := resolve(n)
	if err != nil {
		return nil, Problem{At: at, Text: err.Error()}
	}
	if s == nil {
		return &value{at: at, kind: nothing}, nil
	}
	return &value{at: at, kind: scalar, scalar: s}, nil
}

func (r *reader) object(n *yaml.Node, depth int) (*value, error) {
	out := &value{at: r.position(n), kind: object}
	if len(n.Content) > 2*maxKeys {
		return nil, Problem{At: out.at, Text: fmt.Sprintf("the map has more than %d keys", maxKeys)}
	}
	var merged []field
	seen := make(map[string]bool, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		keyNode, valueNode := n.Content[i], n.Content[i+1]
		if keyNode.Kind != yaml.ScalarNode {
			return nil, r.noKey(keyNode)
		}
		v, err := r.value(valueNode, depth+1)
		if err != nil {
			return nil, err
		}
		if keyNode.Value == "<<" && keyNode.Style&quoted == 0 {
			more, err := mergeKey(v)
			if err != nil {
				return nil, Problem{At: r.position(valueNode), Text: err.Error()}
			}
			merged = append(merged, more...)
			continue
		}
		key := keyOf(keyNode)
		if seen[key] {
			return nil, Problem{At: r.position(keyNode), Text: fmt.Sprintf("the key %q is there twice", key)}
		}
		seen[key] = true
		out.fields = append(out.fields, field{key: key, at: r.position(keyNode), value: v})
	}
	// A key of its own wins over a merged one, an earlier merged one over a later one.
	if len(out.fields)+len(merged) > maxKeys {
		return nil, Problem{At: out.at, Text: fmt.Sprintf("the map has more than %d keys, with those of <<", maxKeys)}
	}
	for _, f := range merged {
		if !seen[f.key] {
			seen[f.key] = true
			out.fields = append(out.fields, f)
		}
	}
	return out, nil
}

// noKey says that a key is no text, as {{ name }} without quotes, which is a map with a map for a key.
func (r *reader) noKey(n *yaml.Node) Problem {
	p := Problem{At: r.position(n), Text: "a key must be a text"}
	if n.Kind == yaml.MappingNode {
		p.Instead = `a text that begins with a placeholder stands in quotes: "{{ name }}"`
	}
	return p
}

// keyOf reads a key as JavaScript does, where the key 010 is "8".
func keyOf(n *yaml.Node) string {
	if n.Style&(quoted|yaml.TaggedStyle) != 0 {
		return n.Value
	}
	switch v := resolvePlain(n.Value).(type) {
	case nil:
		return "null"
	case int64, float64, bool:
		return asText(v)
	}
	return n.Value
}

func mergeKey(v *value) ([]field, error) {
	if v.kind == object {
		return v.fields, nil
	}
	var fields []field
	for _, item := range v.items {
		if item.kind != object {
			return nil, errors.New("<< merges maps only")
		}
		fields = append(fields, item.fields...)
	}
	if v.kind != list {
		return nil, errors.New("<< merges maps only")
	}
	return fields, nil
}

// merge lays over onto base, map by map; lists and scalars are replaced.
func merge(base, over *value) *value {
	if base == nil || base.kind != object || over.kind != object {
		return over
	}
	return lay(base, over, merge)
}

// lay gives a map the fields of another one; what both have is joined. The receiver's order stays.
func lay(base, over *value, join func(base, over *value) *value) *value {
	out := *base
	out.fields = slices.Clone(base.fields)
	place := make(map[string]int, len(base.fields)+len(over.fields))
	for i, f := range out.fields {
		place[f.key] = i
	}
	for _, f := range over.fields {
		if i, known := place[f.key]; known {
			out.fields[i].value = join(out.fields[i].value, f.value)
			continue
		}
		place[f.key] = len(out.fields)
		out.fields = append(out.fields, field{key: f.key, at: f.value.at, value: f.value})
	}
	return &out
}
