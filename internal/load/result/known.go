package result

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"sluice.dev/sluice/internal/load/series"
)

// Scope is what is known of a test before it has run.
type Scope struct {
	// Compared says that a stable version is tested beside the new one.
	Compared bool
	// Phases are the names of the script's phases, empty when they are not known.
	Phases []string
}

// shape is what the tree may hold at a place: more shapes by their names, or, where it is nil, a value.
type shape map[string]shape

// anyCode and anyName stand in a shape for status codes and for names of the script's own.
const (
	anyCode = "*code"
	anyName = "*name"
)

var statusCode = regexp.MustCompile(`^[1-5](xx|[0-9][0-9])$`)

// Unknown says why no tree of a test can hold what a path names, and what it may hold there; why is
// empty when one can. What was not measured may still be missing from the tree of one run.
func Unknown(path []string, s Scope) (why string, has []string) {
	at, name := tree(), "report"
	for i, key := range path {
		if i == 0 && !s.Compared && (key == "canary" || key == "stable" || key == "ratio") {
			return "report." + key + " needs compareTarget", nil
		}
		if at == nil {
			return fmt.Sprintf("%s is a value and has no %s", name, key), nil
		}
		next, ok := at.at(key)
		if key == "" || !ok || strings.HasSuffix(name, "phases") && !s.phase(key) {
			return fmt.Sprintf("%s has no %s", name, key), at.names(s)
		}
		at, name = next, name+"."+key
	}
	return "", nil
}

// Below is what stands below a path in the tree of a test, empty when that is a value, or nothing at all.
func Below(path []string, s Scope) []string {
	at := tree()
	for _, key := range path {
		next, ok := at.at(key)
		if !ok {
			return nil
		}
		at = next
	}
	return at.names(s)
}

// phase says whether a phase may be called so; long names are cut in a result.
func (s Scope) phase(name string) bool {
	return len(s.Phases) == 0 || slices.ContainsFunc(s.Phases, func(known string) bool { return strings.HasPrefix(known, strings.TrimSuffix(name, "…")) })
}

func (s shape) at(key string) (shape, bool) {
	if next, ok := s[key]; ok {
		return next, true
	}
	if next, ok := s[anyName]; ok {
		return next, true
	}
	next, ok := s[anyCode]
	return next, ok && statusCode.MatchString(key)
}

// names are what may stand there, sorted.
func (s shape) names(scope Scope) []string {
	if _, open := s[anyName]; open {
		return scope.Phases
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(s)), func(name string) bool { return name == anyCode })
}

// tree is the shape of all results.
func tree() shape {
	out := shapeOf(reflect.TypeFor[Result]())
	side := shapeOf(reflect.TypeFor[Side]())
	out["canary"], out["stable"], out["ratio"] = side, side, side
	return out
}

func shapeOf(t reflect.Type) shape {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == reflect.TypeFor[[]Phase](), t == reflect.TypeFor[[]Endpoint]():
		return shape{anyName: shapeOf(t.Elem())}
	case t.Kind() != reflect.Struct:
		return nil
	}
	out := shape{}
	for i := range t.NumField() {
		switch long := t.Field(i).Tag.Get("long"); long {
		case "-":
		case "codes":
			out[long] = shape{anyCode: nil}
		case "errors":
			out[long] = classes()
			out[long]["total"], out[long]["rate"] = nil, nil
		case "causes":
			out[long] = classes()
		default:
			out[long] = shapeOf(t.Field(i).Type)
		}
	}
	return out
}

// classes are those of errors.
func classes() shape {
	out := shape{}
	for _, class := range series.Classes() {
		out[class] = nil
	}
	return out
}
