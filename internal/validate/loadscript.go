package validate

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/compose"
	"sluice.dev/sluice/internal/load/gate"
	"sluice.dev/sluice/internal/load/script"
	"sluice.dev/sluice/internal/load/series"
)

// loadCompiles finds what is wrong with a script before anything of it runs, and with what is judged by it.
func (s *sheet) loadCompiles(test *api.LoadTestMetric, path *field.Path) {
	at := path.Child("script", "inline")
	if test.Script.Inline == "" || test.Script.ConfigMap != nil {
		s.aborts(test, series.NewCatalogue(), path, Warning)
		return
	}
	if len(test.Script.Inline) > api.MaxLoadScript {
		s.as(RuleTooLong).invalid(at, fmt.Sprintf("has %d bytes, more than %d", len(test.Script.Inline), api.MaxLoadScript), "put it into a ConfigMap: script: {configMap: {name: …, key: …}}")
		return
	}
	read := readLoad(test)
	s.said(read, test, path)
	if read.catalogue == nil {
		return
	}
	deadline, err := test.Deadline.Duration()
	if length := read.length; err == nil && deadline >= time.Second && deadline <= length && !open(test.Script.Inline) {
		s.invalid(path.Child("deadline"), fmt.Sprintf("is %s, and the script's phases take %s: the test would never come to its end", deadline, length), "leave it out, or write more")
	}
	s.aborts(test, read.catalogue, path, Invalid)
}

// said adds what there is to say about a script.
func (s *sheet) said(read reading, test *api.LoadTestMetric, path *field.Path) {
	for _, p := range read.problems {
		if p.At.File != targetFlag || s.well(test.Target) { // what is wrong with a target is said of it
			s.as(RuleScript).invalid(whose(p, path), placed(p), instead(p))
		}
	}
	for _, p := range read.warnings {
		s.as(RuleScriptAdvice).warn(whose(p, path), placed(p), instead(p))
	}
}

// aborts compiles the conditions that end a test. Of a script that cannot be read here a name that is not known may
// be an endpoint.
func (s *sheet) aborts(test *api.LoadTestMetric, known *series.Catalogue, path *field.Path, unknown Kind) {
	for i, text := range test.AbortOn {
		at := path.Child("abortOn").Index(i)
		if open(text) || !s.characters(text, maxCondition, at) {
			continue
		}
		check, err := gate.Condition(text, known)
		if err != nil {
			kind := Invalid
			if errors.As(err, &gate.UnknownMetricError{}) {
				kind = unknown
			}
			s.as(RuleCondition).add(kind, at, quote(text)+" is not a condition: "+err.Error(), `write for example "errors.rate > 0.5"`)
			continue
		}
		for _, d := range check.Doubts() {
			s.as(RuleScriptAdvice).warn(at, d.Text, d.Instead)
		}
		if check.HoldsWhenWell() {
			s.as(RuleScriptAdvice).warn(at, quote(text)+" holds while nothing has gone wrong, so every test would end at once and fail", `write when it is to end, for example "errors.rate > 0.5"`)
		}
	}
}

// targetFlag is the file in which a script's reader finds a target that was given beside it.
const targetFlag = "--target"

// whose is the field that a problem is about: the script, or what is said beside it.
func whose(p script.Problem, path *field.Path) *field.Path {
	switch {
	case p.At.File == targetFlag:
		return path.Child("target")
	case p.At.File == "--variables":
		return path.Child("variables")
	case p.Code == script.CodeUnknownEnvironment:
		return path.Child("environment")
	}
	return path.Child("script", "inline")
}

// placed says where in the script something is, and what.
func placed(p script.Problem) string {
	text := flagless(p.Text)
	if p.At.File == targetFlag || p.Code == script.CodeUnknownEnvironment {
		return text
	}
	if p.Path != "" {
		text = p.Path + ": " + text
	}
	if p.At.Line == 0 {
		return text
	}
	return fmt.Sprintf("line %d, column %d: %s", p.At.Line, p.At.Column, text)
}

func instead(p script.Problem) string {
	if p.Code == script.CodeUnreadableFile && p.Instead == "" {
		return "put the script and the file into a ConfigMap, and write script: {configMap: {name: …, key: …}}"
	}
	return flagless(p.Instead)
}

// flagless names a flag of the command line as the block has it.
func flagless(text string) string { return strings.ReplaceAll(text, "with -t", "with target") }

// loadStandIns stand for arguments and for variables of the environment whose values are not known here.
var loadStandIns = []string{"1", "x", "http://stand.in"}

// readLoad compiles a script. Where a value is not known, only what is wrong with each stand-in for it is certain.
// Warnings are those of the first compilation that comes to its end.
func readLoad(test *api.LoadTestMetric) (read reading) {
	standIns := loadStandIns
	names := compose.Unresolved(api.Metric{Provider: api.MetricProvider{LoadTest: test}})
	if len(names) == 0 && !slices.ContainsFunc(test.Env, unknownEnv) {
		standIns = standIns[:1]
	}
	for i, standIn := range standIns {
		one := readWith(test, names, standIn)
		problems, warnings := apart(one.Said)
		switch {
		case i == 0:
			read.problems, read.warnings = problems, warnings
		case read.catalogue == nil && one.Runs:
			read.warnings = warnings
		case read.catalogue == nil:
			read.warnings = both(read.warnings, warnings)
		}
		read.problems = both(read.problems, problems)
		if read.catalogue == nil {
			read.length, read.phases, read.catalogue = one.Length, one.Phases, one.Catalogue
		}
	}
	read.warnings = slices.DeleteFunc(read.warnings, func(p script.Problem) bool { return p.Severity == script.Advice && !heeded(test, p.Code) })
	return read
}

// apart tells errors from what else there is to say.
func apart(said script.Problems) (problems, warnings script.Problems) {
	for _, p := range said {
		if p.Severity == script.Error {
			problems = append(problems, p)
		} else {
			warnings = append(warnings, p)
		}
	}
	return problems, warnings
}

func both(a, b script.Problems) script.Problems {
	return slices.DeleteFunc(slices.Clone(a), func(p script.Problem) bool { return !slices.Contains(b, p) })
}

func unknownEnv(e corev1.EnvVar) bool { return e.ValueFrom != nil || open(e.Value) }

// readWith reads a script with a text in place of all that is not known. Whoever runs it reads it likewise, so that
// it is read once.
func readWith(test *api.LoadTestMetric, names []string, standIn string) (none script.Reading) {
	values := map[string]string{}
	for _, name := range names {
		values[name] = standIn
	}
	filled, err := compose.Metric(api.Metric{Provider: api.MetricProvider{LoadTest: test}}, values)
	if err != nil {
		return none // said of the metric as a whole
	}
	known := filled.Provider.LoadTest
	environ := []string{"HOSTNAME=" + standIn}
	for _, e := range known.Env {
		if e.ValueFrom != nil {
			e.Value = standIn
		}
		environ = append(environ, e.Name+"="+e.Value)
	}
	options := script.Options{File: scriptFile, Target: known.Target, Environment: known.Environment, Environ: environ, Enforce: true}
	if len(known.Variables) > 0 {
		variables, err := json.Marshal(known.Variables)
		if err != nil {
			return none
		}
		options.Variables = string(variables)
	}
	return script.Once([]byte(known.Script.Inline), options)
}

// heeded says which advice about a script is given here: what its gates do not see matters where nothing else sees
// it, and that they count matters because they do not everywhere.
func heeded(test *api.LoadTestMetric, code script.Code) bool {
	return code == script.CodeEnsureNotLoaded || code == script.CodeExpectNotLoaded || test.DefaultGates == api.DefaultGatesNone
}
