package compose

import (
	"fmt"
	"regexp"

	api "sluice.dev/sluice/api/v1alpha1"
)

// DryRun is the names of the metrics that are measured without counting. A rule that Named refuses
// says nothing; validation reports it.
func DryRun(spec api.AnalysisRunSpec) map[string]bool {
	dry := map[string]bool{}
	for _, rule := range spec.DryRun {
		if names, err := Named(rule.MetricName, spec.Metrics); err == nil {
			for _, name := range names {
				dry[name] = true
			}
		}
	}
	return dry
}

// Retention is how many measurements are kept of each metric that a rule names. The last rule that
// matches wins. One without a positive limit, or that Named refuses, says nothing.
func Retention(spec api.AnalysisRunSpec) map[string]int {
	keep := map[string]int{}
	for _, rule := range spec.MeasurementRetention {
		if names, err := Named(rule.MetricName, spec.Metrics); err == nil && rule.Limit > 0 {
			for _, name := range names {
				keep[name] = int(rule.Limit)
			}
		}
	}
	return keep
}

// Named is the names of the metrics that a rule means, at least one. The rule is a regular
// expression that is found anywhere in the name: "error" means error-rate and http-errors, and
// "^error$" means error alone.
func Named(rule string, metrics []api.Metric) ([]string, error) {
	pattern, err := regexp.Compile(rule)
	if err != nil {
		return nil, fmt.Errorf("%q is not a regular expression: %w", rule, err)
	}
	var names []string
	for _, metric := range metrics {
		if pattern.MatchString(metric.Name) {
			names = append(names, metric.Name)
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%q matches no metric", rule)
	}
	return names, nil
}

// ruling is where templates keep one kind of rules, and what a rule is about.
type ruling[R any] struct {
	field string
	of    func(*api.AnalysisTemplateSpec) []R
	about func(R) string
}

var (
	dryRules = ruling[api.DryRun]{
		field: fieldDryRun,
		of:    func(t *api.AnalysisTemplateSpec) []api.DryRun { return t.DryRun },
		about: func(r api.DryRun) string { return r.MetricName },
	}
	retentionRules = ruling[api.MeasurementRetention]{
		field: fieldRetention,
		of:    func(t *api.AnalysisTemplateSpec) []api.MeasurementRetention { return t.MeasurementRetention },
		about: func(r api.MeasurementRetention) string { return r.MetricName },
	}
)

// rules puts those of the templates and those of their user together. Two for the same metrics are
// a problem.
func rules[R any](m *merger, templates []Template, given []R, kind ruling[R]) []R {
	var all []R
	owner := map[string][]string{}
	take := func(rule R, from []string) {
		name := kind.about(rule)
		if first, taken := owner[name]; taken {
			where := ""
			if concerned := both(append(first, from...)...); len(concerned) > 0 {
				where = ": in " + list(concerned)
			}
			m.problems = append(m.problems, Problem{
				Templates: from, Field: kind.field, Message: fmt.Sprintf("%s has two rules for %q%s", kind.field, name, where),
			})
		}
		owner[name] = from
		all = append(all, rule)
	}
	for _, t := range templates {
		for _, rule := range kind.of(&t.Spec) {
			take(rule, []string{t.Name()})
		}
	}
	for _, rule := range given {
		take(rule, nil)
	}
	return all
}
