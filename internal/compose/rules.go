package compose

import (
	"fmt"
	"regexp"

	api "sluice.dev/sluice/api/v1alpha1"
)

// DryRun is the names of the metrics that are measured without counting. A rule is a regular
// expression that is found anywhere in the name; one that matches no metric is a problem.
func DryRun(spec api.AnalysisRunSpec) (map[string]bool, []Problem) {
	dry := map[string]bool{}
	var problems []Problem
	for _, rule := range spec.DryRun {
		names, problem := matching("dryRun", rule.MetricName, spec.Metrics)
		problems = append(problems, problem...)
		for _, name := range names {
			dry[name] = true
		}
	}
	return dry, problems
}

// Retention is how many measurements are kept of each metric that a rule names. The last rule that
// matches wins, and one without a positive limit says nothing.
func Retention(spec api.AnalysisRunSpec) (map[string]int, []Problem) {
	keep := map[string]int{}
	var problems []Problem
	for _, rule := range spec.MeasurementRetention {
		names, problem := matching("measurementRetention", rule.MetricName, spec.Metrics)
		problems = append(problems, problem...)
		for _, name := range names {
			if rule.Limit > 0 {
				keep[name] = int(rule.Limit)
			}
		}
	}
	return keep, problems
}

func matching(field, rule string, metrics []api.Metric) ([]string, []Problem) {
	pattern, err := regexp.Compile(rule)
	if err != nil {
		return nil, []Problem{{Message: fmt.Sprintf("%s: %q is not a regular expression: %s", field, rule, err)}}
	}
	var names []string
	for _, metric := range metrics {
		if pattern.MatchString(metric.Name) {
			names = append(names, metric.Name)
		}
	}
	if len(names) == 0 {
		return nil, []Problem{{Message: fmt.Sprintf("%s: %q matches no metric", field, rule)}}
	}
	return names, nil
}
