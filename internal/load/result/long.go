package result

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// Long writes the result as one JSON object under its long keys, for files that people and programs of
// theirs read. What only merging needs is not in it.
func (r Result) Long() (json.RawMessage, error) {
	r.Part = nil
	if r.Stable != nil {
		side := *r.Stable
		side.Part, r.Stable = nil, &side
	}
	text, err := renamed(r, "json", "long")
	if err != nil {
		return nil, fmt.Errorf("writing a load test's result: %w", err)
	}
	return text, nil
}

// ParseLong reads what Long wrote. It returns ErrNotAResult when the text is something else.
func ParseLong(text []byte) (Result, error) {
	var document map[string]any
	if err := decode(text, &document); err != nil || document == nil {
		return Result{}, ErrNotAResult
	}
	short, err := renamed(document, "long", "json")
	if err != nil {
		return Result{}, fmt.Errorf("reading a load test's result: %w", err)
	}
	return Parse(short)
}

// renamed writes a result, or a document of one, with the keys of one struct tag as those of another.
func renamed(v any, from, to string) (json.RawMessage, error) {
	text, err := encode(v)
	if err != nil {
		return nil, err
	}
	var document any
	if err := decode(text, &document); err != nil {
		return nil, err
	}
	return encode(rekeyed(document, reflect.TypeFor[Result](), from, to))
}

// decode keeps numbers as they are written.
func decode(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return d.Decode(into)
}

// rekeyed renames the keys of a document that has the shape of a type; a key that the type does not have is dropped.
func rekeyed(v any, t reflect.Type, from, to string) any {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch v := v.(type) {
	case []any:
		if t.Kind() != reflect.Slice && t.Kind() != reflect.Array {
			return v
		}
		out := make([]any, len(v))
		for i := range v {
			out[i] = rekeyed(v[i], t.Elem(), from, to)
		}
		return out
	case map[string]any:
		if t.Kind() != reflect.Struct {
			return v
		}
		out := map[string]any{}
		for i := range t.NumField() {
			f := t.Field(i)
			if value, there := v[keyOf(f, from)]; there && f.Tag.Get("long") != "-" {
				out[keyOf(f, to)] = rekeyed(value, f.Type, from, to)
			}
		}
		return out
	}
	return v
}

func keyOf(f reflect.StructField, tag string) string {
	key, _, _ := strings.Cut(f.Tag.Get(tag), ",")
	return key
}
