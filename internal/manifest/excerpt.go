package manifest

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"sync"

	api "sluice.dev/sluice/api/v1alpha1"
)

// An excerpt is a part of an object without the rest, as documentation shows them: the steps of a
// canary, a metric, a provider. Where it belongs is found by trying every type of the API.

// spot is a place in an object that an excerpt may come from.
type spot struct {
	kind  string
	path  string
	typ   reflect.Type
	shape *shape
	depth int
}

// roots are the kinds excerpts come from, the likeliest first.
var roots = []string{"Rollout", "AnalysisTemplate", "Experiment", "AnalysisRun"}

// spots are all places, those nearest to an object first, each type once.
var spots = sync.OnceValue(func() []spot {
	var found, next []spot
	for _, kind := range roots {
		t := known[group+" "+kind]
		next = append(next, spot{kind: kind, typ: t, shape: shapes().of(t)})
	}
	seen := map[reflect.Type]bool{}
	for len(next) > 0 {
		at := next[0]
		next = next[1:]
		if seen[at.typ] || at.depth > 12 {
			continue
		}
		seen[at.typ] = true
		if element(at.typ).PkgPath() == reflect.TypeFor[api.Rollout]().PkgPath() && at.shape.form >= object {
			found = append(found, at)
		}
		next = append(next, at.below()...)
	}
	return found
})

func element(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Slice {
		return target(t.Elem())
	}
	return t
}

// below are the places one level further in.
func (s spot) below() []spot {
	var found []spot
	switch s.typ.Kind() { //nolint:exhaustive // other kinds hold nothing with a name
	case reflect.Struct:
		if s.shape.form != object {
			return nil
		}
		fields := fieldsOf(s.typ)
		for _, name := range slices.Backward(slices.Sorted(maps.Keys(fields))) {
			if name != "status" && name != "metadata" {
				found = append(found, s.deeper(join(s.path, name), fields[name]))
			}
		}
	case reflect.Slice:
		found = append(found, s.deeper(s.path+"[0]", s.typ.Elem()))
	}
	return found
}

func (s spot) deeper(path string, t reflect.Type) spot {
	t = target(t)
	return spot{s.kind, path, t, shapes().of(t), s.depth + 1}
}

// isExcerpt tells that a value is no object of its own.
func isExcerpt(value any) bool {
	object, ok := value.(map[string]any)
	return !ok || object["apiVersion"] == nil && object["kind"] == nil
}

// candidate is a place with what believing in it costs.
type candidate struct {
	spot
	solution
}

// candidates are the places that may explain the lines, the cheapest first. A place with unknown fields
// is believed only when nearly all others are known there.
func candidates(entries []entry) []candidate {
	if len(entries) < 2 || len(entries) > maxEntries {
		return nil
	}
	var found []candidate
	for _, s := range spots() {
		if !s.begins(&entries[0]) {
			continue
		}
		solution := explainBy(entries, s.shape)
		if solution.wrong == 0 || solution.wrong*6 <= len(entries) {
			found = append(found, candidate{s, solution})
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return cmp.Compare(a.cost, b.cost) })
	return found
}

// begins tells that the excerpt may begin with an entry.
func (s spot) begins(e *entry) bool {
	shape := s.shape
	if (len(e.dashes) > 0) != (shape.form == list) {
		return false
	}
	if shape.form == list {
		shape = shape.elem
	}
	_, ok := shape.fields[e.key]
	return ok
}

// readExcerpt puts a part of an object where it belongs and reads the object around it. What fits
// nowhere is none of ours. Of the places that explain the lines equally well, the one that explains the
// values best is taken: those in brackets are no lines.
func readExcerpt(p *part, value any, root *node) ([]Document, []Problem) {
	found := candidates(readEntries(p.lines, nil))
	if len(found) == 0 {
		return nil, nil
	}
	best, least := found[0], -1
	for _, c := range found {
		if n := len(checkAt(c.spot, clone(value), root).problems); c.cost == found[0].cost && (least < 0 || n < least) {
			best, least = c, n
		}
	}
	c := checkAt(best.spot, value, root)
	whole, ok := around(best.path, value).(map[string]any)
	if !ok {
		return nil, nil
	}
	document := Document{
		File: p.file, Line: root.line(), APIVersion: group, Kind: best.kind, Excerpt: &best.path, Torn: p.torn, root: root,
		Object: decode(whole, known[group+" "+best.kind]), Left: c.left, Unknown: c.unknown,
	}
	return []Document{document}, append(root.duplicates(), c.problems...)
}

func checkAt(s spot, value any, root *node) *checker {
	c := &checker{}
	c.check(value, s.typ, place{root, s.path, nil})
	return c
}

// clone copies the objects and lists of a value, which a check takes values out of.
func clone(value any) any {
	switch v := value.(type) {
	case map[string]any:
		copied := make(map[string]any, len(v))
		for key, item := range v {
			copied[key] = clone(item)
		}
		return copied
	case []any:
		copied := make([]any, len(v))
		for i, item := range v {
			copied[i] = clone(item)
		}
		return copied
	}
	return value
}

// around builds the objects and lists of a path around a value.
func around(path string, value any) any {
	for _, part := range slices.Backward(parsePath(path)) {
		if _, err := strconv.Atoi(part); err == nil {
			value = []any{value}
		} else {
			value = map[string]any{part: value}
		}
	}
	return value
}
