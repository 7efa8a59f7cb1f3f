package script

import (
	"regexp"
	"strings"

	"sluice.dev/sluice/internal/load/extract"
	"sluice.dev/sluice/internal/load/template"
)

var expectations = []string{
	"statusCode", "notStatusCode", "contentType", "hasProperty", "notHasProperty", "equals", "hasHeader", "headerEquals",
	"matchesRegexp", "cdnHit", "jmespath", "jpath",
}

// expectations compiles one map of expectations or a list of them, in order.
func (f *flow) expectations(v *value, path string) []Expectation {
	f.expects = append(f.expects, v)
	var out []Expectation
	for i, item := range listOf(v) {
		where := path
		if v.kind == list {
			where = index(path, i)
		}
		for _, field := range f.fields(item, where, keys{now: expectations}) {
			at := dotted(where, field.key)
			f.checkExpectation(field, at)
			out = append(out, Expectation{Kind: field.key, Value: f.node(field.value, at)})
		}
	}
	return out
}

// expectationChecks refuse values that no answer can meet.
var expectationChecks = map[string]func(f *flow, v *value, kind, path string){
	"statusCode":    (*flow).checkStatus,
	"notStatusCode": (*flow).checkStatus,
	"equals": func(f *flow, v *value, _, path string) {
		if v.kind != list || len(v.items) < 2 {
			f.fail(v.at, path, "must be a list of at least two values, not %s", v.describe())
		}
	},
	"headerEquals": func(f *flow, v *value, _, path string) {
		if v.kind != list || len(v.items) != 2 {
			f.fail(v.at, path, "must be a list of a header's name and its value, not %s", v.describe())
		}
	},
	"cdnHit":        func(f *flow, v *value, _, path string) { f.boolean(v, path) },
	"jmespath":      (*flow).checkPath,
	"jpath":         (*flow).checkPath,
	"matchesRegexp": (*flow).checkPattern,
}

func (f *flow) checkExpectation(field field, path string) {
	if check := expectationChecks[field.key]; check != nil {
		check(f, field.value, field.key, path)
	}
}

func (f *flow) checkStatus(v *value, _, path string) {
	for _, item := range listOf(v) {
		if s, isText := item.scalar.(string); !isText || !strings.Contains(s, "{{") {
			f.whole(item, path, 100, 599)
		}
	}
}

func (f *flow) checkPath(v *value, kind, path string) {
	if err := extract.CheckExpectation(kind, f.text(v, path)); err != nil {
		f.fail(v.at, path, "%s", err)
	}
}

func (f *flow) checkPattern(v *value, _, path string) {
	if t, err := template.Parse(f.text(v, path)); err == nil && t.IsStatic() && f.affordable(v, path, t.Source()) {
		if _, err := regexp.Compile(t.Source()); err != nil {
			f.fail(v.at, path, "%s", err)
		}
	}
}
