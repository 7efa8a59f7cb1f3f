package command

import (
	"bytes"
	"encoding/json"
	"io"
	"regexp"
	"slices"
	"sort"
	"strings"
)

// How long a value must be to be taken out: shorter ones are in too many words. What -v gives and what a processor
// looks up is seldom a secret, and often a plain word.
const (
	leastSecret = 4
	leastGiven  = 8
)

// secrets are values that no message and no report may show.
type secrets struct{ values []string }

var environmentName = regexp.MustCompile(`\$(?:env|processEnvironment)\s*[.\[]\s*['"]?([A-Za-z_][A-Za-z0-9_]*)`)

// How a processor names environment variables.
var (
	processorName  = regexp.MustCompile(`process\.env\s*(?:\?\.|\.|\[\s*['"])\s*([A-Za-z_][A-Za-z0-9_]*)`)
	processorNames = regexp.MustCompile(`\{([^{}]*)\}\s*=\s*process\.env\b`)
	word           = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_]*`)
)

// newSecrets collects what -v gives, and the environment variables that the script names.
func newSecrets(variables string, texts []string, env Env) secrets {
	seen := map[string]bool{}
	var given any
	if json.Unmarshal([]byte(variables), &given) == nil {
		leaves(given, seen)
	} else {
		seen[variables] = true
	}
	for v := range seen {
		if len(v) < leastGiven {
			delete(seen, v)
		}
	}
	for _, text := range texts {
		for _, m := range environmentName.FindAllStringSubmatch(text, -1) {
			seen[env.lookup(m[1])] = true
		}
	}
	var s secrets
	for v := range seen {
		if len(v) >= leastSecret {
			s.values = append(s.values, v)
		}
	}
	s.sort()
	return s
}

// beside adds the environment variables that a script's processors name.
func (s secrets) beside(processors []string, env Env) secrets {
	out := secrets{values: slices.Clone(s.values)}
	for _, text := range processors {
		var names []string
		for _, m := range processorName.FindAllStringSubmatch(text, -1) {
			names = append(names, m[1])
		}
		for _, m := range processorNames.FindAllStringSubmatch(text, -1) {
			names = append(names, word.FindAllString(m[1], -1)...)
		}
		for _, name := range names {
			if v := env.lookup(name); len(v) >= leastGiven && !slices.Contains(out.values, v) {
				out.values = append(out.values, v)
			}
		}
	}
	out.sort()
	return out
}

// sort puts the longest first: a shorter one may be a part of it.
func (s secrets) sort() {
	sort.Slice(s.values, func(i, j int) bool {
		a, b := s.values[i], s.values[j]
		return len(a) > len(b) || len(a) == len(b) && a < b
	})
}

func leaves(v any, seen map[string]bool) {
	switch v := v.(type) {
	case string:
		seen[v] = true
	case []any:
		for _, item := range v {
			leaves(item, seen)
		}
	case map[string]any:
		for _, item := range v {
			leaves(item, seen)
		}
	}
}

// hide takes the values out of a text.
func (s secrets) hide(text string) string {
	for _, v := range s.values {
		text = strings.ReplaceAll(text, v, "***")
	}
	return text
}

// writer hides in all that is written; each text comes whole.
func (s secrets) writer(to io.Writer) io.Writer {
	if len(s.values) == 0 {
		return to
	}
	return hiding{secrets: s, to: to}
}

type hiding struct {
	secrets secrets
	to      io.Writer
}

func (h hiding) Write(p []byte) (int, error) {
	if _, err := io.WriteString(h.to, h.secrets.hide(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// whole hides in a text that is written in pieces.
func (s secrets) whole(to io.Writer, write func(io.Writer) error) error {
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return err
	}
	_, err := io.WriteString(to, s.hide(b.String()))
	return err
}
