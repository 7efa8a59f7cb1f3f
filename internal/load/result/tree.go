package result

import (
	"maps"
	"math"
	"reflect"
	"slices"

	"sluice.dev/sluice/internal/load/series"
)

// Tree gives the result as maps, lists, texts, numbers and booleans under its
// long keys, for expressions: report.latency.p99, report.codes["5xx"],
// report.phases["Burn"].latency.p95. What was not measured is not there.
//
// Where two versions were compared, report.canary and report.stable hold the
// same numbers of each, and report.ratio the first divided by the second.
//
// What did not fit into the document is not there either: it would read as 0.
func (r Result) Tree() map[string]any {
	tree := object(reflect.ValueOf(r))
	if slices.Contains(r.Truncated, "all") {
		maps.DeleteFunc(tree, func(name string, _ any) bool { return !slices.Contains(least, name) })
		return tree
	}
	if slices.Contains(r.Truncated, "codes") && len(r.Codes) == 0 {
		delete(tree, "codes")
	} else {
		tree["codes"] = withClasses(r.Codes)
	}
	tree["errors"] = r.canary().errors(r.lost())
	if r.Stable == nil {
		return tree
	}
	canary, stable := r.canary().tree(r.lost()), r.Stable.tree(r.lost())
	tree["canary"], tree["stable"], tree["ratio"] = canary, stable, map[string]any{}
	if r.Stable.Why == "" {
		tree["ratio"] = ratio(canary, stable)
	}
	return tree
}

// least are what is left of a result of which all else did not fit.
var least = []string{"version", "verdict", "why", "truncated", "share"}

// canary is the result's own side, in the words of the other.
func (r Result) canary() Side {
	return Side{
		Arrivals: r.Arrivals, Requests: r.Requests, ErrorRate: r.ErrorRate, Codes: r.Codes, Errors: r.Errors, Causes: r.Causes,
		Latency: r.Latency, FirstByte: r.FirstByte, Phases: r.Phases,
	}
}

func (s Side) tree(lost bool) map[string]any {
	tree := object(reflect.ValueOf(s))
	tree["codes"] = withClasses(s.Codes)
	tree["errors"] = s.errors(lost)
	return tree
}

// lost says that counts did not fit into the document.
func (r Result) lost() bool {
	return slices.ContainsFunc(r.Truncated, func(key string) bool { return key == "codes" || key == "err" || key == "all" })
}

// errors are the classes of errors, how many requests went wrong in all,
// answers of 5xx included, and their share.
func (s Side) errors(lost bool) map[string]any {
	out := map[string]any{}
	var total int64
	for class, n := range s.Errors {
		out[class] = float64(n)
		if series.Unanswered(class) {
			total += n
		}
	}
	for code, n := range s.Codes {
		if classOf(code) == "5xx" {
			total += n
		}
	}
	if lost {
		total = max(total, int64(math.Round(s.ErrorRate*float64(s.Requests))))
	}
	out["total"], out["rate"] = float64(total), s.ErrorRate
	return out
}

// ratio divides number by number. What one of the two does not have, and what
// the second has as 0, has no ratio.
func ratio(over, under map[string]any) map[string]any {
	out := map[string]any{}
	for name, v := range over {
		switch v := v.(type) {
		case float64:
			if name == "from" || name == "to" {
				continue // when a phase was is the same for both
			}
			if by, ok := under[name].(float64); ok && by != 0 {
				out[name] = v / by
			}
		case map[string]any:
			if by, ok := under[name].(map[string]any); ok && name != "causes" {
				out[name] = ratio(v, by)
			}
		}
	}
	return out
}

// withClasses adds "1xx" to "5xx", which are there even when they are 0.
func withClasses(codes map[string]int64) map[string]any {
	out := map[string]any{"1xx": 0.0, "2xx": 0.0, "3xx": 0.0, "4xx": 0.0, "5xx": 0.0}
	for code, n := range codes {
		class := classOf(code)
		if sum, ok := out[class].(float64); ok {
			out[class] = sum + float64(n)
		}
		if class != code {
			out[code] = float64(n)
		}
	}
	return out
}

// classOf is "5xx" for "503" and for "5xx" itself.
func classOf(code string) string {
	if len(code) != 3 {
		return code
	}
	return code[:1] + "xx"
}

func object(v reflect.Value) map[string]any {
	out := map[string]any{}
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if long := field.Tag.Get("long"); long != "-" && !missing(v.Field(i)) {
			out[long] = plain(v.Field(i))
		}
	}
	return out
}

// missing says whether a field holds what was not measured.
func missing(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return v.IsZero()
	default:
		return false
	}
}

func plain(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Pointer:
		return plain(v.Elem())
	case reflect.Struct:
		return object(v)
	case reflect.Slice, reflect.Array:
		return slice(v)
	case reflect.Map:
		out := map[string]any{}
		for _, key := range v.MapKeys() {
			out[key.String()] = plain(v.MapIndex(key))
		}
		return out
	case reflect.Int, reflect.Int64:
		return float64(v.Int())
	case reflect.String:
		return v.String() // a verdict too is a plain text in the tree
	default:
		return v.Interface()
	}
}

// slice gives a list, or a map by name when its elements have names.
func slice(v reflect.Value) any {
	if v.Type() == reflect.TypeFor[[]Phase]() || v.Type() == reflect.TypeFor[[]Endpoint]() {
		out := map[string]any{}
		for i := range v.Len() {
			element := object(v.Index(i))
			name, _ := element["name"].(string)
			out[name] = element
		}
		return out
	}
	out := make([]any, v.Len())
	for i := range out {
		out[i] = plain(v.Index(i))
	}
	return out
}
