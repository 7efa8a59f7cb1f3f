package validate

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/compose"
)

// during checks a metric that is measured during a load test by itself.
func (s *sheet) during(metric *api.Metric, path *field.Path) {
	if metric.During == "" || open(metric.During) || !s.characters(metric.During, maxCondition, path.Child("during")) {
		return
	}
	at := path.Child("during")
	load, phase, phased := strings.Cut(metric.During, "/")
	if load == "" || phased && phase == "" {
		s.invalid(at, "is "+quote(metric.During)+", which names no load test", "write the name of a metric, such as load, or one of its phases, such as load/Burn")
	}
	if metric.Provider.ByJob() {
		s.as(RuleConflict).invalid(at, "is set on a metric that runs a Job or a load test, which has a beginning and an end of its own", "remove it")
	}
	if ours := metric.Provider; phased && ours.Prometheus == nil && !ours.ByJob() {
		s.invalid(at, "names a phase, which is known only when it is over, and this provider cannot be asked about the past", "name the load test alone: "+quote(load)+", or ask prometheus")
	}
	if counts(metric) {
		s.as(RuleConflict).invalid(path.Child("count"), "is set beside during: how long the load test lasts says how often it is measured", "remove it; interval says how far apart the measurements are")
	}
}

// counts says that a metric says how often it is measured.
func counts(metric *api.Metric) bool {
	count, known := integer(metric.Count)
	return known && (count > 1 || count > 0 && metric.Interval != "")
}

// repeats says that a metric is measured more than once.
func repeats(metric *api.Metric) bool {
	count, known := integer(metric.Count)
	return known && count > 1 || metric.Interval != "" && (metric.Count == nil || known && count == 0)
}

// windows checks that what metrics are measured during is a load test of the same run. tell is given the index of a metric,
// what is wrong with its `during`, and what to write.
func windows(metrics []api.Metric, missing string, tell func(kind Kind, metric int, message, fix string)) {
	for i := range metrics {
		load, phase, phased := strings.Cut(metrics[i].During, "/")
		if load == "" || open(metrics[i].During) {
			continue
		}
		target := metricNamed(metrics, load)
		if target == nil {
			kind := Invalid
			if missing != "" {
				kind = Warning
			}
			tell(kind, i, quote(load)+" is no metric"+missing, metricNames(load, metrics))
			continue
		}
		if why, fix := noWindow(target, &metrics[i], phased, phase); why != "" {
			tell(Invalid, i, why, fix)
		}
	}
}

// duringOf tells what is wrong where it stands.
func (s *sheet) duringOf(metrics *field.Path) func(kind Kind, metric int, message, fix string) {
	return func(kind Kind, metric int, message, fix string) {
		s.add(kind, metrics.Index(metric).Child("during"), message, fix)
	}
}

// windows checks the same for all templates of an analysis taken together. What one of them gets wrong by itself has been
// told there.
func (r *reference) windows(metrics []api.Metric, templates []compose.Template) {
	told := map[string]bool{}
	for _, t := range templates {
		if len(t.Spec.Templates) == 0 {
			windows(t.Spec.Metrics, " here", func(kind Kind, _ int, message, _ string) { told[message] = told[message] || kind == Invalid })
		}
	}
	windows(metrics, "", func(kind Kind, i int, message, fix string) {
		path, whose := r.path, ""
		if t := measuredBy(templates, metrics[i].Name).Template; len(t.Path) > 0 {
			path, whose = r.at(t), titled(t)+": "
		}
		if !told[message] {
			r.add(kind, path, fmt.Sprintf("%sduring of metric %s: %s", whose, quote(metrics[i].Name), message), fix)
		}
	})
}

func metricNamed(metrics []api.Metric, name string) *api.Metric {
	for i := range metrics {
		if metrics[i].Name == name {
			return &metrics[i]
		}
	}
	return nil
}

// noWindow says why nothing can be measured during a metric, "" when something can.
func noWindow(target, metric *api.Metric, phased bool, phase string) (why, fix string) {
	name, job := quote(target.Name), target.Provider.Job
	switch {
	case target.Name == metric.Name:
		return "names the metric itself", "name the metric that runs the load test"
	case target.During != "":
		return fmt.Sprintf("names %s, which is itself measured during another metric", name), "name the metric that runs the load test"
	case !target.LoadTests() && job != nil:
		return fmt.Sprintf("names %s, a Job of which nobody knows that it is a load test: its report has no format of one", name),
			"write report: {format: result} under its job, or the format of its load generator"
	case !target.LoadTests():
		return fmt.Sprintf("names %s, which is no load test", name), "name a metric with a loadTest, or with a Job whose report has the format of a load generator"
	case repeats(target):
		return fmt.Sprintf("names %s, which runs more than once", name), "let the load test run once: remove its count and interval"
	case phased && target.Provider.LoadTest != nil:
		return noPhase(target, phase)
	case phased && job != nil && job.Report.Format != api.ReportResult:
		return fmt.Sprintf("names phase %s of %s, and a report of format %s tells of no phases", quote(phase), name, job.Report.Format), "name the load test alone: " + name
	}
	return "", ""
}
