package result

import (
	"reflect"
)

// Tree gives the result as maps, lists, texts, numbers and booleans under its
// long keys, for expressions: report.latency.p99, report.codes["5xx"],
// report.phases["Burn"].latency.p95. What was not measured is not there.
func (r Result) Tree() map[string]any {
	tree := object(reflect.ValueOf(r))
	tree["codes"] = withClasses(r.Codes)
	if r.Errors == nil {
		tree["errors"] = map[string]any{}
	}
	return tree
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
		if missing(v.Field(i)) {
			continue
		}
		out[field.Tag.Get("long")] = plain(v.Field(i))
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
	case reflect.Slice:
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
