package expression

import (
	"strconv"
	"strings"
	"testing"
)

// shape shows a tree with brackets around everything.
func shape(n *Node) string {
	args := make([]string, len(n.Args))
	for i, arg := range n.Args {
		args[i] = shape(arg)
	}
	switch n.Kind {
	case Number:
		return strconv.FormatFloat(n.Value, 'f', -1, 64)
	case Text:
		return strconv.Quote(n.Text)
	case Name:
		return n.Text
	case Call, Of:
		return "(" + string(n.Kind) + " " + n.Text + " " + strings.Join(args, " ") + ")"
	default:
		return "(" + string(n.Kind) + " " + strings.Join(args, " ") + ")"
	}
}

func TestShapes(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"times before plus", "1 + 2 * 3 - 4", "(- (+ 1 (* 2 3)) 4)"},
		{"powers to the left", "2 ^ 3 ^ 2", "(^ (^ 2 3) 2)"},
		{"a sign before a power", "-a ^ 2", "(^ (negate a) 2)"},
		{"not before a comparison", "not a == b", "(== (not a) b)"},
		{"an order before an equality", "a == b < c", "(== a (< b c))"},
		{"an equality before a membership", "a in b == c", "(in a (== b c))"},
		{"a membership before and, and before or", "a or b and c not in (1, 2)", "(or a (and b (not in c (list 1 2))))"},
		{"choices to the left", "a ? b : c ? d : e", "(? (? a b c) d e)"},
		{"properties of properties", "a of b of c + 1", "(+ (of a (of b c)) 1)"},
		{"calls", `max(a, 1) + round("x")`, `(+ (call max a 1) (call round "x"))`},
		{"quoted names and texts", `'a "b"' == "c \"d\" \\"`, `(== a "b" "c \"d\" \\")`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n, err := Parse(tt.text, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := shape(n); got != tt.want {
				t.Errorf("%s is %s, want %s", tt.text, got, tt.want)
			}
		})
	}
}

func TestKnownNamesMayHoldAnything(t *testing.T) {
	known := func(rest string) string {
		for _, name := range []string{"http.codes.200 - ok", "http.codes.200"} {
			if strings.HasPrefix(rest, name) {
				return name
			}
		}
		return ""
	}
	n, err := Parse("http.codes.200 - ok - http.codes.200", known)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := shape(n), "(- http.codes.200 - ok http.codes.200)"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestRefusals(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"nothing", " ", "column 2: the expression ends too early"},
		{"an open bracket", "(1", `column 3: expected ")"`},
		{"empty brackets", "a in ()", "column 6: the brackets are empty"},
		{"a choice with one result", "a ? b", `column 6: expected ":"`},
		{"a number that is none", "1.2.3", `column 1: "1.2.3" is not a number`},
		{"an open text", `"a`, `column 1: there is no closing "`},
		{"an escape that is none", `"a\n"`, "column 3: only a quote or a backslash"},
		{"two values", "a b", `column 3: unexpected "b"`},
		{"not without in", "a not b", `column 7: expected "in"`},
		{"brackets without end", strings.Repeat("(", 100) + "1", "deep"},
		{"signs without end", strings.Repeat("-", 1000) + "1", "deep"},
		{"properties without end", strings.Repeat("a of ", 500) + "a", "deep"},
		{"a chain without end", strings.Repeat("1+", 1000) + "1", "in a row"},
		{"a text without end", strings.Repeat("1", MaxText+1), "longer than"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := Parse(tt.text, nil); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want one that contains %q", err, tt.want)
			}
		})
	}
}
