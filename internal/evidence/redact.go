package evidence

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
)

// Mask stands where a secret was.
const Mask = "*****"

// shortestPart is the length from which a part of a secret (a line, the inside of its base64 form)
// is worth hiding by itself: shorter ones are found in ordinary words.
const shortestPart = 8

// Redact hides secrets in a text: as they are, URL-, base64- and JSON-escaped, and, for a secret
// that is an address, its host and its path. It is the last line of defence; texts of a provider
// fed with secrets are not built from an error's text to begin with.
func Redact(text string, secrets []string) string {
	hidden := make([]bool, len(text))
	found := false
	for _, secret := range secrets {
		for form := range forms(secret) {
			found = hide(text, form, hidden) || found
		}
	}
	if !found {
		return text
	}
	var out strings.Builder
	for i := range len(text) {
		switch {
		case !hidden[i]:
			out.WriteByte(text[i])
		case i == 0 || !hidden[i-1]:
			out.WriteString(Mask)
		}
	}
	return out.String()
}

// hide marks every occurrence, overlapping ones included.
func hide(text, form string, hidden []bool) bool {
	found := false
	for start := 0; ; {
		at := strings.Index(text[start:], form)
		if at < 0 {
			return found
		}
		found = true
		at += start
		for i := range len(form) {
			hidden[at+i] = true
		}
		start = at + 1
	}
}

// forms is every text a secret may appear as.
func forms(secret string) map[string]bool {
	all := map[string]bool{}
	for _, part := range parts(secret) {
		add(all, part)
		add(all, url.QueryEscape(part))
		add(all, url.PathEscape(part))
		add(all, lowerHex(url.QueryEscape(part)))
		add(all, lowerHex(url.PathEscape(part)))
		add(all, strings.ReplaceAll(url.QueryEscape(part), "+", "%20"))
		add(all, unquoted(strconv.Quote(part)))
		for _, escape := range []bool{true, false} {
			add(all, jsonEscaped(part, escape))
		}
		for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
			for _, form := range base64Forms(part, encoding) {
				add(all, form)
			}
		}
	}
	return all
}

func add(all map[string]bool, form string) {
	if form != "" {
		all[form] = true
	}
}

// parts is the secret, what is left of it without the spaces and line ends that Secrets often carry,
// its longer lines, and the parts of an address.
func parts(secret string) []string {
	out := []string{secret}
	trimmed := strings.TrimSpace(secret)
	if trimmed != secret && trimmed != "" {
		out = append(out, trimmed)
	}
	if lines := strings.Split(trimmed, "\n"); len(lines) > 1 {
		for _, line := range lines {
			if line = strings.TrimSpace(line); len(line) >= shortestPart {
				out = append(out, line)
			}
		}
	}
	return append(out, addressParts(trimmed)...)
}

// addressParts is what of an address shows up by itself, for example in the error of a dial.
func addressParts(text string) []string {
	address, err := url.Parse(text)
	if err != nil || address.Host == "" {
		return nil
	}
	out := []string{address.Host, address.Hostname(), strings.ToLower(address.Hostname())}
	if password, ok := address.User.Password(); ok {
		out = append(out, password)
	}
	if name := address.User.Username(); name != "" {
		out = append(out, name)
	}
	for _, path := range []string{address.Path, address.EscapedPath()} {
		if strings.Trim(path, "/") != "" {
			out = append(out, path, strings.TrimRight(path, "/"))
		}
	}
	if address.RawQuery != "" {
		out = append(out, address.RawQuery)
	}
	return out
}

// base64Forms is the encoded text alone, and the inside of it when it is encoded together with what
// stands before and after it, as in the credentials of basic authentication.
func base64Forms(text string, encoding *base64.Encoding) []string {
	out := []string{encoding.EncodeToString([]byte(text)), encoding.WithPadding(base64.NoPadding).EncodeToString([]byte(text))}
	for shift := range 3 {
		// Three bytes become four characters. Characters that mix in bits of a neighbour are left out.
		encoded := encoding.WithPadding(base64.NoPadding).EncodeToString(append(make([]byte, shift), text...))
		from := (shift*8 + 5) / 6
		to := (shift + len(text)) * 8 / 6
		if to-from >= shortestPart {
			out = append(out, encoded[from:to])
		}
	}
	return out
}

func lowerHex(escaped string) string {
	out := []byte(escaped)
	for i := 0; i+2 < len(out); i++ {
		if out[i] == '%' {
			copy(out[i+1:i+3], strings.ToLower(string(out[i+1:i+3])))
		}
	}
	return string(out)
}

func jsonEscaped(text string, html bool) string {
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(html)
	if err := encoder.Encode(text); err != nil {
		return ""
	}
	return unquoted(strings.TrimSuffix(out.String(), "\n"))
}

func unquoted(text string) string {
	if len(text) < 2 {
		return ""
	}
	return text[1 : len(text)-1]
}
