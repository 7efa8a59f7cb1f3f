package stats

import "strings"

// Bounds on what a set says in words.
const (
	maxCauses = 32
	maxCause  = 4 << 10
)

// Explain keeps the first text that says why something of a class was counted.
// It is made only where none is known yet: texts of errors are not free.
func (s *Set) Explain(class string, text func() string) {
	if _, known := s.causes[class]; known || len(s.causes) >= maxCauses {
		return
	}
	if s.causes == nil {
		s.causes = map[string]string{}
	}
	why := text()
	if len(why) > maxCause {
		why = strings.ToValidUTF8(why[:maxCause], "")
	}
	s.causes[class] = why
}

// Causes are the texts by their classes; the caller must not change the map.
func (s *Set) Causes() map[string]string { return s.causes }

// EditCauses passes every text through a function.
func (s *Set) EditCauses(edit func(string) string) {
	for class, why := range s.causes {
		s.causes[class] = edit(why)
	}
}
