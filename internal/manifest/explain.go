package manifest

import (
	"fmt"
	"strings"
)

// cutKey splits `key: value`; a colon inside quotes or a flow collection is no key's.
func cutKey(text string) (key, value string, ok bool) {
	start := 0
	switch text[0] {
	case '{', '[':
		return "", "", false
	case '"', '\'':
		end := strings.IndexByte(text[1:], text[0])
		if end < 0 {
			return "", "", false
		}
		start = end + 2
	}
	for i := max(start, 1); i < len(text); i++ {
		if comment(text, i) {
			return "", "", false
		}
		if text[i] == ':' && (i+1 == len(text) || strings.ContainsAny(text[i+1:i+2], " \t")) {
			return strings.Trim(text[:i], `"'`), text[i+1:], true
		}
	}
	return "", "", false
}

// uncommented is a value without the comment behind it.
func uncommented(value string) string {
	if trimmed := strings.TrimLeft(value, " \t"); trimmed == "" || trimmed[0] == '"' || trimmed[0] == '\'' {
		return value
	}
	if i := strings.Index(value, " #"); i >= 0 {
		return value[:i]
	}
	return value
}

// comment tells whether a comment begins at i.
func comment(text string, i int) bool { return text[i] == '#' && i > 0 && text[i-1] == ' ' }

func spaces(n int) string {
	if n == 1 {
		return "1 space"
	}
	return fmt.Sprintf("%d spaces", n)
}
