package template

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func scope() *Scope {
	return &Scope{
		Rand: rand.New(rand.NewPCG(1, 2)),
		Vars: map[string]any{
			"name": "Shirt", "n": int64(3), "half": 0.5, "yes": true, "none": nil,
			"user":  map[string]any{"items": []any{map[string]any{"id": "a-1"}}, "first-name": "Ada"},
			"$env":  map[string]any{"HOME": "/root"},
			"quote": `"<&>`,
		},
	}
}

func TestString(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"no placeholder", "/products/", "/products/"},
		{"one placeholder", "/{{ name }}/", "/Shirt/"},
		{"no blanks are needed", "{{name}}", "Shirt"},
		{"triple braces mean the same", "{{{ name }}}!", "Shirt!"},
		{"several placeholders", "{{ name }}-{{ n }}-{{ half }}-{{ yes }}-{{ none }}", "Shirt-3-0.5-true-null"},
		{"a path of names and numbers", "{{ user.items[0].id }}", "a-1"},
		{"a path with quotes", "{{ user['first-name'] }}", "Ada"},
		{"a name with a dash", "{{ user.first-name }}", "Ada"},
		{"a path that leads nowhere", "{{ user.items[7].id }}!", "undefined!"},
		{"a path into a text", "{{ name.length }}", "undefined"},
		{"an object in a text is JSON", "x{{ user.items }}", `x[{"id":"a-1"}]`},
		{"an environment variable", "{{ $env.HOME }}", "/root"},
		{"a single brace is a brace", "{ name }", "{ name }"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text, err := Parse(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			if got := text.String(scope()); got != tt.want {
				t.Errorf("%q gives %q, want %q", tt.text, got, tt.want)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"an open placeholder", "{{ name", "closing }}"},
		{"an open triple one", "{{{ name }}", "closing }}}"},
		{"an empty placeholder", "{{ }}", "name is missing"},
		{"an unknown function", "{{ $randomInt(1,2) }}", "unknown function $randomInt; there are $randomNumber(min, max)"},
		{"a filter", "{{ $randomNumber(1,100) | pad(3) }}", "not supported"},
		{"a filter on a variable", "{{ name | upper }}", "not supported"},
		{"a call that is not closed", "{{ $randomNumber(1,2 }}", "closing )"},
		{"too few arguments", "{{ $randomNumber(1) }}", "takes 2 to 2 arguments"},
		{"an argument that is no number", "{{ $randomString(x) }}", "must be a number, a quoted text, true or false, not \"x\""},
		{"an empty range", "{{ $randomNumber(2,1) }}", "smallest and a largest"},
		{"a range that is no range", "{{ $randomNumber(NaN,NaN) }}", "smallest and a largest"},
		{"a text without end", "{{ $randomString(1e9) }}", "0 to 65536"},
		{"an open bracket", "{{ a[0 }}", "closing ]"},
		{"two dots", "{{ a..b }}", "name is missing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse(tt.text)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want one that contains %q", err, tt.want)
			}
		})
	}
}

func TestFunctions(t *testing.T) {
	s := scope()
	parse := func(text string) Text {
		t.Helper()
		out, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	seen := map[any]bool{}
	for range 200 {
		seen[parse("{{ $randomNumber(1, 3) }}").Value(s)] = true
	}
	if diff := cmp.Diff(map[any]bool{int64(1): true, int64(2): true, int64(3): true}, seen); diff != "" {
		t.Errorf("200 numbers from 1 to 3 (-want +got):\n%s", diff)
	}
	if got := parse("{{ $randomString() }}").String(s); !regexp.MustCompile(`^[A-Za-z0-9]{10}$`).MatchString(got) {
		t.Errorf("a random text is %q, want ten letters or digits", got)
	}
	if got := parse("{{ $randomString(3) }}").String(s); len(got) != 3 {
		t.Errorf("a random text of three is %q", got)
	}
}

func TestJSON(t *testing.T) {
	text := func(s string) Node {
		out, err := Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		return NewText(out)
	}
	tests := []struct {
		name string
		node Node
		want string
	}{
		{"a bare text, as the seed sends", text("Shirt"), `"Shirt"`},
		{"a number stays a number", NewScalar(int64(7)), `7`},
		{"nothing is null", NewScalar(nil), `null`},
		{"a text that is exactly one placeholder keeps the kind", text("{{ n }}"), `3`},
		{"also when that is a map", text("{{ user.items[0] }}"), `{"id":"a-1"}`},
		{"a text around a placeholder is a text", text("no. {{ n }}"), `"no. 3"`},
		{"fields keep the script's order", NewObject(keys("z", "a"), []Node{NewScalar(true), NewScalar(0.5)}), `{"z":true,"a":0.5}`},
		{"a field without a value is left out", NewObject(keys("a", "b"), []Node{text("{{ gone }}"), NewScalar(int64(1))}), `{"b":1}`},
		{"an element without a value is null", NewList([]Node{text("{{ gone }}"), NewScalar(int64(1))}), `[null,1]`},
		{"an empty map", NewObject(nil, nil), `{}`},
		{"HTML is not escaped, quotes are", text("{{ quote }}"), `"\"<&>"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(tt.node.AppendJSON(nil, scope())); got != tt.want {
				t.Errorf("JSON = %s, want %s", got, tt.want)
			}
		})
	}
}

func keys(names ...string) []Text {
	out := make([]Text, len(names))
	for i, name := range names {
		text, err := Parse(name)
		if err != nil {
			panic(err)
		}
		out[i] = text
	}
	return out
}

func TestValuesOfNodes(t *testing.T) {
	text := func(s string) Node { return NewText(keys(s)[0]) }
	node := NewObject(keys("{{ name }}", "list", "gone", "none"),
		[]Node{NewScalar(int64(7)), NewList([]Node{text("{{ half }}"), text("n{{ n }}"), text("{{ gone }}")}), text("{{ gone }}"), NewScalar(nil)})
	want := map[string]any{"Shirt": 7.0, "list": []any{0.5, "n3", undefined{}}, "gone": undefined{}, "none": nil}
	if diff := cmp.Diff(want, node.Value(scope())); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got, want := string(node.AppendJSON(nil, scope())), `{"Shirt":7,"list":[0.5,"n3",null],"none":null}`; got != want {
		t.Errorf("JSON = %s, want %s", got, want)
	}
	if node.IsStatic() || !NewObject(keys("a"), []Node{NewScalar(true)}).IsStatic() {
		t.Error("only a node without placeholders is static, keys included")
	}
}

func TestFurtherFunctions(t *testing.T) {
	more := func(name string) (Function, bool) {
		return func(_ *rand.Rand, args []any) any { return args }, name == "$echo"
	}
	text, err := ParseWith(`{{ $echo("a, (b)", 'c', -1.5, true) }}`, more)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]any{"a, (b)", "c", -1.5, true}, text.Value(scope())); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for _, s := range []string{`{{ $echo("a }}`, `{{ $echo(a) }}`, `{{ $echo(1 }}`, `{{ $echo(1,) }}`, `{{ $nope() }}`} {
		if _, err := ParseWith(s, more); err == nil {
			t.Errorf("%s was taken", s)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"/a/{{ name }}", "{{{ user.items[0]['id'] }}}", "{{ $randomNumber(1,2) }}{{ $randomString() }}", "{{ $env.HOME }}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, source string) {
		text, err := Parse(source)
		if err != nil {
			return
		}
		got := text.String(scope())
		if !strings.Contains(source, "{{") && got != source {
			t.Errorf("a text without placeholders, %q, became %q", source, got)
		}
		if text.IsStatic() && got != source {
			t.Errorf("the static text %q became %q", source, got)
		}
		NewText(text).AppendJSON(nil, scope())
	})
}
