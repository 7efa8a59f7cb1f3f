package script

import (
	"regexp"
	"strings"

	"sluice.dev/sluice/internal/load/condition"
	"sluice.dev/sluice/internal/load/template"
)

// Agent is the User-Agent of a script that sets none.
const Agent = "sluice-load"

func defaultAgent() Header { return Header{Name: "User-Agent", Value: template.Literal(Agent)} }

// requestParts say how each attribute of a request is compiled.
var requestParts = map[string]func(f *flow, v *value, path string, r *Request){
	"url":     func(f *flow, v *value, path string, r *Request) { r.URL = f.url(v, path) },
	"uri":     func(f *flow, v *value, path string, r *Request) { r.URL = f.url(v, path) },
	"headers": func(f *flow, v *value, path string, r *Request) { r.Headers = f.headers(v, path) },
	"qs": func(f *flow, v *value, path string, r *Request) {
		r.Query = append([]Pair{}, f.pairs(withNulls(repeated(v), ""), path)...)
	},
	"cookie":      func(f *flow, v *value, path string, r *Request) { r.Cookies = f.pairs(v, path) },
	"auth":        func(f *flow, v *value, path string, r *Request) { r.Auth = f.auth(v, path) },
	"gzip":        func(f *flow, v *value, path string, r *Request) { r.AcceptsGzip = f.boolean(v, path) },
	"capture":     func(f *flow, v *value, path string, r *Request) { r.Captures = f.captures(v, path, captureKeys) },
	"match":       func(f *flow, v *value, path string, r *Request) { r.Matches = f.captures(v, path, matchKeys) },
	"expect":      func(f *flow, v *value, path string, r *Request) { r.Expects = f.expectations(v, path) },
	"ifTrue":      (*flow).onlyIf,
	"probability": (*flow).probability,
	"beforeRequest": func(f *flow, v *value, path string, r *Request) {
		r.Before = f.calls(v, path)
	},
	"afterResponse": func(f *flow, v *value, path string, r *Request) {
		r.After = f.calls(v, path)
	},
	"followRedirect": func(f *flow, v *value, path string, r *Request) {
		r.FollowsRedirects = f.boolean(v, path)
	},
	// A body that is known in full is always sent with its length.
	"setContentLengthHeader": func(f *flow, v *value, path string, _ *Request) { f.boolean(v, path) },
}

var requestKeys = keys{now: []string{
	"url", "uri", "name", "headers", "qs", "json", "body", "form", "formData", "followRedirect", "gzip", "cookie", "auth",
	"setContentLengthHeader", "capture", "match", "expect", "ifTrue", "probability", "beforeRequest", "afterResponse",
}}

func (f *flow) request(method string, step field, path string) *Request {
	out := &Request{At: step.at, Method: method, FollowsRedirects: true, AcceptsGzip: true}
	if step.value.kind == scalar {
		f.add(Problem{
			At: step.value.at, Path: path, Code: CodeInvalid, Text: "must be a map, not " + step.value.describe(),
			Instead: "write " + step.key + ": {url: " + asText(step.value.scalar) + "}",
		})
		return out
	}
	v := f.withoutThink(step.value, path)
	var name string
	var bodies []field
	for _, field := range f.fields(v, path, requestKeys) {
		where := dotted(path, field.key)
		switch field.key {
		case "name":
			name = f.text(field.value, where)
			out.Name = name
		case "json", "body", "form", "formData":
			bodies = append(bodies, field)
		default:
			requestParts[field.key](f, field.value, where, out)
		}
	}
	out.Body = f.oneBody(bodies, path)
	if v.get("url") == nil && v.get("uri") == nil {
		f.fail(step.at, path, "the request has no url")
		return out
	}
	out.Endpoint = f.endpoint(out.URL.Source(), name)
	return out
}

// withoutThink refuses a pause inside a request, which Artillery ignores.
func (f *flow) withoutThink(v *value, path string) *value {
	out := *v
	out.fields = nil
	for _, field := range v.fields {
		if field.key != "think" {
			out.fields = append(out.fields, field)
			continue
		}
		f.add(Problem{
			At: field.at, Path: dotted(path, "think"), Code: CodeThinkInRequest,
			Text: "a pause is no part of a request; Artillery ignores it", Instead: "make it a step of its own, - think: " + describeShort(field.value),
		})
	}
	return &out
}

func describeShort(v *value) string {
	if v.kind == scalar {
		return asText(v.scalar)
	}
	return "1"
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
	if m := oneBrace.FindStringSubmatch(s); m != nil {
		if _, known := f.names[m[2]]; known || strings.HasPrefix(m[1], "$") {
			f.add(Problem{
				At: v.at, Path: path, Severity: Warning, Code: CodeOddBraces, Text: m[1] + " is no placeholder, and is sent as it is",
				Instead: "write {{ " + m[2] + " }}",
			})
		}
	}
	return t
}

// oneBrace is what a placeholder looks like elsewhere: {name} and ${name}.
var oneBrace = regexp.MustCompile(`(?:^|[^{$])(\$?\{\s*([A-Za-z_][\w.]*)\s*\})(?:$|[^}])`)

var authKeys = keys{now: []string{"user", "pass"}}

func (f *flow) auth(v *value, path string) *Auth {
	out := &Auth{}
	for _, field := range f.fields(v, path, authKeys) {
		t := f.template(field.value, dotted(path, field.key))
		if field.key == "user" {
			out.User = t
		} else {
			out.Password = t
		}
	}
	if v.kind == object && v.get("user") == nil {
		f.fail(v.at, path, "has no user")
	}
	return out
}

func (f *flow) probability(v *value, path string, r *Request) {
	t := f.template(v, path)
	if t.IsStatic() {
		if n, ok := asNumber(v); !ok || n < 0 || n > 100 {
			f.fail(v.at, path, "must be a percentage from 0 to 100, not %s", v.describe())
		}
	}
	r.Probability = &t
}

// onlyIf compiles a condition. The name of one of the processor's functions
// means that function; what cannot be read means that the request is sent.
func (f *flow) onlyIf(v *value, path string, r *Request) {
	text := f.text(v, path)
	if v.kind != scalar {
		return
	}
	if _, isText := v.scalar.(string); !isText {
		f.warn(CodeCondition, v.at, path, "%s is no condition but a value, so the request is always sent, as by Artillery", text)
		return
	}
	if f.program.Has(text) {
		r.IfFunction = text
		return
	}
	if strings.Contains(text, "~=") && !f.affordable(v, path, text) {
		return
	}
	expression, err := condition.Parse(text)
	if err != nil {
		f.warn(CodeCondition, v.at, path, "the condition cannot be read, so the request is always sent: %s", err)
		return
	}
	for _, name := range expression.Names() {
		if _, known := f.names[name]; !known && !f.mayBeSet(name) {
			f.add(Problem{
				At: v.at, Path: path, Severity: Warning, Code: CodeUnknownVariable,
				Text: "nothing sets the variable " + name + ", so it counts as missing", Instead: f.nearest(name),
			})
		}
	}
	r.If = expression
}

// calls reads a hook's name or a list of them; placeholders may stand for names.
func (f *flow) calls(v *value, path string) []template.Text {
	var out []template.Text
	for _, item := range listOf(v) {
		t := f.template(item, path)
		if t.IsStatic() && item.kind == scalar {
			f.checkFunction(item, path, t.Source())
		}
		out = append(out, t)
	}
	return out
}
