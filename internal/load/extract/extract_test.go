package extract

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const shop = `{"id": 7, "none": null, "no": false, "empty": "", "user-id": "u1", "big": 9007199254740993, "a": {"b": 1.5},
"items": [{"id": 1, "price": 5, "name": "x"}, {"id": 2, "price": 20}, {"id": 3, "price": "z"}]}`

const page = `<html><body><ul><li class=a>one</li><li class=a>two</li><li>three</li></ul>
<form><input name=csrf value=t0ken><input name=void value=""></form></body></html>`

const feed = `<?xml version="1.0"?><feed><entry n="1"><id>a</id></entry><entry n="2"><id>b</id></entry></feed>`

func answer(body, contentType string) *Answer {
	return &Answer{Code: 200, Body: []byte(body), Header: map[string][]string{"Content-Type": {contentType}, "X-Id": {"h1"}}}
}

func take(t *testing.T, s Spec, a *Answer) (any, error) {
	t.Helper()
	e, err := Compile(s)
	if err != nil {
		t.Fatalf("%+v: %v", s, err)
	}
	return e.From(a, rand.New(rand.NewPCG(1, 2)))
}

func TestValuesOfJSON(t *testing.T) {
	tests := []struct {
		name, path string
		whole      bool
		want       any
	}{
		{"a field", "$.a.b", false, 1.5},
		{"a path without its root", "a.b", false, 1.5},
		{"an element", "$.items[0].id", false, 1.0},
		{"an element as a name", "$.items.1.id", false, 2.0},
		{"the last element", "$.items[(@.length-1)].id", false, 3.0},
		{"the last element, shorter", "$.items[-1:].id", false, 3.0},
		{"a name with a dash", "$.user-id", false, "u1"},
		{"a name in brackets", "$['user-id']", false, "u1"},
		{"a name with a dash somewhere below", "$..user-id", false, "u1"},
		{"all of them", "$.items[*].id", true, []any{1.0, 2.0, 3.0}},
		{"anywhere", "$.items..price", true, []any{5.0, 20.0, "z"}},
		{"a filter", "$.items[?(@.price < 10)].id", false, 1.0},
		{"a filter of JavaScript's", "$.items[?(@.name === 'x')].id", false, 1.0},
		{"a filter with two halves", "$.items[?(@.price > 1 && @.id != 1)].id", false, 2.0},
		{"a slice", "$.items[0:2].id", true, []any{1.0, 2.0}},
		{"a list's length", "$.items.length", false, 3.0},
		{"null is a value", "$.none", false, nil},
		{"false is a value", "$.no", false, false},
		{"one hit of a whole result is unwrapped", "$.a", true, map[string]any{"b": 1.5}},
		{"a number that a float cannot hold", "$.big", false, int64(9007199254740993)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := take(t, Spec{By: "json", Expression: tt.path, Whole: tt.whole}, answer(shop, "application/json"))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.path, diff)
			}
		})
	}
}

func TestOneOfSeveralHitsByChance(t *testing.T) {
	e, err := Compile(Spec{By: "json", Expression: "$.items[*].id"})
	if err != nil {
		t.Fatal(err)
	}
	draw := func(seed uint64) (out []any) {
		random := rand.New(rand.NewPCG(seed, 0))
		for range 50 {
			v, err := e.From(answer(shop, ""), random)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, v)
		}
		return out
	}
	first := draw(1)
	for _, id := range []any{1.0, 2.0, 3.0} {
		if !slices.Contains(first, id) {
			t.Errorf("50 draws never took %v", id)
		}
	}
	if diff := cmp.Diff(first, draw(1)); diff != "" {
		t.Errorf("the same seed draws differently:\n%s", diff)
	}
}

func TestHitsInObjectsHaveAnOrder(t *testing.T) {
	body := `{"c": {"id": 3}, "a": {"id": 1, "list": [{"id": 10}, {"id": 9}]}, "b": {"id": 2}}`
	for path, want := range map[string][]any{
		"$.*.id": {1.0, 2.0, 3.0}, "$..id": {1.0, 10.0, 9.0, 2.0, 3.0}, "$[?(@.id > 1)].id": {2.0, 3.0}, "$.a.list[*].id": {10.0, 9.0},
	} {
		for range 20 {
			got, err := take(t, Spec{By: "json", Expression: path, Whole: true}, answer(body, ""))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(any(want), got); diff != "" {
				t.Fatalf("%s (-want +got):\n%s", path, diff)
			}
		}
	}
}

func TestValuesOfTextsHeadersAndTrees(t *testing.T) {
	tests := []struct {
		name string
		spec Spec
		body string
		kind string
		want any
	}{
		{"a regexp's whole match", Spec{By: "regexp", Expression: `t\d\w+`}, page, "", "t0ken"},
		{"a regexp's group by number", Spec{By: "regexp", Expression: `name=(\w+) value=(\w+)`, Group: "2"}, page, "", "t0ken"},
		{"a regexp's group by name", Spec{By: "regexp", Expression: `value=(?<token>\w+)`, Group: "token"}, page, "", "t0ken"},
		{"a regexp's flags", Spec{By: "regexp", Expression: `NAME=CSRF`, Flags: "gi"}, page, "", "name=csrf"},
		{"a header, whatever its case", Spec{By: "header", Expression: "x-id"}, "", "", "h1"},
		{"an element's attribute", Spec{By: "selector", Expression: "input[name=csrf]", Attribute: "value"}, page, "", "t0ken"},
		{"an element's text", Spec{By: "selector", Expression: "li"}, page, "", "one"},
		{"the last element", Spec{By: "selector", Expression: "li.a", Index: "last"}, page, "", "two"},
		{"the second element", Spec{By: "selector", Expression: "li", Index: "1"}, page, "", "two"},
		{"any of one element", Spec{By: "selector", Expression: "li:not(.a)", Index: "random"}, page, "", "three"},
		{"XPath over XML", Spec{By: "xpath", Expression: "//entry[@n='2']/id"}, feed, "text/xml", "b"},
		{"XPath of an attribute", Spec{By: "xpath", Expression: "//entry[2]/@n"}, feed, "", "2"},
		{"XPath that counts", Spec{By: "xpath", Expression: "count(//entry)"}, feed, "", 2.0},
		{"XPath over HTML", Spec{By: "xpath", Expression: "//li[3]"}, page, "text/html", "three"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := take(t, tt.spec, answer(tt.body, tt.kind))
			if err != nil || got != tt.want {
				t.Errorf("took %v, %v; want %v", got, err, tt.want)
			}
		})
	}
}

func TestNothingIsNoValue(t *testing.T) {
	tests := []struct {
		name string
		spec Spec
		body string
	}{
		{"no such field", Spec{By: "json", Expression: "$.nobody"}, shop},
		{"an empty text", Spec{By: "json", Expression: "$.empty"}, shop},
		{"the body is no JSON", Spec{By: "json", Expression: "$.id"}, "{"},
		{"two JSON values", Spec{By: "json", Expression: "$.id"}, `{"id":1}{"id":2}`},
		{"the body is a bare number", Spec{By: "json", Expression: "$"}, "7"},
		{"no match", Spec{By: "regexp", Expression: "zzz"}, page},
		{"no such header", Spec{By: "header", Expression: "x-none"}, page},
		{"no such element", Spec{By: "selector", Expression: "table"}, page},
		{"no such attribute", Spec{By: "selector", Expression: "li", Attribute: "href"}, page},
		{"an empty attribute", Spec{By: "selector", Expression: "input[name=void]", Attribute: "value"}, page},
		{"no element at this place", Spec{By: "selector", Expression: "li", Index: "9"}, page},
		{"broken XML", Spec{By: "xpath", Expression: "//id"}, `<?xml version="1.0"?><a><b></a>`},
		{"no such node", Spec{By: "xpath", Expression: "//nobody"}, feed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := take(t, tt.spec, answer(tt.body, "")); err == nil {
				t.Errorf("took %v where there is nothing", got)
			}
		})
	}
}

func TestWhatStandsInForNothing(t *testing.T) {
	for _, tt := range []struct {
		spec Spec
		want any
	}{
		{Spec{By: "regexp", Expression: "zzz"}, ""},
		{Spec{By: "header", Expression: "x-none"}, ""},
		{Spec{By: "json", Expression: "$.empty"}, ""},
		{Spec{By: "json", Expression: "$.nobody"}, nil},
		{Spec{By: "selector", Expression: "table"}, nil},
	} {
		if got, err := take(t, tt.spec, answer(shop, "")); err == nil || got != tt.want {
			t.Errorf("%s %s: %#v, %v; want %#v", tt.spec.By, tt.spec.Expression, got, err, tt.want)
		}
	}
}

func TestSpecsThatCannotBe(t *testing.T) {
	for _, s := range []Spec{
		{By: "json", Expression: "$.a["}, {By: "json", Expression: "$.a^"}, {By: "json", Expression: "$.a~"}, {By: "json", Expression: ""},
		{By: "json", Expression: "$['a"}, {By: "regexp", Expression: "("}, {By: "regexp", Expression: "(?=a)"}, {By: "regexp", Expression: "a", Group: "1"},
		{By: "regexp", Expression: "a", Flags: "x"}, {By: "selector", Expression: "li["}, {By: "selector", Expression: "li", Index: "first"},
		{By: "xpath", Expression: "//["}, {By: "header"}, {By: "jsonpath", Expression: "$"},
	} {
		if _, err := Compile(s); err == nil {
			t.Errorf("%+v is taken", s)
		}
	}
}

// What an attacker answers must end in an error or a value, soon and in little memory.
func TestHostileAnswers(t *testing.T) {
	deep := 500_000
	bodies := map[string]string{
		"deep lists":      strings.Repeat("[", deep),
		"deep objects":    strings.Repeat(`{"a":`, deep/5),
		"deep and closed": strings.Repeat("[", 9000) + strings.Repeat("]", 9000),
		"deep HTML":       strings.Repeat("<div>", deep/5),
		"deep XML":        `<?xml version="1.0"?>` + strings.Repeat("<a>", deep/3),
		"deep closed XML": `<?xml version="1.0"?>` + strings.Repeat("<a>", 5000) + strings.Repeat("</a>", 5000),
		"an entity bomb":  `<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><l>&b;</l>`,
		"no UTF-8":        "\xff\xfe\x00",
		"nothing":         "",
		"null":            "null",
		"wide":            "[" + strings.Repeat("1,", 400_000) + "1]",
	}
	specs := []Spec{
		{By: "json", Expression: "$..a..b..c"}, {By: "json", Expression: "$..*"}, {By: "json", Expression: "$[?(@.a > 1)]"}, {By: "json", Expression: "$[0][0][0]"},
		{By: "regexp", Expression: `(a*)*b`}, {By: "selector", Expression: "div div div", Index: "random"}, {By: "xpath", Expression: "//a//a"},
		{By: "xpath", Expression: "//*"},
	}
	for name, body := range bodies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := answer(body, "")
			for _, s := range specs {
				_, _ = take(t, s, a) // either is right; it must come back
			}
			for _, kind := range Expectations() {
				Expect(kind, "a", a)
			}
		})
	}
}

func TestExpectations(t *testing.T) {
	a := answer(shop, "application/json; charset=utf-8")
	a.Header["X-Cache"] = []string{"Hit from cloudfront"}
	tests := []struct {
		name, kind string
		want       any
		ok         bool
		got        string
	}{
		{"the code", "statusCode", int64(200), true, "200"},
		{"the code as a text", "statusCode", "200", true, "200"},
		{"one of several codes", "statusCode", []any{201.0, 200.0}, true, "200"},
		{"another code", "statusCode", int64(201), false, "200"},
		{"not this code", "notStatusCode", int64(500), true, "200"},
		{"none of these codes", "notStatusCode", []any{int64(500), int64(200)}, false, "200"},
		{"JSON", "contentType", "json", true, "json"},
		{"the exact type", "contentType", "Application/JSON; charset=utf-8", true, "application/json; charset=utf-8"},
		{"another type", "contentType", "text/html", false, "application/json; charset=utf-8"},
		{"a property", "hasProperty", "items[0].id", true, "items[0].id"},
		{"a property with null", "hasProperty", "none", true, "none"},
		{"no such property", "hasProperty", "a.c", false, "response body has no a.c property"},
		{"a property that must not be", "notHasProperty", "a.b", false, "response body has a.b property"},
		{"a property that is not", "notHasProperty", "a.c", true, "a.c"},
		{"equal values of different kinds", "equals", []any{"7", 7.0, int64(7)}, true, "7, 7, 7"},
		{"unequal values", "equals", []any{"7", "8"}, false, "7, 8"},
		{"a header", "hasHeader", "x-id", true, "x-id"},
		{"no such header", "hasHeader", "x-none", false, "response has no x-none header"},
		{"a header's value", "headerEquals", []any{"x-id", "h1"}, true, "h1"},
		{"another value", "headerEquals", []any{"x-id", "h2"}, false, "h1"},
		{"a regexp", "matchesRegexp", `"id":\s7`, true, "true"},
		{"a regexp that does not match", "matchesRegexp", `^x`, false, "false"},
		{"a cache's hit", "cdnHit", true, true, "x-cache is Hit from cloudfront"},
		{"not a cache's miss", "cdnHit", false, false, "x-cache is Hit from cloudfront"},
		{"JMESPath", "jmespath", "items[?price==`5`].id | [0] == `1`", true, "true"},
		{"JMESPath that finds nothing", "jpath", "nobody", false, "null"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := Expect(tt.kind, tt.want, a)
			if v.OK != tt.ok || v.Got != tt.got {
				t.Errorf("%s %v: %+v, want %t and %q", tt.kind, tt.want, v, tt.ok, tt.got)
			}
			if err := CheckExpectation(tt.kind, tt.want); err != nil {
				t.Errorf("before it ran: %v", err)
			}
		})
	}
	if v := Expect("hasProperty", "a", answer("[oops", "application/json")); v.OK {
		t.Error("broken JSON has a property")
	}
	for kind, want := range map[string]any{"statusCode": "ok", "headerEquals": "x", "equals": "x", "matchesRegexp": "(", "jmespath": "[", "status": 200} {
		if CheckExpectation(kind, want) == nil {
			t.Errorf("%s %v is taken", kind, want)
		}
	}
}

func TestSameAsJavaScript(t *testing.T) {
	for _, tt := range []struct {
		a, b any
		want bool
	}{
		{"1", 1.0, false}, {1.0, int64(1), true}, {"a", "a", true}, {true, true, true}, {nil, nil, true}, {nil, false, false},
		{0.0, false, false}, {[]any{}, []any{}, false}, {map[string]any{}, map[string]any{}, false}, {1.0, "1", false},
	} {
		if got := Same(tt.a, tt.b); got != tt.want {
			t.Errorf("%v === %v is %t", tt.a, tt.b, got)
		}
	}
}

func FuzzPaths(f *testing.F) {
	for _, seed := range []string{"$.a.b", "$..id", "$.items[?(@.price < 10)].id", "a.1.b-c", "$[(@.length-1)]", "$['x'].length", "$[?(@.a===\"1\")]"} {
		f.Add(seed, shop)
	}
	f.Fuzz(func(_ *testing.T, path, body string) {
		if e, err := Compile(Spec{By: "json", Expression: path}); err == nil {
			_, _ = e.From(answer(body, ""), rand.New(rand.NewPCG(1, 1)))
		}
	})
}
