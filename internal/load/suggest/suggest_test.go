package suggest

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestNearest(t *testing.T) {
	known := []string{"arrivalRate", "arrivalCount", "duration", "environments", "get", "put", "followRedirect", strings.Repeat("duration", 11) + "s"}
	tests := []struct{ name, word, want string }{
		{"a missing letter", "arivalRate", "arrivalRate"},
		{"two letters swapped", "duratoin", "duration"},
		{"another case", "ARRIVALRATE", "arrivalRate"},
		{"a short word may differ in one letter", "gat", "get"},
		{"a word unlike any other has no neighbour", "capture", ""},
		{"a part of one word", "follow", "followRedirect"},
		{"the other part, in another case", "Redirect", "followRedirect"},
		{"a part of two words", "arrival", ""},
		{"a part that may be chance", "edi", ""},
		{"an empty word has no neighbour", "", ""},
		{"a word too long to be a slip has no neighbour", strings.Repeat("duration", 11), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Nearest(tt.word, known); got != tt.want {
				t.Errorf("Nearest(%q) = %q, want %q", tt.word, got, tt.want)
			}
		})
	}
	if got := Hint("duratoin", known); got != "; did you mean duration?" {
		t.Errorf("Hint = %q", got)
	}
}

// slow is the distance without any shortcut.
func slow(a, b string) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}

func TestTheShortcutsChangeNoDistance(t *testing.T) {
	word := rapid.StringMatching(`[ab]{0,14}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b, limit := word.Draw(t, "a"), word.Draw(t, "b"), rapid.IntRange(1, 9).Draw(t, "limit")
		if got, want := distance(a, b, limit), min(slow(a, b), limit); got != want {
			t.Errorf("distance(%q, %q, %d) = %d, want %d", a, b, limit, got, want)
		}
	})
}
