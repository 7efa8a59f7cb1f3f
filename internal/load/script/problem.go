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

// Severity says what a problem means for a run.
type Severity string

// An error keeps the script from running. A warning says that it means
// something else than it seems to. Advice is for people who look for it.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
	Advice  Severity = "advice"
)

// Code names a kind of problem; it stays the same when its sentence changes.
type Code string

// The codes.
const (
	CodeSyntax          Code = "syntax"
	CodeInvalid         Code = "invalid"
	CodeNoTarget        Code = "no-target"
	CodeUnknownKey      Code = "unknown-key"
	CodeUnsupported     Code = "unsupported"
	CodeUnknownVariable Code = "unknown-variable"
	CodeUnknownFunction Code = "unknown-function"
	CodeUnknownMetric   Code = "unknown-metric"
	CodeUnreadableFile  Code = "unreadable-file"
	CodeThinkInRequest  Code = "think-in-request"
	CodeProcessor       Code = "processor"

	CodeUnknownEnvironment Code = "unknown-environment"
	CodeUnknownHook        Code = "unknown-hook"
	CodeEnsureNotLoaded    Code = "ensure-not-loaded"
	CodeExpectNotLoaded    Code = "expect-not-loaded"
	CodeIgnored            Code = "ignored"
	CodeNotSent            Code = "not-sent"
	CodeThinkFraction      Code = "think-fraction"
	CodeRampFraction       Code = "ramp-fraction"
	CodeLongTimeout        Code = "long-timeout"
	CodeCondition          Code = "condition"
	CodeEndless            Code = "endless-loop"
	CodeEmpty              Code = "empty"
	CodeManyEndpoints      Code = "many-endpoints"
	CodeOddLimit           Code = "odd-limit"
	CodeOddTarget          Code = "odd-target"
	CodeOddBody            Code = "odd-body"
	CodeOddBraces          Code = "odd-braces"
	CodeOddWeight          Code = "odd-weight"
	CodeColumns            Code = "columns"
	CodeNoArrivals         Code = "no-arrivals"
	CodeLongThink          Code = "long-think"

	CodeNoGates        Code = "no-gates"
	CodeBlindToErrors  Code = "no-5xx-gate"
	CodeBlindErrorRate Code = "blind-error-rate"
)

// Problem is one thing that is wrong with a script.
type Problem struct {
	At Position
	// Path is where in the script, as config.phases[0].duration; empty for the whole.
	Path     string
	Severity Severity
	Code     Code
	// Text says what is wrong.
	Text string
	// Instead says what to write, empty when Text does.
	Instead string
}

func (p Problem) Error() string {
	text := join(p.Path, p.Text)
	if p.Instead != "" {
		text += "; " + p.Instead
	}
	return p.At.String() + ": " + text
}

func join(path, text string) string {
	if path == "" {
		return text
	}
	return path + ": " + text
}

// Problems is everything that is wrong with a script, in the order of its lines.
type Problems []Problem

func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.Error()
	}
	return strings.Join(lines, "\n")
}

// sort orders problems by their places, those of one file together.
func (p Problems) sort() {
	files := map[string]int{}
	for _, problem := range p {
		if _, seen := files[problem.At.File]; !seen {
			files[problem.At.File] = len(files)
		}
	}
	sort.SliceStable(p, func(i, j int) bool {
		a, b := p[i].At, p[j].At
		if a.File != b.File {
			return files[a.File] < files[b.File]
		}
		return a.Line < b.Line || a.Line == b.Line && a.Column < b.Column
	})
}

// maxProblems bounds a report; a script with more is of another kind altogether.
const (
	maxProblems = 50
	maxHints    = 2 * maxProblems // for errors and for warnings
)

// findings collects what is wrong, so that all of it is said at once.
type findings struct {
	problems Problems
	warnings Problems
	advice   Problems
	// hints is how often a word was looked for that may have been meant.
	hints int
	// patterns is the size of all regular expressions.
	patterns int
}

// near is what to write instead of a mistyped word, or "". A script with more mistakes than are reported gets no
// further help: each costs a comparison with all words that are known.
func (f *findings) near(word string, known func() []string) string {
	if f.hints++; f.hints > maxHints {
		return ""
	}
	return hint(word, known())
}

// full says that no further error is reported, so that nobody needs to look for one.
func (f *findings) full() bool { return len(f.problems) >= maxProblems }

// add keeps a problem by its severity.
func (f *findings) add(p Problem) {
	to := &f.problems
	switch p.Severity {
	case Warning:
		to = &f.warnings
	case Advice:
		to = &f.advice
	case Error:
	default:
		p.Severity = Error
	}
	if len(*to) < maxProblems {
		*to = append(*to, p)
	}
}

// fail refuses a value that cannot be what is written there.
func (f *findings) fail(at Position, path, format string, args ...any) {
	f.add(Problem{At: at, Path: path, Severity: Error, Code: CodeInvalid, Text: fmt.Sprintf(format, args...)})
}

func (f *findings) warn(code Code, at Position, path, format string, args ...any) {
	f.add(Problem{At: at, Path: path, Severity: Warning, Code: code, Text: fmt.Sprintf(format, args...)})
}

// refuse says that what is written there is not run here, and what to write instead.
func (f *findings) refuse(at Position, path, text, instead string) {
	f.add(Problem{At: at, Path: path, Severity: Error, Code: CodeUnsupported, Text: text, Instead: instead})
}

// err returns the problems that keep the script from running, or nil.
func (f *findings) err() error {
	if len(f.problems) == 0 {
		return nil
	}
	f.problems.sort()
	return f.problems
}

// hint is what to write instead of a mistyped word, or "".
func hint(word string, known []string) string {
	return strings.TrimPrefix(suggest.Hint(word, known), "; ")
}
