package validate

import (
	"fmt"
	"regexp"

	"k8s.io/apimachinery/pkg/util/validation/field"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/compose"
)

// naming is a rule that names metrics, with its place.
type naming struct {
	rule string
	path *field.Path
}

// namings are the rules of a spec that name metrics.
func namings(dryRun []api.DryRun, retention []api.MeasurementRetention, root *field.Path) []naming {
	var all []naming
	for i, rule := range dryRun {
		all = append(all, naming{rule.MetricName, root.Child("dryRun").Index(i).Child("metricName")})
	}
	for i, rule := range retention {
		all = append(all, naming{rule.MetricName, root.Child("measurementRetention").Index(i).Child("metricName")})
	}
	return all
}

// rules checks dryRun and measurementRetention by themselves: whether they can be read.
func (s *sheet) rules(dryRun []api.DryRun, retention []api.MeasurementRetention, root *field.Path) {
	s.items(len(dryRun), root.Child("dryRun"))
	s.items(len(retention), root.Child("measurementRetention"))
	for _, n := range namings(dryRun, retention, root) {
		s.expression(n)
	}
	for i, rule := range retention {
		at := root.Child("measurementRetention").Index(i).Child("limit")
		switch {
		case rule.Limit <= 0:
			s.warn(at, fmt.Sprintf("is %d, which keeps the %d newest measurements, as if there were no rule", rule.Limit, api.DefaultRetention), "write a number from 1")
		case rule.Limit > api.MaxRetention:
			s.warn(at, fmt.Sprintf("is %d, and at most %d measurements of a metric are kept", rule.Limit, api.MaxRetention), "")
		}
	}
}

func (s *sheet) expression(n naming) {
	switch {
	case n.rule == "":
		s.warn(n.path, "is empty, which means every metric", "write .* if that is what you mean")
	case !s.characters(n.rule, maxCondition, n.path):
	default:
		if _, err := regexp.Compile(n.rule); err != nil {
			s.invalid(n.path, fmt.Sprintf("%s is not a regular expression: %s", quote(n.rule), err), "write the name of the metric, or for example ^latency-")
		}
	}
}

// matched wants every rule that can be read to mean at least one of the metrics.
func (s *sheet) matched(kind Kind, rules []naming, metrics []api.Metric, whose string) {
	for _, n := range rules {
		if _, err := regexp.Compile(n.rule); err != nil {
			continue
		}
		if _, err := compose.Named(n.rule, metrics); err != nil {
			s.add(kind, n.path, fmt.Sprintf("%s matches no metric%s", quote(n.rule), whose), metricNames(n.rule, metrics))
		}
	}
}

// metricNames says what could have been meant.
func metricNames(rule string, metrics []api.Metric) string {
	if open(rule) {
		return "arguments are not filled in here: write the name itself"
	}
	text := ""
	for i, m := range metrics {
		if i == 5 {
			return text + " …"
		}
		if i > 0 {
			text += ","
		}
		text += " " + shorten(m.Name, maxQuoted)
	}
	if text == "" {
		return ""
	}
	return "there is" + text
}

// tried warns where nothing that is measured counts.
func (s *sheet) tried(spec api.AnalysisRunSpec, path *field.Path, what string) {
	dry := compose.DryRun(spec)
	for _, m := range spec.Metrics {
		if !dry[m.Name] {
			return
		}
	}
	if len(dry) > 0 {
		s.as(RuleCannotFail).warn(path, "every metric is a dry run: "+what, "keep it so while you try the metrics; then remove the dryRun rule of those that should count")
	}
}

// filled is metrics with the values in them that are known.
func filled(metrics []api.Metric, values map[string]string) []api.Metric {
	all := make([]api.Metric, len(metrics))
	for i, m := range metrics {
		all[i] = m
		if f, err := compose.Metric(m, values); err == nil {
			all[i] = f
		}
	}
	return all
}
