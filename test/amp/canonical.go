package amp

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// request is a signed request as it came over the wire. Path and query are the bytes of the request line: decoding them first would lose what the
// client signed ("%2F" is not "/").
type request struct {
	method, path, query, host string
	header                    http.Header
	bodyHash                  string
}

// canonical gives the canonical request of the published algorithm: method, path, query, headers, names of headers and body hash, one a line.
func (r request) canonical(signedHeaders []string) (string, error) {
	query, err := canonicalQuery(r.query)
	if err != nil {
		return "", err
	}
	headers, err := r.canonicalHeaders(signedHeaders)
	if err != nil {
		return "", err
	}
	return strings.Join([]string{
		r.method, canonicalPath(r.path), query, headers, strings.Join(signedHeaders, ";"), r.bodyHash,
	}, "\n"), nil
}

// canonicalPath removes "." and ".." and empty segments and encodes each segment of the path on the wire. A client has encoded the segments once
// to send them, so this is the second time, as every service but S3 wants it: a space is "%20" on the wire and "%2520" here.
func canonicalPath(path string) string {
	var kept []string
	segments := strings.Split(path, "/")
	for _, segment := range segments {
		switch segment {
		case "", ".":
		case "..":
			kept = kept[:max(0, len(kept)-1)]
		default:
			kept = append(kept, encode(segment))
		}
	}
	if len(kept) == 0 {
		return "/"
	}
	canonical := "/" + strings.Join(kept, "/")
	if last := segments[len(segments)-1]; last == "" {
		canonical += "/"
	}
	return canonical
}

// canonicalQuery decodes every name and value, encodes each once and sorts the pairs by encoded name, then by encoded value.
func canonicalQuery(query string) (string, error) {
	if query == "" {
		return "", nil
	}
	type pair struct{ name, value string }
	var pairs []pair
	for part := range strings.SplitSeq(query, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		decodedName, err := url.QueryUnescape(name)
		if err != nil {
			return "", fmt.Errorf("decoding a query parameter's name: %w", err)
		}
		decodedValue, err := url.QueryUnescape(value)
		if err != nil {
			return "", fmt.Errorf("decoding the value of query parameter %q: %w", decodedName, err)
		}
		pairs = append(pairs, pair{encode(decodedName), encode(decodedValue)})
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		if byName := strings.Compare(a.name, b.name); byName != 0 {
			return byName
		}
		return strings.Compare(a.value, b.value)
	})
	encoded := make([]string, 0, len(pairs))
	for _, p := range pairs {
		encoded = append(encoded, p.name+"="+p.value)
	}
	return strings.Join(encoded, "&"), nil
}

// canonicalHeaders gives one line for each signed header; a header sent several times is joined by commas, runs of white space become one space.
func (r request) canonicalHeaders(signed []string) (string, error) {
	var lines strings.Builder
	for _, name := range signed {
		values := r.header.Values(name)
		if name == "host" {
			values = []string{r.host}
		}
		if len(values) == 0 {
			return "", fmt.Errorf("header %q is signed but was not sent", name)
		}
		folded := make([]string, 0, len(values))
		for _, value := range values {
			folded = append(folded, strings.Join(strings.Fields(value), " "))
		}
		fmt.Fprintf(&lines, "%s:%s\n", name, strings.Join(folded, ","))
	}
	return lines.String(), nil
}

// encode percent-encodes every byte except the unreserved characters of RFC 3986, with upper-case digits.
func encode(text string) string {
	const digits = "0123456789ABCDEF"
	var encoded strings.Builder
	for i := range len(text) {
		c := text[i]
		if unreserved(c) {
			encoded.WriteByte(c)
			continue
		}
		encoded.Write([]byte{'%', digits[c>>4], digits[c&15]})
	}
	return encoded.String()
}

func unreserved(c byte) bool {
	return 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0
}
