package suggest

import "testing"

func TestNearest(t *testing.T) {
	known := []string{"arrivalRate", "arrivalCount", "duration", "environments", "get", "put"}
	tests := []struct{ name, word, want string }{
		{"a missing letter", "arivalRate", "arrivalRate"},
		{"two letters swapped", "duratoin", "duration"},
		{"another case", "ARRIVALRATE", "arrivalRate"},
		{"a short word may differ in one letter", "gat", "get"},
		{"a word unlike any other has no neighbour", "capture", ""},
		{"an empty word has no neighbour", "", ""},
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
