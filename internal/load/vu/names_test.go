package vu

import (
	"strings"
	"testing"
)

// Artillery fills placeholders in names as in values.
func TestPlaceholdersInNames(t *testing.T) {
	const text = `
config: {target: http://x, variables: {k: key}}
scenarios:
  - flow:
      - post:
          url: /a
          qs: {"q-{{ k }}": 1}
          headers: {"x-{{ k }}": "{{ k }}"}
          cookie: {"c-{{ k }}": 1}
          form: {"f-{{ k }}": 1}
`
	s := newShop(t)
	play(t, s, text, nil)
	h := s.last
	if h.URL.RawQuery != "q-key=1" || h.Header.Get("X-Key") != "key" || !strings.Contains(h.Header.Get("Cookie"), "c-key=1") || s.body != "f-key=1" {
		t.Errorf("asked %s with headers %v and body %q, want key in every name", h.URL, h.Header, s.body)
	}
}
