package script

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// isJSON says whether a script begins as a JSON object.
func isJSON(data []byte) bool { return bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{")) }

// jsonAsYAML rewrites what JSON allows and YAML does not: tabs between values,
// and characters escaped as two halves. Lines and columns stay where they were,
// but behind such a character.
func jsonAsYAML(data []byte) []byte {
	out := make([]byte, 0, len(data))
	inText := false
	for i := 0; i < len(data); i++ {
		switch b := data[i]; {
		case b == '\t' && !inText:
			out = append(out, ' ')
		case b == '\\' && inText && i+1 < len(data):
			if r, ok := surrogates(data[i:]); ok {
				out = utf8.AppendRune(out, r)
				i += 11
				continue
			}
			if data[i+1] != '/' { // the one escape that YAML does not have
				out = append(out, b)
			}
			out = append(out, data[i+1])
			i++
		default:
			if b == '"' {
				inText = !inText
			}
			out = append(out, b)
		}
	}
	return out
}

// surrogates reads two escaped halves of a character, 12 bytes.
func surrogates(s []byte) (rune, bool) {
	if len(s) < 12 || s[1] != 'u' || s[6] != '\\' || s[7] != 'u' {
		return 0, false
	}
	high, err := strconv.ParseUint(string(s[2:6]), 16, 16)
	low, err2 := strconv.ParseUint(string(s[8:12]), 16, 16)
	if err != nil || err2 != nil {
		return 0, false
	}
	r := utf16.DecodeRune(rune(high), rune(low))
	return r, r != utf8.RuneError
}
