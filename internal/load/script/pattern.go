package script

import "regexp/syntax"

// Bounds on a script's regular expressions: compiling one takes time by what its counted repetitions amount to,
// a{1000} as long as a thousand letters, and each may be written only once and used often.
const (
	maxPatterns = 200_000
	// unread is what a letter counts of a text that is no expression as a whole, but may hold some.
	unread = 50
)

// affordable says whether a regular expression may be compiled besides all others, and refuses the one that may not.
func (f *findings) affordable(v *value, path, pattern string) bool {
	size := unread * len(pattern)
	if parsed, err := syntax.Parse(pattern, syntax.Perl); err == nil {
		size = sizeOf(parsed)
	}
	if f.patterns += size; f.patterns > maxPatterns {
		f.fail(v.at, path, "the script's regular expressions are too large together: with their repetitions they amount to more than %d steps", maxPatterns)
		return false
	}
	return true
}

func sizeOf(re *syntax.Regexp) int {
	size := 1 + len(re.Rune)
	for _, sub := range re.Sub {
		size += sizeOf(sub)
	}
	if re.Op == syntax.OpRepeat {
		size *= max(1, re.Min, re.Max)
	}
	return size
}
