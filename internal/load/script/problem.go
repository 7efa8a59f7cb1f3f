package script

import (
	"fmt"
	"sort"
	"strings"

	"sluice.dev/sluice/internal/load/suggest"
)

// Position is a place in a script; Line and Column count from 1, and are 0
// when only the file is known.
type Position struct {
	File         string
	Line, Column int
}

func (p Position) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Problem is one thing that is wrong with a script.
type Problem struct {
	At   Position
	Text string
}

func (p Problem) Error() string { return p.At.String() + ": " + p.Text }

// Problems is everything that is wrong with a script, in the order of its lines.
type Problems []Problem

func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.Error()
	}
	return strings.Join(lines, "\n")
}

// maxProblems bounds a report; a script with more is of another kind altogether.
const maxProblems = 50

// findings collects what is wrong, so that all of it is said at once.
type findings struct {
	problems Problems
	warnings Problems
}

func (f *findings) fail(at Position, path, format string, args ...any) {
	if len(f.problems) < maxProblems {
		f.problems = append(f.problems, Problem{At: at, Text: join(path, fmt.Sprintf(format, args...))})
	}
}

func (f *findings) warn(at Position, path, format string, args ...any) {
	if len(f.warnings) < maxProblems {
		f.warnings = append(f.warnings, Problem{At: at, Text: join(path, fmt.Sprintf(format, args...))})
	}
}

func join(path, text string) string {
	if path == "" {
		return text
	}
	return path + ": " + text
}

func (f *findings) err() error {
	if len(f.problems) == 0 {
		return nil
	}
	sort.SliceStable(f.problems, func(i, j int) bool {
		a, b := f.problems[i].At, f.problems[j].At
		return a.Line < b.Line || a.Line == b.Line && a.Column < b.Column
	})
	return f.problems
}

// keys are the keys a map may have: those we run, and those Artillery knows and we do not run yet.
type keys struct{ now, later []string }

// fields returns the fields of a map that we run and reports all others.
func (f *findings) fields(v *value, path string, k keys) []field {
	if v.kind == nothing {
		return nil
	}
	if v.kind != object {
		f.fail(v.at, path, "must be a map, not %s", v.describe())
		return nil
	}
	var known []field
	for _, field := range v.fields {
		where := dotted(path, field.key)
		switch {
		case contains(k.now, field.key):
			known = append(known, field)
		case contains(k.later, field.key):
			f.fail(field.at, where, "not supported yet")
		default:
			f.fail(field.at, where, "unknown key%s", suggest.Hint(field.key, append(append([]string(nil), k.now...), k.later...)))
		}
	}
	return known
}

func contains(words []string, word string) bool {
	for _, w := range words {
		if w == word {
			return true
		}
	}
	return false
}

func dotted(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
