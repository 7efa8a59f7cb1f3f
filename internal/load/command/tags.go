package command

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"sluice.dev/sluice/internal/load/script"
	"sluice.dev/sluice/internal/load/template"
)

// mark is the header that names a load test's requests.
const mark = "X-Sluice-Load-Test"

// tags mark requests as a load test's, so that others can leave them out of what they count.
type tags struct {
	// header is "name=value,…", baggage the same as members of W3C's baggage; empty without tags.
	header, baggage string
}

// maxTags bounds what every request carries besides its own.
const maxTags = 512

var tagName = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)

func newTags(texts []string) (tags, error) {
	var plain, encoded []string
	for _, text := range texts {
		name, value, ok := strings.Cut(text, "=")
		if !ok || !tagName.MatchString(name) || strings.ContainsAny(value, ",{}\r\n") {
			return tags{}, fmt.Errorf("--tag %q: must be name=value, a name of letters, digits, '.', '_' and '-', and a value without commas and braces", text)
		}
		plain = append(plain, text)
		encoded = append(encoded, name+"="+url.PathEscape(value))
	}
	t := tags{header: strings.Join(plain, ","), baggage: strings.Join(encoded, ",")}
	if len(t.baggage) > maxTags {
		return tags{}, fmt.Errorf("the tags have %d bytes, more than the %d that every request may carry", len(t.baggage), maxTags)
	}
	return t, nil
}

// mark puts the tags into every request of a script; a script's own baggage stays.
func (t tags) mark(s *script.Script) error {
	if t.header == "" {
		return nil
	}
	own := false
	var err error
	s.Headers, own, err = t.headers(s.Headers)
	if err != nil {
		return err
	}
	if !own {
		s.Headers = append(s.Headers, script.Header{Name: "baggage", Value: template.Literal(t.baggage)})
	}
	s.Headers = append(s.Headers, script.Header{Name: mark, Value: template.Literal(t.header)})
	for i := range s.Scenarios {
		if err := t.steps(s.Scenarios[i].Steps); err != nil {
			return err
		}
	}
	for _, hook := range []*script.Scenario{s.Setup, s.Teardown} {
		if hook != nil {
			if err := t.steps(hook.Steps); err != nil {
				return err
			}
		}
	}
	return nil
}

// headers adds the tags to headers of the same names, and says whether there was a baggage.
func (t tags) headers(from []script.Header) (out []script.Header, own bool, err error) {
	for _, h := range from {
		switch {
		case strings.EqualFold(h.Name, mark):
			continue // the default header says it
		case strings.EqualFold(h.Name, "baggage"):
			own = true
			if h.Value, err = template.Parse(h.Value.Source() + "," + t.baggage); err != nil {
				return nil, false, fmt.Errorf("adding the tags to a script's baggage: %w", err)
			}
		}
		out = append(out, h)
	}
	return out, own, nil
}

func (t tags) steps(steps []script.Step) error {
	for _, step := range steps {
		var err error
		switch {
		case step.Request != nil:
			step.Request.Headers, _, err = t.headers(step.Request.Headers)
		case step.Loop != nil:
			err = t.steps(step.Loop.Steps)
		case step.Parallel != nil:
			err = t.steps(step.Parallel.Steps)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
