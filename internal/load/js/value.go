package js

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"time"

	"github.com/dop251/goja"
)

// What one value may be made of when it crosses.
const (
	maxNodes  = 1 << 20
	maxNested = 200
)

// value makes a JavaScript value of a JSON one. Lists and objects are copies.
func (r *Runtime) value(v any) goja.Value {
	switch v := v.(type) {
	case nil:
		return goja.Null()
	case map[string]any:
		return object(r, v, r.value)
	case map[string]string:
		return object(r, v, func(text string) goja.Value { return r.vm.ToValue(text) })
	case []any:
		items := make([]any, len(v))
		for i, item := range v {
			items[i] = r.value(item)
		}
		return r.vm.NewArray(items...)
	case bool, string, int, int64, float64:
		return r.vm.ToValue(v)
	case time.Time:
		o, err := r.vm.New(r.vm.Get("Date"), r.vm.ToValue(v.UnixMilli()))
		if err != nil {
			return goja.Null()
		}
		return o
	}
	// json.Number and other kinds of numbers, and whatever else prints itself.
	text := fmt.Sprint(v)
	if f, err := strconv.ParseFloat(text, 64); err == nil {
		return r.vm.ToValue(f)
	}
	return r.vm.ToValue(text)
}

// object makes an object of a map.
func object[V any](r *Runtime, m map[string]V, value func(V) goja.Value) *goja.Object {
	o := r.vm.NewObject()
	for _, name := range sortedKeys(m) {
		r.set(o, name, value(m[name]))
	}
	return o
}

func sortedKeys[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// exporter makes JSON values of JavaScript ones.
type exporter struct {
	nodes int
	path  []*goja.Object
}

// plain makes a JSON value of a JavaScript one; absent are undefined, functions and symbols.
func plain(v goja.Value) (value any, present bool, err error) {
	return (&exporter{}).value(v)
}

func (e *exporter) value(v goja.Value) (value any, present bool, err error) {
	if e.nodes++; e.nodes > maxNodes {
		return nil, false, fmt.Errorf("a value is made of more than %d others", maxNodes)
	}
	switch {
	case v == nil || goja.IsUndefined(v):
		return nil, false, nil
	case goja.IsNull(v):
		return nil, true, nil
	}
	if o, ok := v.(*goja.Object); ok {
		return e.object(o)
	}
	if _, symbol := v.(*goja.Symbol); symbol {
		return nil, false, nil
	}
	switch x := v.Export().(type) {
	case float64:
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return nil, true, nil
		}
		return x, true, nil
	case *big.Int:
		return x.String(), true, nil
	case int64, bool, string:
		return x, true, nil
	}
	return v.String(), true, nil
}

func (e *exporter) object(o *goja.Object) (any, bool, error) {
	if len(e.path) >= maxNested {
		return nil, false, fmt.Errorf("a value is nested more than %d deep", maxNested)
	}
	if slices.Contains(e.path, o) {
		return nil, false, fmt.Errorf("a value holds itself")
	}
	e.path = append(e.path, o)
	defer func() { e.path = e.path[:len(e.path)-1] }()
	switch o.ClassName() {
	case "Function":
		return nil, false, nil
	case "Number", "String", "Boolean", "BigInt":
		if f, ok := goja.AssertFunction(o.Get("valueOf")); ok {
			v, err := f(o)
			if _, again := v.(*goja.Object); err != nil || again {
				return nil, false, err
			}
			return e.value(v)
		}
	case "Array":
		return e.list(o)
	}
	if f, ok := goja.AssertFunction(o.Get("toJSON")); ok {
		v, err := f(o, o)
		if err != nil {
			return nil, false, err
		}
		return e.value(v)
	}
	return e.fields(o)
}

func (e *exporter) list(o *goja.Object) (any, bool, error) {
	n := o.Get("length").ToInteger()
	if n > maxNodes {
		return nil, false, fmt.Errorf("a list is longer than %d", maxNodes)
	}
	list := make([]any, n)
	for i := range list {
		v, _, err := e.value(o.Get(strconv.Itoa(i)))
		if err != nil {
			return nil, false, err
		}
		list[i] = v
	}
	return list, true, nil
}

func (e *exporter) fields(o *goja.Object) (any, bool, error) {
	fields := map[string]any{}
	for _, name := range o.Keys() {
		v, present, err := e.value(o.Get(name))
		if err != nil {
			return nil, false, err
		}
		if present {
			fields[name] = v
		}
	}
	return fields, true, nil
}

// variables are a user's variables as ctx.vars: values cross when they are read,
// and those that were read or written cross back.
type variables struct {
	r       *Runtime
	vars    map[string]any
	touched map[string]goja.Value
}

func (v *variables) Get(name string) goja.Value {
	if seen, ok := v.touched[name]; ok {
		return seen
	}
	value, ok := v.vars[name]
	if !ok {
		return nil
	}
	js := v.r.value(value)
	v.touched[name] = js
	return js
}

func (v *variables) Set(name string, value goja.Value) bool {
	v.touched[name] = value
	if _, ok := v.vars[name]; !ok {
		v.vars[name] = nil
	}
	return true
}

func (v *variables) Has(name string) bool {
	_, ok := v.vars[name]
	return ok
}

func (v *variables) Delete(name string) bool {
	delete(v.vars, name)
	delete(v.touched, name)
	return true
}

func (v *variables) Keys() []string { return sortedKeys(v.vars) }

// back brings what a function read or wrote home. What has no JSON form is gone, as undefined is.
func (v *variables) back() error {
	for name, js := range v.touched {
		value, present, err := plain(js)
		if err != nil {
			return fmt.Errorf("variable %s: %w", name, err)
		}
		if present {
			v.vars[name] = value
		} else {
			delete(v.vars, name)
		}
	}
	return nil
}
