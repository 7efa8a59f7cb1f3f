package validate

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
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

// Bounds of a load test.
const (
	maxPods    = 50
	maxAborts  = 32
	maxTags    = 16
	maxTagged  = 512 // bytes of all tags
	minResult  = 128 // bytes that hold a verdict
	maxResult  = 4096
	scriptFile = "script.yaml"
)

var (
	tagKey   = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)
	tagValue = regexp.MustCompile(`^[A-Za-z0-9_.:/@+ -]{0,128}$`)
)

func (s *sheet) loadTest(test *api.LoadTestMetric, path *field.Path) {
	s.loadTargets(test, path)
	s.loadCPU(test, path)
	s.loadScript(&test.Script, path.Child("script"))
	if n := test.Parallelism; n != nil && (*n < 1 || *n > maxPods) {
		s.invalid(path.Child("parallelism"), fmt.Sprintf("is %d; from 1 to %d pods can share a load", *n, maxPods), "leave it out for 1")
	}
	switch test.DefaultGates {
	case "", api.DefaultGatesEnforce, api.DefaultGatesNone:
	default:
		s.invalid(path.Child("defaultGates"), "is "+quote(test.DefaultGates), "write Enforce or None")
	}
	if length, known := s.duration(test.Deadline, path.Child("deadline")); known && test.Deadline != "" && length < time.Second {
		s.invalid(path.Child("deadline"), "is shorter than a second", "write for example 10m")
	}
	for i := range test.Env {
		s.required(test.Env[i].Name, path.Child("env").Index(i).Child("name"), "")
	}
	s.loadTags(test.Tags, path.Child("tags"))
	s.resultBudget(test.PodMetadata, path.Child("podMetadata", "annotations").Key(api.AnnotationResultBudget))
	if len(test.AbortOn) > maxAborts {
		s.as(RuleTooLong).invalid(path.Child("abortOn"), fmt.Sprintf("has %d items, more than %d", len(test.AbortOn), maxAborts), "")
		return
	}
	s.loadCompiles(test, path)
}

func (s *sheet) loadTargets(test *api.LoadTestMetric, path *field.Path) {
	if test.Target != "" {
		s.address(test.Target, path.Child("target"))
	}
	if test.CompareTarget == "" {
		return
	}
	at := path.Child("compareTarget")
	s.address(test.CompareTarget, at)
	switch {
	case test.Target == "":
		s.as(RuleMissingField).invalid(path.Child("target"), "is missing: compareTarget is what it is compared with", "write the new version's address")
	case sameTarget(test.Target, test.CompareTarget):
		s.as(RuleConflict).invalid(at, "is the same as target", "write the address of the other version, such as that of the stable Service")
	}
}

// sameTarget says whether two addresses lead to the same place, however they are written.
func sameTarget(one, other string) bool { return settled(one) == settled(other) }

func settled(address string) string {
	u, err := url.Parse(strings.TrimRight(address, "/"))
	if err != nil || u.Host == "" {
		return address
	}
	u.Scheme, u.Host = strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	for scheme, port := range map[string]string{"http": ":80", "https": ":443"} {
		if u.Scheme == scheme {
			u.Host = strings.TrimSuffix(u.Host, port)
		}
	}
	return u.String()
}

// loadCPU warns of a bound on the generator's CPU.
func (s *sheet) loadCPU(test *api.LoadTestMetric, path *field.Path) {
	if test.Resources == nil {
		return
	}
	if limit, ok := test.Resources.Limits[corev1.ResourceCPU]; ok {
		s.as(RuleScriptAdvice).warn(path.Child("resources", "limits", "cpu"), fmt.Sprintf("is %s: a generator that is throttled measures itself, and its test is inconclusive", limit.String()),
			"remove it, and write requests.cpu instead")
	}
}

func (s *sheet) loadScript(from *api.LoadTestScript, path *field.Path) {
	switch ref := from.ConfigMap; {
	case ref == nil && from.Inline == "":
		s.as(RuleMissingField).invalid(path, "is missing", "write inline with an Artillery script below it, or configMap with name and key")
	case ref != nil && from.Inline != "":
		s.as(RuleConflict).invalid(path, "has both inline and configMap", "remove one of them")
	case ref != nil:
		s.required(ref.Name, path.Child("configMap", "name"), "write the name of the ConfigMap")
		s.required(ref.Key, path.Child("configMap", "key"), "write the key of the script in the ConfigMap")
		if strings.Contains(ref.Key, "/") {
			s.invalid(path.Child("configMap", "key"), "is "+quote(ref.Key)+", which is no key of a ConfigMap", "")
		}
	}
}

// resultBudget refuses what the generator could not keep a result within: it would leave none.
func (s *sheet) resultBudget(metadata *api.PodTemplateMetadata, path *field.Path) {
	if metadata == nil {
		return
	}
	text := metadata.Annotations[api.AnnotationResultBudget]
	if n, err := strconv.Atoi(text); text != "" && !open(text) && (err != nil || n < minResult || n > maxResult) {
		s.invalid(path, fmt.Sprintf("is %s, and must be a number of bytes from %d to %d", quote(text), minResult, maxResult), "leave it out for what fits")
	}
}

func (s *sheet) loadTags(tags map[string]string, path *field.Path) {
	if len(tags) > maxTags {
		s.as(RuleTooLong).invalid(path, fmt.Sprintf("has %d entries, more than %d", len(tags), maxTags), "")
	}
	total := 0
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		if total += len(key) + len(tags[key]) + 2; total > maxTagged {
			s.as(RuleTooLong).invalid(path, fmt.Sprintf("have more than %d bytes, which every request would carry", maxTagged), "")
			return
		}
		if !tagKey.MatchString(key) && !open(key) {
			s.as(RuleBadName).invalid(path.Key(key), "cannot be sent as a header", "write letters, digits, dots, dashes and underscores")
		}
		if value := tags[key]; !tagValue.MatchString(value) && !open(value) {
			s.invalid(path.Key(key), quote(value)+" cannot be sent as a header", "write up to 128 letters, digits, spaces and any of . : / @ + - _")
		}
	}
}

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
	read := loadReadings.of(test)
	for _, p := range read.problems {
		if p.At.File == "--target" {
			continue // said of the target
		}
		s.as(RuleScript).invalid(at, placed(p), instead(p))
	}
	if read.catalogue == nil {
		return
	}
	for _, p := range read.warnings {
		s.as(RuleScriptAdvice).warn(at, placed(p), instead(p))
	}
	deadline, err := test.Deadline.Duration()
	if length := read.length; err == nil && deadline >= time.Second && deadline <= length && !open(test.Script.Inline) {
		s.invalid(path.Child("deadline"), fmt.Sprintf("is %s, and the script's phases take %s: the test would never come to its end", deadline, length), "leave it out, or write more")
	}
	s.aborts(test, read.catalogue, path, Invalid)
}

// aborts compiles the conditions that end a test. Of a script that cannot be read here a name that is not known may
// be an endpoint.
func (s *sheet) aborts(test *api.LoadTestMetric, known *series.Catalogue, path *field.Path, unknown Kind) {
	for i, text := range test.AbortOn {
		at := path.Child("abortOn").Index(i)
		if open(text) || !s.characters(text, maxCondition, at) {
			continue
		}
		if _, err := gate.Condition(text, known); err != nil {
			kind := Invalid
			if errors.As(err, &gate.UnknownMetricError{}) {
				kind = unknown
			}
			s.as(RuleCondition).add(kind, at, quote(text)+" is not a condition: "+err.Error(), `write for example "errors.rate > 0.5"`)
		}
	}
}

// placed says where in the script something is.
func placed(p script.Problem) string {
	text := flagless(p.Text)
	if p.Path != "" {
		text = p.Path + ": " + text
	}
	if p.At.Line == 0 {
		return text
	}
	return fmt.Sprintf("line %d, column %d: %s", p.At.Line, p.At.Column, text)
}

func instead(p script.Problem) string { return flagless(p.Instead) }

// flagless names a flag of the command line as the block has it.
func flagless(text string) string { return strings.ReplaceAll(text, "with -t", "with target") }

// loadStandIns stand for arguments and for variables of the environment whose values are not known here.
var loadStandIns = []string{"1", "x", "http://stand.in"}

// compileLoad compiles a script. Where a value is not known, only what is wrong with each stand-in for it is
// certain. The compiled script is nil when it could not be read with any of them.
func compileLoad(test *api.LoadTestMetric) (compiled *script.Script, certain script.Problems) {
	standIns := loadStandIns
	names := compose.Unresolved(api.Metric{Provider: api.MetricProvider{LoadTest: test}})
	if len(names) == 0 && !slices.ContainsFunc(test.Env, unknownEnv) {
		standIns = standIns[:1]
	}
	for i, standIn := range standIns {
		one, problems := compileWith(test, names, standIn)
		if compiled == nil {
			compiled = one
		}
		if i == 0 {
			certain = problems
		}
		certain = slices.DeleteFunc(slices.Clone(certain), func(p script.Problem) bool { return !slices.Contains(problems, p) })
	}
	return compiled, certain
}

func unknownEnv(e corev1.EnvVar) bool { return e.ValueFrom != nil || open(e.Value) }

func compileWith(test *api.LoadTestMetric, names []string, standIn string) (*script.Script, script.Problems) {
	values := map[string]string{}
	for _, name := range names {
		values[name] = standIn
	}
	filled, err := compose.Metric(api.Metric{Provider: api.MetricProvider{LoadTest: test}}, values)
	if err != nil {
		return nil, nil // said of the metric as a whole
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
			return nil, nil
		}
		options.Variables = string(variables)
	}
	compiled, err := script.Load([]byte(known.Script.Inline), options)
	if err == nil && test.DefaultGates == api.DefaultGatesNone { // then nothing else sees what the gates do not
		compiled.Warnings = append(compiled.Warnings, advice([]byte(known.Script.Inline), options)...)
	}
	var problems script.Problems
	switch {
	case errors.As(err, &problems):
		return nil, problems
	case err != nil:
		return nil, script.Problems{{Text: err.Error()}}
	}
	return compiled, nil
}

// advice is what a script's gates do not see.
func advice(text []byte, o script.Options) script.Problems {
	return slices.DeleteFunc(script.Lint(text, o), func(p script.Problem) bool { return p.Severity != script.Advice })
}
