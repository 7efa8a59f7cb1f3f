// Package validate says what is wrong with a spec, field by field, in words a user can act on.
package validate

import (
	"fmt"
	"sort"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Kind says what follows from a finding.
type Kind string

// The kinds of findings.
const (
	// Invalid is the user's mistake: nothing moves forward until it is corrected.
	Invalid Kind = "Invalid"
	// Unsupported is part of the API that this version cannot carry out: the object is left as it is.
	Unsupported Kind = "Unsupported"
	// Warning is legal and probably not what was meant.
	Warning Kind = "Warning"
)

// Finding is one thing to know about a spec.
type Finding struct {
	Kind Kind `json:"kind"`
	// Rule names what it is about.
	Rule Rule `json:"rule"`
	// Path is the field: spec.strategy.canary.steps[2].setWeight.
	Path string `json:"path"`
	// Message says what is wrong, without the path.
	Message string `json:"message"`
	// Fix says what to write instead, "" when there is nothing to add.
	Fix string `json:"fix,omitempty"`
	// NeedsRouter tells that it is unsupported only because no traffic router can be steered here. Where
	// one is imagined, as in a simulation, it can be carried out.
	NeedsRouter bool `json:"-"`
}

// String is path, message and fix in one line.
func (f Finding) String() string {
	text := f.Message
	if f.Path != "" {
		text = f.Path + ": " + text
	}
	if f.Fix != "" {
		text += "; " + f.Fix
	}
	return text
}

// Findings is everything there is to say about one object, sorted by path.
type Findings []Finding

// Of returns the findings of the given kinds, in order.
func (f Findings) Of(kinds ...Kind) Findings {
	var found Findings
	for _, finding := range f {
		for _, kind := range kinds {
			if finding.Kind == kind {
				found = append(found, finding)
			}
		}
	}
	return found
}

// WithRouters leaves out what is unsupported only for want of a traffic router: what is left is what there
// is to say where every router exists.
func (f Findings) WithRouters() Findings {
	var found Findings
	for _, finding := range f {
		if !finding.NeedsRouter {
			found = append(found, finding)
		}
	}
	return found
}

// Bounds of what findings say: it becomes part of a condition, whose object has a size limit.
const (
	maxText  = 512     // bytes of one finding
	maxTexts = 4 << 10 // bytes of all
)

// Texts lists the findings as one line each. What does not fit into 4 KiB is counted.
func (f Findings) Texts() []string {
	var texts []string
	total := 0
	for i, finding := range f {
		text := shorten(finding.String(), maxText)
		if total += len(text); total > maxTexts {
			return append(texts, fmt.Sprintf("… and %d more", len(f)-i))
		}
		texts = append(texts, text)
	}
	return texts
}

// shorten keeps one long value from hiding all other findings.
func shorten(text string, limit int) string {
	const more = "…"
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit-len(more)], "") + more
}

// maxQuoted bounds what a finding repeats of a text.
const maxQuoted = 120

// quote is a text of the user as it stands in a finding.
func quote[T ~string](text T) string { return strconv.Quote(shorten(string(text), maxQuoted)) }

// sheet collects findings.
type sheet struct {
	findings Findings
	rule     Rule // of the next finding, "" for the usual one of its kind

	unfilled bool // placeholders stand for what is not known yet
}

// as names the rule of the finding that is added next.
func (s *sheet) as(rule Rule) *sheet {
	s.rule = rule
	return s
}

func (s *sheet) add(kind Kind, path *field.Path, message, fix string) {
	rule := s.rule
	if s.rule = ""; rule == "" {
		rule = usual(kind)
	}
	s.findings = append(s.findings, Finding{Kind: kind, Rule: rule, Path: path.String(), Message: shorten(message, maxTexts/4), Fix: shorten(fix, maxText)})
}

func (s *sheet) invalid(path *field.Path, message, fix string) { s.add(Invalid, path, message, fix) }
func (s *sheet) warn(path *field.Path, message, fix string)    { s.add(Warning, path, message, fix) }

// unsupported names a field this version cannot carry out, when it is there.
func (s *sheet) unsupported(there bool, path *field.Path) {
	if there {
		s.add(Unsupported, path, "not supported yet", "")
	}
}

// routed names a field that only a traffic router can carry out, when it is there.
func (s *sheet) routed(there bool, path *field.Path) {
	if there {
		s.add(Unsupported, path, "not supported yet", "")
		s.findings[len(s.findings)-1].NeedsRouter = true
	}
}

func (s *sheet) negative(path *field.Path, value *int32) {
	if value != nil && *value < 0 {
		s.invalid(path, fmt.Sprintf("is %d and cannot be negative", *value), "")
	}
}

// sorted puts the findings in the order of the fields' names, keeping numbers in theirs: steps[2]
// comes before steps[10].
func (s *sheet) sorted() Findings {
	sort.SliceStable(s.findings, func(i, j int) bool {
		return natural(s.findings[i].Path, s.findings[j].Path)
	})
	return s.findings
}

func natural(a, b string) bool {
	for a != "" && b != "" {
		if digit(a[0]) && digit(b[0]) {
			x, restA := number(a)
			y, restB := number(b)
			if x != y {
				return len(x) < len(y) || len(x) == len(y) && x < y
			}
			a, b = restA, restB
			continue
		}
		if a[0] != b[0] {
			return a[0] < b[0]
		}
		a, b = a[1:], b[1:]
	}
	return len(a) < len(b)
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

func number(text string) (digits, rest string) {
	end := 0
	for end < len(text) && digit(text[end]) {
		end++
	}
	return strings.TrimLeft(text[:end], "0"), text[end:]
}
