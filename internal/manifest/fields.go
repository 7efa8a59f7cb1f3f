package manifest

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/intstr"

	api "sluice.dev/sluice/api/v1alpha1"
)

// place is a value of the document: where it stands, what it is called, and the types around it.
type place struct {
	at     *node
	path   string
	around []reflect.Type // the structs from the root down to this one
}

func (p place) under(key string) place {
	at := p.at.child(key)
	if at == nil {
		at = p.at
	}
	return place{at, join(p.path, key), p.around}
}

func (p place) item(i int) place {
	at := p.at.child(fmt.Sprint(i))
	if at == nil {
		at = p.at
	}
	return place{at, fmt.Sprintf("%s[%d]", p.path, i), p.around}
}

// checker compares a decoded document with a Go type and collects everything that does not fit.
// Values of the wrong type are taken out of the document, so that the rest of it can be decoded.
type checker struct {
	problems []Problem
	left     []string // paths of what was taken out
	unknown  []string // paths of fields that do not exist
	secret   bool     // no value may be repeated
}

func (c *checker) report(rule Rule, p place, message, fix string) {
	problem := p.at.problem(rule, p.path, message)
	problem.Fix = fix
	c.problems = append(c.problems, problem)
}

// mistype reports a value of the wrong type. It returns false, the answer of check to such a value.
func (c *checker) mistype(p place, message, fix string) bool {
	c.left = append(c.left, p.path)
	c.report(RuleType, p, message, fix)
	return false
}

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

// check tells whether a value has the right type. Whoever holds one that has not lets go of it.
func (c *checker) check(value any, t reflect.Type, p place) bool {
	if value == nil {
		return true // null means "not given" everywhere in Kubernetes
	}
	t = target(t)
	if reflect.PointerTo(t).Implements(unmarshaler) {
		return c.custom(value, t, p)
	}
	switch t.Kind() {
	case reflect.Struct:
		return c.structure(value, t, p)
	case reflect.Map:
		return c.mapping(value, t, p)
	case reflect.Slice, reflect.Array:
		return c.sequence(value, t, p)
	case reflect.Interface:
		return true
	default:
		return c.scalar(value, t, p)
	}
}

// custom asks the type itself: quantities, times and "integer or string" have their own rules.
func (c *checker) custom(value any, t reflect.Type, p place) bool {
	text, err := json.Marshal(value)
	if err == nil {
		err = json.Unmarshal(text, reflect.New(t).Interface())
	}
	if err != nil {
		return c.mistype(p, fmt.Sprintf("%s is not a %s: %s", text, words(t.Name()), plain(err)), "")
	}
	return true
}

func (c *checker) structure(value any, t reflect.Type, p place) bool {
	object, ok := value.(map[string]any)
	if !ok {
		return c.mistype(p, "must hold fields, not "+c.describe(value), cmp.Or(pausing(value, t), scripting(value, t)))
	}
	fields := fieldsOf(t)
	p.around = append(p.around[:len(p.around):len(p.around)], t)
	for _, key := range sortedKeys(object) {
		field, ok := fields[key]
		if !ok {
			c.unknown = append(c.unknown, join(p.path, key))
			c.report(RuleUnknown, p.under(key), "unknown field", placement(key, p, t))
			continue
		}
		if !c.check(object[key], field, p.under(key)) {
			delete(object, key)
		}
	}
	return true
}

// pausing says how a pause is written for which only its length is given.
func pausing(value any, t reflect.Type) string {
	if t != reflect.TypeFor[api.RolloutPause]() {
		return ""
	}
	pause := api.RolloutPause{}
	switch length := value.(type) {
	case json.Number:
		duration := intstr.Parse(length.String())
		pause.Duration = &duration
	case string:
		duration := intstr.Parse(length)
		pause.Duration = &duration
	}
	if pause.Duration == nil {
		return "write pause: {}, or with a duration pause: {duration: 5m}"
	}
	if _, err := pause.DurationSeconds(); err != nil {
		return "write pause: {}, or with a duration pause: {duration: 5m}"
	}
	return fmt.Sprintf("write pause: {duration: %s}", pause.Duration)
}

// scripting says where the script of a load test stands, or the ConfigMap that holds it.
func scripting(value any, t reflect.Type) string {
	text, ok := value.(string)
	switch {
	case !ok:
	case t == reflect.TypeFor[api.LoadTestScript]():
		return "write inline: | and the script below it, indented further"
	case t == reflect.TypeFor[api.ConfigMapKeyRef]():
		return fmt.Sprintf("write configMap: {name: %s, key: script.yaml}", text)
	}
	return ""
}

func (c *checker) mapping(value any, t reflect.Type, p place) bool {
	object, ok := value.(map[string]any)
	if !ok {
		return c.mistype(p, "must be a mapping of names to values, not "+c.describe(value), "")
	}
	for _, key := range sortedKeys(object) {
		if !c.check(object[key], t.Elem(), p.under(key)) {
			delete(object, key)
		}
	}
	return true
}

func (c *checker) sequence(value any, t reflect.Type, p place) bool {
	if t.Elem().Kind() == reflect.Uint8 {
		return c.bytes(value, t, p)
	}
	items, ok := value.([]any)
	if !ok {
		return c.mistype(p, "must be a list, not "+c.describe(value), "begin each item with a dash")
	}
	for i, item := range items {
		if !c.check(item, t.Elem(), p.item(i)) {
			items[i] = nil // the others keep their places
		}
	}
	return true
}

func (c *checker) bytes(value any, t reflect.Type, p place) bool {
	if t.Name() == "RawMessage" {
		return true
	}
	text, ok := value.(string)
	if !ok {
		return c.mistype(p, "must be a string in base64, not "+c.describe(value), "")
	}
	if _, err := base64.StdEncoding.DecodeString(text); err != nil {
		return c.mistype(p, "is not base64", "in a Secret, plain text belongs under stringData")
	}
	return true
}

func (c *checker) scalar(value any, t reflect.Type, p place) bool {
	switch t.Kind() {
	case reflect.String:
		if _, ok := value.(string); !ok {
			fix := ""
			if _, ok := value.(json.Number); ok && t == reflect.TypeFor[api.DurationString]() {
				fix = fmt.Sprintf("write a number with a unit, such as %ss", p.at.Value)
			} else if strings.HasSuffix(p.path, ".script.inline") {
				fix = "write inline: | so that what stands below it is a text"
			} else if p.at.Value != "" && !c.secret {
				fix = fmt.Sprintf("write %q, with the quotes", p.at.Value)
			}
			return c.mistype(p, "must be a string, but YAML reads "+c.describe(value), fix)
		}
	case reflect.Bool:
		if _, ok := value.(bool); !ok {
			return c.mistype(p, "must be true or false, not "+c.describe(value), "")
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return c.number(value, t, p, "must be a whole number")
	default:
		return c.number(value, t, p, "must be a number")
	}
	return true
}

func (c *checker) number(value any, t reflect.Type, p place, rule string) bool {
	number, ok := value.(json.Number)
	if !ok {
		fix := ""
		if text, isText := value.(string); isText && !c.secret && json.Unmarshal([]byte(text), reflect.New(t).Interface()) == nil {
			fix = "write " + text + " without quotes"
		} else if share, percent := strings.CutSuffix(text, "%"); percent && strings.HasSuffix(p.path, ".setWeight") && json.Unmarshal([]byte(share), new(int32)) == nil {
			fix = "write setWeight: " + share
		}
		return c.mistype(p, rule+", not "+c.describe(value), fix)
	}
	if json.Unmarshal([]byte(number), reflect.New(t).Interface()) != nil {
		return c.mistype(p, fmt.Sprintf("%s that a %s can hold, not %s", rule, t.Kind(), number), "")
	}
	return true
}

// fieldsOf lists the JSON names of a struct with their types, embedded structs included.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	fields := map[string]reflect.Type{}
	for field := range t.Fields() {
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case name == "-" || !field.IsExported() && !field.Anonymous:
		case name != "":
			fields[name] = field.Type
		case field.Anonymous || strings.Contains(options, "inline"):
			maps.Copy(fields, fieldsOf(target(field.Type)))
		default:
			fields[field.Name] = field.Type
		}
	}
	return fields
}

// target is the struct a field holds or points to; every embedded one here is one.
func target(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// describe names a value, or only its kind when it is a secret.
func (c *checker) describe(value any) string {
	if !c.secret {
		return describe(value)
	}
	switch value.(type) {
	case bool:
		return "a boolean"
	case json.Number:
		return "a number"
	case string:
		return "a text"
	}
	return describe(value)
}

// describe names a value the way its author would.
func describe(value any) string {
	switch v := value.(type) {
	case bool:
		return fmt.Sprintf("the boolean %t", v)
	case json.Number:
		return "the number " + v.String()
	case string:
		if len(v) > 40 {
			v = v[:40] + "…"
		}
		return fmt.Sprintf("the text %q", v)
	case []any:
		return "a list"
	case map[string]any:
		return "a mapping"
	default:
		return "nothing"
	}
}

// words splits a type's name: IntOrString → "int or string".
func words(name string) string {
	var b strings.Builder
	for i, r := range name {
		if i > 0 && r >= 'A' && r <= 'Z' {
			b.WriteByte(' ')
		}
		b.WriteString(strings.ToLower(string(r)))
	}
	return b.String()
}

func plain(err error) string {
	return strings.TrimPrefix(err.Error(), "json: ")
}
