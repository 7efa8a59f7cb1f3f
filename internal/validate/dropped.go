package validate

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	api "sluice.dev/sluice/api/v1alpha1"
)

const (
	// maxDropped is how many dropped fields are named.
	maxDropped = 10
	// maxKey bounds one part of a path, in bytes: a key is what somebody typed.
	maxKey = 60
)

// Dropped names the fields that a manifest was applied with and this API does not have: the server has
// dropped them without a word, and only the annotation kubectl leaves still shows them. Paths are told,
// with the field that was probably meant, and never values.
func Dropped(rollout *api.Rollout) []string {
	applied := rollout.Annotations[api.AnnotationLastApplied]
	if applied == "" {
		return nil
	}
	var object any
	if json.Unmarshal([]byte(applied), &object) != nil {
		return nil // not what kubectl writes: nothing can be said
	}
	var found dropped
	found.walk("", object, reflect.TypeFor[api.Rollout]())
	if more := len(found) - maxDropped; more > 0 {
		found = append(found[:maxDropped], fmt.Sprintf("%d more", more))
	}
	return found
}

type dropped []string

var decodesItself = reflect.TypeFor[json.Unmarshaler]()

func (d *dropped) walk(path string, value any, t reflect.Type) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if reflect.PointerTo(t).Implements(decodesItself) {
		return
	}
	switch v := value.(type) {
	case map[string]any:
		d.walkObject(path, v, t)
	case []any:
		if t.Kind() != reflect.Slice {
			return // of the wrong type: the server has said so
		}
		for i, item := range v {
			d.walk(fmt.Sprintf("%s[%d]", path, i), item, t.Elem())
		}
	}
}

func (d *dropped) walkObject(path string, object map[string]any, t reflect.Type) {
	fields := map[string]reflect.Type{}
	switch t.Kind() {
	case reflect.Struct:
		jsonFields(fields, t)
	case reflect.Map:
		for key := range object {
			fields[key] = t.Elem()
		}
	default:
		return
	}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		at := strings.TrimPrefix(path+"."+clip(key), ".")
		if field, known := fields[key]; known {
			d.walk(at, object[key], field)
			continue
		}
		if near := nearest(key, fields); near != "" {
			at += fmt.Sprintf(" (did you mean %s?)", near)
		}
		*d = append(*d, at)
	}
}

// jsonFields are the fields of a struct by the name they have in JSON, embedded ones included.
func jsonFields(fields map[string]reflect.Type, t reflect.Type) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			jsonFields(fields, f.Type)
		case name != "" && name != "-":
			fields[name] = f.Type
		}
	}
}

func clip(key string) string {
	if len(key) <= maxKey {
		return key
	}
	return strings.ToValidUTF8(key[:maxKey], "") + "…"
}

// nearest is the field whose name differs from word by the fewest letters, if they are few.
func nearest(word string, fields map[string]reflect.Type) string {
	best, least := "", len(word)/3+1
	if len(word) > maxKey {
		return ""
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if n := edits(strings.ToLower(word), strings.ToLower(name)); n < least {
			best, least = name, n
		}
	}
	return best
}

// edits counts the letters to add, drop or replace to make b out of a.
func edits(a, b string) int {
	above := make([]int, len(b)+1)
	for j := range above {
		above[j] = j
	}
	for i := range len(a) {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			replaced := above[j]
			if a[i] != b[j] {
				replaced++
			}
			row[j+1] = min(replaced, above[j+1]+1, row[j]+1)
		}
		above = row
	}
	return above[len(b)]
}
