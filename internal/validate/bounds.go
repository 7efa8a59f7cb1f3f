package validate

import (
	"fmt"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Bounds of the API server, which takes no object beyond them.
const (
	maxItems     = 256
	maxCondition = 4096     // characters; durations too
	maxQuery     = 64 << 10 // characters
)

// items bounds a list.
func (s *sheet) items(n int, path *field.Path) {
	if n > maxItems {
		s.as(RuleTooLong).invalid(path, fmt.Sprintf("has %d items, more than %d", n, maxItems), "")
	}
}

// characters bounds a text; false when it is too long to be looked at.
func (s *sheet) characters(text string, limit int, path *field.Path) bool {
	n := utf8.RuneCountInString(text)
	if n > limit {
		s.as(RuleTooLong).invalid(path, fmt.Sprintf("has %d characters, more than %d", n, limit), "")
	}
	return n <= limit
}
