package command

import (
	"fmt"
	"regexp"
	"strings"
)

// maxTags bounds what every request carries besides its own.
const maxTags = 512

var tagName = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)

// newTags reads --tag: name=value, sent with every request so that others can
// leave a load test's requests out of what they count.
func newTags(texts []string) (map[string]string, error) {
	out := map[string]string{}
	for _, text := range texts {
		name, value, ok := strings.Cut(text, "=")
		if !ok || !tagName.MatchString(name) || strings.ContainsAny(value, "\r\n") {
			return nil, fmt.Errorf("--tag %q: must be name=value, with a name of letters, digits, '.', '_' and '-'", text)
		}
		if _, twice := out[name]; twice {
			return nil, fmt.Errorf("--tag %s: the name is there twice", name)
		}
		out[name] = value
	}
	if n := len(strings.Join(texts, ",")); n > maxTags {
		return nil, fmt.Errorf("the tags have %d bytes, more than the %d that every request may carry", n, maxTags)
	}
	return out, nil
}
