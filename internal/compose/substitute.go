package compose

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	api "sluice.dev/sluice/api/v1alpha1"
)

// placeholder is {{args.name}}; spaces inside the braces are allowed.
var placeholder = regexp.MustCompile(`\{\{\s*args\.([^\s{}]+)\s*\}\}`)

// Metric fills in the placeholders whose arguments have a value, wherever in the metric's texts they
// stand. Others stay as they are: those of secret arguments are filled in when a measurement is
// taken. Values are texts: one that looks like a placeholder, a quote or JSON stays what it is.
func Metric(m api.Metric, values map[string]string) (api.Metric, error) {
	document, err := decode(m)
	if err != nil {
		return api.Metric{}, fmt.Errorf("reading metric %q: %w", m.Name, err)
	}
	filled, err := fill(document, values)
	if err != nil {
		return api.Metric{}, fmt.Errorf("filling in the arguments of metric %q: %w", m.Name, err)
	}
	text, err := json.Marshal(filled)
	if err != nil {
		return api.Metric{}, fmt.Errorf("writing metric %q: %w", m.Name, err)
	}
	var out api.Metric
	if err := json.Unmarshal(text, &out); err != nil {
		return api.Metric{}, fmt.Errorf("filling in the arguments of metric %q: %w", m.Name, err)
	}
	return out, nil
}

// Unresolved is the names of the arguments that still have placeholders in the metric, sorted.
func Unresolved(m api.Metric) []string {
	document, err := decode(m)
	if err != nil {
		return nil
	}
	names := map[string]bool{}
	placeholders(document, names)
	return slices.Sorted(maps.Keys(names))
}

// Open tells that a text holds a placeholder whose value is not filled in.
func Open(text string) bool { return placeholder.MatchString(text) }

// braces is what stands in double braces, or begins with them and never ends.
var braces = regexp.MustCompile(`\{\{[^{}]*(\}\})?`)

// Strays is what looks like a placeholder in a text and is none, so that nothing is ever filled in
// for it: {{arg.name}}, {{ .args.name }}.
func Strays(text string) []string {
	return braces.FindAllString(placeholder.ReplaceAllString(text, ""), -1)
}

// Values is the arguments whose value is known, by name.
func Values(args []api.Argument) map[string]string {
	values := map[string]string{}
	for _, arg := range args {
		if arg.Value != nil {
			values[arg.Name] = *arg.Value
		}
	}
	return values
}

// Secrets is the arguments whose value is a key of a Secret, by name. An argument with a value is
// not one of them.
func Secrets(args []api.Argument) map[string]api.SecretKeyRef {
	secrets := map[string]api.SecretKeyRef{}
	for _, arg := range args {
		if ref := secretOf(arg); ref != nil && arg.Value == nil {
			secrets[arg.Name] = *ref
		}
	}
	return secrets
}

// Exposed reports the parts of a metric that would show a secret argument to everybody who can read
// the run: its name, conditions, limits and times, whose texts reach messages, and the metadata of
// its Job. They are refused.
func Exposed(m api.Metric, secrets map[string]api.SecretKeyRef) []Problem {
	var metadata any
	if m.Provider.Job != nil {
		metadata = m.Provider.Job.Metadata
	}
	var problems []Problem
	parts := []struct {
		field string
		value any
	}{
		{"name", m.Name},
		{"interval", m.Interval},
		{"initialDelay", m.InitialDelay},
		{"count", m.Count},
		{"successCondition", m.SuccessCondition},
		{"failureCondition", m.FailureCondition},
		{"failureLimit", m.FailureLimit},
		{"inconclusiveLimit", m.InconclusiveLimit},
		{"consecutiveErrorLimit", m.ConsecutiveErrorLimit},
		{"consecutiveSuccessLimit", m.ConsecutiveSuccessLimit},
		{"noDataDeadline", m.NoDataDeadline},
		{"provider.job.metadata", metadata},
	}
	for _, part := range parts {
		for _, name := range secretsIn(part.value, secrets) {
			problems = append(problems, Problem{Message: fmt.Sprintf(
				"metric %q: %s uses args.%s, whose value is a secret and would be shown in messages", m.Name, part.field, name)})
		}
	}
	return append(problems, exposedLoad(m, secrets)...)
}

// exposedLoad reports the parts of a load test that are shown: its script stands on its pods, its tags in the logs of
// whoever answers, and what ends it in its result.
func exposedLoad(m api.Metric, secrets map[string]api.SecretKeyRef) []Problem {
	test := m.Provider.LoadTest
	if test == nil {
		return nil
	}
	var problems []Problem
	for _, part := range []struct {
		field string
		value any
	}{
		{"script.inline", test.Script.Inline}, {"abortOn", test.AbortOn}, {"tags", test.Tags}, {"podMetadata", test.PodMetadata},
	} {
		for _, name := range secretsIn(part.value, secrets) {
			problems = append(problems, Problem{Message: fmt.Sprintf("metric %q: provider.loadTest.%s uses args.%s, whose value is a secret, "+
				"and everybody can read it there: give it to the container by env, and write {{ $env.NAME }} in the script", m.Name, part.field, name)})
		}
	}
	return problems
}

// secretsIn names the secret arguments that a value uses, sorted.
func secretsIn(value any, secrets map[string]api.SecretKeyRef) []string {
	document, err := decode(value)
	if err != nil {
		return nil // not JSON, so nothing of it is ever filled in
	}
	names := map[string]bool{}
	placeholders(document, names)
	maps.DeleteFunc(names, func(name string, _ bool) bool { _, secret := secrets[name]; return !secret })
	return slices.Sorted(maps.Keys(names))
}

// decode is a value as plain JSON, numbers kept as written.
func decode(value any) (any, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var document any
	err = decoder.Decode(&document)
	return document, err
}

// fill replaces placeholders in all texts of a document, keys of objects included. What a value
// brings in is not looked at again.
func fill(document any, values map[string]string) (any, error) {
	switch d := document.(type) {
	case string:
		return fillText(d, values), nil
	case []any:
		out := make([]any, len(d))
		for i, item := range d {
			filled, err := fill(item, values)
			if err != nil {
				return nil, err
			}
			out[i] = filled
		}
		return out, nil
	case map[string]any:
		out := make(map[string]any, len(d))
		for _, key := range slices.Sorted(maps.Keys(d)) {
			filled, err := fill(d[key], values)
			if err != nil {
				return nil, err
			}
			name := fillText(key, values)
			if _, taken := out[name]; taken {
				return nil, fmt.Errorf("the key of %q appears twice", key)
			}
			out[name] = filled
		}
		return out, nil
	default:
		return document, nil
	}
}

func fillText(text string, values map[string]string) string {
	if !strings.Contains(text, "{{") {
		return text
	}
	return placeholder.ReplaceAllStringFunc(text, func(found string) string {
		if value, ok := values[placeholder.FindStringSubmatch(found)[1]]; ok {
			return value
		}
		return found
	})
}

func placeholders(document any, names map[string]bool) {
	switch d := document.(type) {
	case string:
		for _, found := range placeholder.FindAllStringSubmatch(d, -1) {
			names[found[1]] = true
		}
	case []any:
		for _, item := range d {
			placeholders(item, names)
		}
	case map[string]any:
		for key, item := range d {
			placeholders(key, names)
			placeholders(item, names)
		}
	}
}
