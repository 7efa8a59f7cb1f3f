package condition

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func shop() map[string]any {
	return map[string]any{
		"a": int64(1), "b": int64(0), "s": "abc", "n": 3.0, "t": true, "f": false, "o": map[string]any{"x": int64(5), "b": 7.0},
		"arr": []any{int64(1), 2.0}, "a.b": int64(1), "": int64(1), "nul": nil, "$x": int64(1),
	}
}

// reading shows a value with its kind, as JavaScript names kinds.
func reading(text string) string {
	e, err := Parse(text)
	if err != nil {
		if strings.Contains(err.Error(), "unknown function") || strings.Contains(err.Error(), "error parsing regexp") {
			return "fails"
		}
		return "refused"
	}
	v, err := e.value(e.root, shop())
	if err != nil {
		return "fails"
	}
	kind := map[string]string{"text": "string"}[class(v)]
	switch {
	case isContainer(v):
		kind = "object"
	case kind == "":
		kind = class(v)
	}
	return kind + " " + toText(v)
}

func TestExpressionsMeanWhatTheyMeanToArtillery(t *testing.T) {
	for _, r := range readings {
		if got := reading(r.text); got != r.want {
			t.Errorf("%s is %s, want %s", r.text, got, r.want)
		}
	}
}

// What it refuses, or takes for a name, and we read as it is meant.
func TestWhatIsReadMoreKindly(t *testing.T) {
	for text, want := range map[string]string{
		".5": "number 0.5", "5.": "number 5", "not(1)": "number 0", "not(n == 3)": "number 0", "in": "refused", "of": "refused",
	} {
		if got := reading(text); got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
}

func TestTrue(t *testing.T) {
	tests := []struct {
		name, text string
		want       bool
	}{
		{"a comparison that holds", "n == 3 and s == \"abc\"", true},
		{"one that does not", "n > 3", false},
		{"a variable that is not there is false", "nobody", false},
		{"also when it is compared", "nobody == 1", false},
		{"and its opposite is true", "not nobody", true},
		{"a text with letters in it is true", "s", true},
		{"nothing divided by nothing is false", "0 / 0", false},
		{"what lies within a variable", "x of o == 5", true},
		{"a pattern", "s ~= \"^a.c$\"", true},
		{"a pattern that is none sends the request", "s ~= s + \"(\"", true},
		{"a pattern too long sends the request", "s ~= s + \"" + strings.Repeat("x", maxPattern) + "\"", true},
		{"chance is below one", "random() < 1", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, err := Parse(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			if got := e.True(shop()); got != tt.want {
				t.Errorf("%s = %t, want %t", tt.text, got, tt.want)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"a function that does not exist", "a == 1 and rond(a) == 1", "column 12: unknown function rond; did you mean round?"},
		{"a pattern that is none", `s ~= "("`, "column 6: error parsing regexp"},
		{"half a condition", "a ==", "column 5: the expression ends too early"},
		{"another language's operator", "a && b", `column 3: unexpected "&"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := Parse(tt.text); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want one that contains %q", err, tt.want)
			}
		})
	}
}

func TestNamesAreListedOnce(t *testing.T) {
	e, err := Parse("b == a or x of user == a and max(c, 'd e') > 1")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a", "b", "c", "d e", "user"}, e.Names()); diff != "" {
		t.Error(diff)
	}
}

func FuzzParse(f *testing.F) {
	for _, r := range readings {
		f.Add(r.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := Parse(text)
		if err != nil {
			return
		}
		e.True(shop())
		e.True(nil)
		again, err := Parse("(" + text + ")")
		if err != nil {
			if !strings.Contains(err.Error(), "deep") && !strings.Contains(err.Error(), "longer") && !strings.Contains(err.Error(), "in a row") {
				t.Errorf("%q is read and (%q) is not: %v", text, text, err)
			}
			return
		}
		if !strings.Contains(text, "random") && again.True(shop()) != e.True(shop()) {
			t.Errorf("%q and (%q) differ", text, text)
		}
	})
}
