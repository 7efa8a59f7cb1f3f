package manifest

import (
	"encoding"
	"encoding/json"
	"reflect"
	"sync"
)

// form is what YAML writes for a type.
type form int

const (
	anything form = iota // nothing is known: every value fits
	scalar
	object     // named fields
	dictionary // names the user chose
	list
)

// shape is a type as it looks in YAML.
type shape struct {
	form   form
	name   string            // of the Go type, "" when it has none
	fields map[string]*shape // of an object
	elem   *shape            // of a dictionary or a list
}

// open is the shape of what nobody knows anything about.
var open = &shape{}

// catalogue has the shapes of the known kinds, by apiVersion and kind.
type catalogue struct {
	kinds map[string]*shape
	seen  map[reflect.Type]*shape
}

// shapes is made when a text needs to be repaired, which most never do.
var shapes = sync.OnceValue(func() *catalogue {
	c := &catalogue{kinds: map[string]*shape{}, seen: map[reflect.Type]*shape{}}
	for name, t := range known {
		c.kinds[name] = c.of(t)
	}
	return c
})

// of makes the shape of a type. A type that holds itself finds itself in seen.
func (c *catalogue) of(t reflect.Type) *shape {
	t = target(t)
	if s, ok := c.seen[t]; ok {
		return s
	}
	s := &shape{name: t.Name()}
	c.seen[t] = s
	switch {
	case t.Kind() == reflect.Struct && isText(t):
		s.form = scalar
	case reflect.PointerTo(t).Implements(unmarshaler), t.Name() == "RawMessage", t.Kind() == reflect.Interface:
		s.form = anything
	case t.Kind() == reflect.Struct:
		s.form, s.fields = object, map[string]*shape{}
		for name, field := range fieldsOf(t) {
			s.fields[name] = c.of(field)
		}
	case t.Kind() == reflect.Map:
		s.form, s.elem = dictionary, c.of(t.Elem())
	case t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8:
		s.form, s.elem = list, c.of(t.Elem())
	default:
		s.form = scalar
	}
	return s
}

// isText tells that a struct with rules of its own is written as one value: quantities, times, and
// numbers that may be texts.
func isText(t reflect.Type) bool {
	if !reflect.PointerTo(t).Implements(unmarshaler) {
		return false
	}
	_, text := reflect.Zero(t).Interface().(encoding.TextMarshaler)
	raw, err := json.Marshal(reflect.New(t).Interface())
	return text || err == nil && len(raw) > 0 && raw[0] != '{' && raw[0] != '['
}

// field is the shape of what stands under a key; known is false when there is no such field.
func (s *shape) field(key string) (field *shape, known bool) {
	switch s.form {
	case anything:
		return open, true
	case dictionary:
		return s.elem, true
	case object:
		if key == "<<" {
			return open, true
		}
		if field, ok := s.fields[key]; ok {
			return field, true
		}
	case scalar, list:
	}
	return open, false
}

// item is the shape of what stands behind a dash.
func (s *shape) item() (item *shape, known bool) {
	switch s.form {
	case anything:
		return open, true
	case list:
		return s.elem, true
	case scalar, object, dictionary:
	}
	return open, false
}
