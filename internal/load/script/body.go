package script

import (
	"encoding/json"
	"path"
	"slices"
	"strings"

	"sluice.dev/sluice/internal/load/template"
)

// oneBody compiles a request's body. JSON wins over a text, as in Artillery; no
// other two can stand together.
func (f *flow) oneBody(bodies []field, where string) *Body {
	if len(bodies) == 2 && bodies[0].key == "json" && bodies[1].key == "body" {
		bodies[0], bodies[1] = bodies[1], bodies[0]
	}
	if len(bodies) == 2 && bodies[0].key == "body" && bodies[1].key == "json" {
		f.warn(CodeIgnored, bodies[0].at, dotted(where, "body"), "ignored, because json is there too")
		bodies = bodies[1:]
	}
	switch len(bodies) {
	case 0:
		return nil
	case 1:
		return f.body(bodies[0], dotted(where, bodies[0].key))
	}
	f.fail(bodies[1].at, where, "a request has one of json, body, form and formData")
	return nil
}

func (f *flow) body(field field, where string) *Body {
	switch field.key {
	case "json":
		node := f.node(field.value, where)
		if s, isText := field.value.scalar.(string); isText && holdsJSON(s) {
			f.add(Problem{
				At: field.value.at, Path: where, Severity: Warning, Code: CodeOddBody, Text: "is a text that holds JSON, and is sent as one, in quotes",
				Instead: "write the JSON without quotes around it, or body instead of json",
			})
		}
		return &Body{ContentType: "application/json", JSON: &node}
	case "form":
		return &Body{ContentType: "application/x-www-form-urlencoded", Form: append([]Pair{}, f.pairs(withNulls(field.value, "null"), where)...)}
	case "formData":
		return &Body{Parts: f.parts(field.value, where)}
	}
	return &Body{Text: f.template(field.value, where)}
}

// holdsJSON says that a text is an object or a list, and no placeholder for one.
func holdsJSON(text string) bool {
	text = strings.TrimSpace(text)
	return (strings.HasPrefix(text, "{") && !strings.HasPrefix(text, "{{") || strings.HasPrefix(text, "[")) && json.Valid([]byte(text))
}

// parts compiles a multipart form.
func (f *flow) parts(v *value, where string) []Part {
	if v.kind != object {
		f.fail(v.at, where, "must be a map, not %s", v.describe())
		return nil
	}
	out := make([]Part, 0, len(v.fields))
	for _, field := range v.fields {
		at := dotted(where, field.key)
		f.checkKey(field, at)
		part := Part{Name: field.key}
		if field.value.kind == object {
			f.part(field.value, at, &part)
		} else {
			part.Value = f.template(field.value, at)
		}
		out = append(out, part)
	}
	return out
}

var partKeys = keys{now: []string{"value", "contentType", "fromFile", "filename"}}

func (f *flow) part(v *value, where string, out *Part) {
	for _, field := range f.fields(v, where, partKeys) {
		at := dotted(where, field.key)
		switch field.key {
		case "value":
			out.Value = f.template(field.value, at)
		case "contentType":
			out.ContentType = f.text(field.value, at)
		case "filename":
			out.FileName = f.text(field.value, at)
		case "fromFile":
			name := f.text(field.value, at)
			if strings.Contains(name, "{{") {
				f.refuse(field.value.at, at, "a file whose name is a placeholder: not supported", "files are read before anything is sent, so write its name")
				continue
			}
			out.File = f.file(field.value, at, name, maxPart)
			if v.get("filename") == nil {
				out.FileName = path.Base(name)
			}
		}
	}
	if v.get("value") == nil && v.get("fromFile") == nil {
		f.fail(v.at, where, "has neither value nor fromFile")
	}
}

// headers compiles a map of headers.
func (c *compiler) headers(v *value, path string) []Header {
	var out []Header
	for _, p := range c.pairs(v, path) {
		if !token(p.Name) && !strings.Contains(p.Name, "{{") {
			c.fail(v.at, path, "%q is not a header's name", p.Name)
		}
		out = append(out, Header(p))
	}
	return out
}

// token says whether s may be a header's name.
func token(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) {
			return false
		}
	}
	return s != ""
}

// override replaces the headers that over has too, whatever their case.
func override(base, over []Header) []Header {
	out := make([]Header, 0, len(base)+len(over))
	for _, h := range base {
		replaced := false
		for _, o := range over {
			replaced = replaced || strings.EqualFold(h.Name, o.Name)
		}
		if !replaced {
			out = append(out, h)
		}
	}
	return append(out, over...)
}

// pairs compiles a map of texts.
func (c *compiler) pairs(v *value, path string) []Pair {
	if v.kind == nothing {
		return nil
	}
	if v.kind != object {
		c.fail(v.at, path, "must be a map, not %s", v.describe())
		return nil
	}
	out := make([]Pair, 0, len(v.fields))
	for _, f := range v.fields {
		where := dotted(path, f.key)
		c.checkKey(f, where)
		out = append(out, Pair{Name: f.key, Value: c.template(f.value, where)})
	}
	return out
}

// repeated writes a field whose value is a list as one field for each element,
// as a query has it.
func repeated(v *value) *value {
	if v.kind != object {
		return v
	}
	out := *v
	out.fields = nil
	for _, f := range v.fields {
		if f.value.kind != list {
			out.fields = append(out.fields, f)
			continue
		}
		for _, item := range f.value.items {
			out.fields = append(out.fields, field{key: f.key, at: f.at, value: item})
		}
	}
	return &out
}

// withNulls writes a text in place of each field that is null: a form has the
// word, a query an empty value.
func withNulls(v *value, text string) *value {
	if v.kind != object {
		return v
	}
	out := *v
	out.fields = slices.Clone(v.fields)
	for i, f := range out.fields {
		if f.value.kind == nothing {
			out.fields[i].value = &value{at: f.value.at, kind: scalar, scalar: text}
		}
	}
	return &out
}

// checkKey refuses what no placeholder in the name of a header, a cookie or a field may name.
func (c *compiler) checkKey(f field, path string) {
	if strings.Contains(f.key, "{{") {
		c.template(&value{at: f.at, kind: scalar, scalar: f.key}, path)
	}
}

// node compiles any JSON value.
func (c *compiler) node(v *value, path string) template.Node {
	switch v.kind {
	case list:
		items := make([]template.Node, len(v.items))
		for i, item := range v.items {
			items[i] = c.node(item, index(path, i))
		}
		return template.NewList(items)
	case object:
		names, values := make([]template.Text, len(v.fields)), make([]template.Node, len(v.fields))
		for i, f := range v.fields {
			key := &value{at: f.at, kind: scalar, scalar: f.key}
			names[i], values[i] = c.template(key, path), c.node(f.value, dotted(path, f.key))
		}
		return template.NewObject(names, values)
	case scalar:
		if _, ok := v.scalar.(string); ok {
			return template.NewText(c.template(v, path))
		}
		return template.NewScalar(v.scalar)
	case nothing:
	}
	return template.NewScalar(nil)
}
