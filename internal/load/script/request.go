package script

import (
	"strings"

	"sluice.dev/sluice/internal/load/template"
)

// Agent is the User-Agent of a script that sets none.
const Agent = "sluice-load"

func defaultAgent() Header { return Header{Name: "User-Agent", Value: template.Literal(Agent)} }

var requestKeys = keys{
	now: []string{"url", "uri", "name", "headers", "qs", "json", "body", "form", "followRedirect", "gzip"},
	later: []string{"cookie", "formData", "setContentLengthHeader", "auth", "capture", "match", "expect", "ifTrue",
		"probability", "beforeRequest", "afterResponse"},
}

func (f *flow) request(method string, step field, path string) *Request {
	out := &Request{At: step.at, Method: method, FollowsRedirects: true, AcceptsGzip: true}
	var name string
	bodies := 0
	for _, field := range f.fields(step.value, path, requestKeys) {
		where := dotted(path, field.key)
		switch field.key {
		case "url", "uri":
			out.URL = f.url(field.value, where)
		case "name":
			name = f.text(field.value, where)
		case "headers":
			out.Headers = f.headers(field.value, where)
		case "qs":
			out.Query = append([]Pair{}, f.pairs(field.value, where)...)
		case "followRedirect":
			out.FollowsRedirects = f.boolean(field.value, where)
		case "gzip":
			out.AcceptsGzip = f.boolean(field.value, where)
		case "json", "body", "form":
			bodies++
			out.Body = f.body(field, where)
		}
	}
	if bodies > 1 {
		f.fail(step.at, path, "a request has one of json, body and form")
	}
	if step.value.get("url") == nil && step.value.get("uri") == nil {
		f.fail(step.at, path, "the request has no url")
		return out
	}
	out.Endpoint = f.endpoint(out.URL.Source(), name)
	return out
}

// url refuses what can never become an address; what placeholders make of it is checked when it is sent.
func (f *flow) url(v *value, path string) template.Text {
	t := f.template(v, path)
	s := t.Source()
	switch {
	case strings.HasPrefix(s, "/"), strings.HasPrefix(s, "{{"):
	case strings.HasPrefix(s, "http://"), strings.HasPrefix(s, "https://"):
	default:
		f.fail(v.at, path, "%q: must begin with / or with http:// or https://", s)
	}
	return t
}

func (f *flow) body(field field, path string) *Body {
	switch field.key {
	case "json":
		node := f.node(field.value, path)
		return &Body{ContentType: "application/json", JSON: &node}
	case "form":
		return &Body{ContentType: "application/x-www-form-urlencoded", Form: f.pairs(field.value, path)}
	}
	return &Body{Text: f.template(field.value, path)}
}

// headers compiles a map of headers.
func (c *compiler) headers(v *value, path string) []Header {
	var out []Header
	for _, p := range c.pairs(v, path) {
		if !token(p.Name) {
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
		c.plainKey(f, where)
		out = append(out, Pair{Name: f.key, Value: c.template(f.value, where)})
	}
	return out
}

func (c *compiler) plainKey(f field, path string) {
	if strings.Contains(f.key, "{{") {
		c.fail(f.at, path, "placeholders in keys: not supported yet")
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
		names, values := make([]string, len(v.fields)), make([]template.Node, len(v.fields))
		for i, f := range v.fields {
			c.plainKey(f, dotted(path, f.key))
			names[i], values[i] = f.key, c.node(f.value, dotted(path, f.key))
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
