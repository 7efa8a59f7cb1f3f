package validate

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/compose"
	"sluice.dev/sluice/internal/judge"
)

// open tells that a text holds a placeholder whose value is not known yet, so that nothing can be
// said about the text.
func open(text string) bool { return strings.Contains(text, "{{") }

// metrics checks the metrics of a template or a run, with their arguments filled in or not.
func (s *sheet) metrics(metrics []api.Metric, path *field.Path) {
	first := map[string]int{}
	for i := range metrics {
		metric, at := &metrics[i], path.Index(i)
		if metric.Name == "" {
			s.invalid(at.Child("name"), "is missing", "")
		} else if j, twice := first[metric.Name]; twice {
			s.invalid(at.Child("name"), fmt.Sprintf("is %s, like that of %s", metric.Name, path.Index(j)), "names of metrics must differ")
		} else {
			first[metric.Name] = i
		}
		s.metric(metric, at)
	}
}

func (s *sheet) metric(metric *api.Metric, path *field.Path) {
	s.durations(metric, path)
	s.limits(metric, path)
	s.noData(metric, path)
	// A number stands for every argument: it fits where a limit does, and in a text in quotes.
	sample, err := compose.Metric(*metric, zeros(metric))
	if err != nil {
		sample = *metric
	}
	success := s.condition(metric.SuccessCondition, sample.SuccessCondition, path.Child("successCondition"))
	failure := s.condition(metric.FailureCondition, sample.FailureCondition, path.Child("failureCondition"))
	provider := path.Child("provider")
	s.provider(&metric.Provider, provider)
	if prometheus := metric.Provider.Prometheus; prometheus != nil {
		s.oneOfMany(success, prometheus, path.Child("successCondition"))
		s.oneOfMany(failure, prometheus, path.Child("failureCondition"))
	}
	if metric.SuccessCondition == "" && metric.FailureCondition == "" && metric.Provider.Job == nil {
		s.warn(path, "has neither successCondition nor failureCondition: whatever is measured counts as a success", "write for example successCondition: result[0] <= 0.01")
	}
}

func (s *sheet) durations(metric *api.Metric, path *field.Path) {
	interval, known := s.duration(metric.Interval, path.Child("interval"))
	if known && interval == 0 && metric.Interval != "" {
		s.warn(path.Child("interval"), "is 0: measurements follow each other 10 seconds apart", "")
	}
	s.duration(metric.InitialDelay, path.Child("initialDelay"))
	if count, known := integer(metric.Count); known && count > 1 && metric.Interval == "" {
		s.invalid(path.Child("interval"), fmt.Sprintf("is missing: count is %d, so it must be said how long to wait between measurements", count), "write for example interval: 30s")
	}
}

// duration reads a length of time; known is false when it is a placeholder or wrong.
func (s *sheet) duration(text api.DurationString, path *field.Path) (length time.Duration, known bool) {
	if open(string(text)) {
		return 0, false
	}
	length, err := text.Duration()
	switch {
	case err != nil:
		s.invalid(path, fmt.Sprintf("is %q, which is no length of time", text), "write a number with a unit, such as 30s, 5m or 1h30m")
		return 0, false
	case length < 0:
		s.invalid(path, fmt.Sprintf("is %s and cannot be negative", text), "")
		return 0, false
	}
	return length, true
}

// integer reads a number that may be a text; known is false when it is absent, a placeholder or unreadable.
func integer(value *intstr.IntOrString) (number int, known bool) {
	if value == nil {
		return 0, false
	}
	if value.Type == intstr.Int {
		return int(value.IntVal), true
	}
	number, err := strconv.Atoi(value.StrVal)
	return number, err == nil
}

// limit reads a limit with its default; known is false when a placeholder stands in its place. A text
// that is no number, and one below the least value, is a finding.
func (s *sheet) limit(value *intstr.IntOrString, path *field.Path, least, fallback int) (number int, known bool) {
	if value == nil {
		return fallback, true
	}
	number, known = integer(value)
	if !known {
		if !open(value.StrVal) {
			s.invalid(path, fmt.Sprintf("is %q, not a whole number", value.StrVal), "")
		}
		return 0, false
	}
	if number < least {
		rule := "cannot be negative"
		if least == -1 {
			rule = "must be -1 (never fail) or more"
		}
		s.invalid(path, fmt.Sprintf("is %d and %s", number, rule), "")
		return number, false
	}
	return number, true
}

func (s *sheet) limits(metric *api.Metric, path *field.Path) {
	failures, knowsFailures := s.limit(metric.FailureLimit, path.Child("failureLimit"), -1, 0)
	inconclusives, knowsInconclusives := s.limit(metric.InconclusiveLimit, path.Child("inconclusiveLimit"), 0, 0)
	s.limit(metric.ConsecutiveErrorLimit, path.Child("consecutiveErrorLimit"), 0, 4)
	successes, knowsSuccesses := s.limit(metric.ConsecutiveSuccessLimit, path.Child("consecutiveSuccessLimit"), 0, 0)
	count, knowsCount := s.limit(metric.Count, path.Child("count"), 0, 0)
	if knowsFailures && knowsSuccesses && failures == -1 && successes == 0 {
		s.invalid(path.Child("failureLimit"), "is -1, so the metric never fails, and without consecutiveSuccessLimit it never succeeds either", "write a failureLimit of 0 or more, or a consecutiveSuccessLimit")
	}
	if !knowsCount {
		return
	}
	if count > 0 && knowsInconclusives && count < inconclusives {
		s.invalid(path.Child("inconclusiveLimit"), fmt.Sprintf("is %d, more than the count of %d", inconclusives, count), "")
	}
	if knowsFailures && knowsSuccesses && s.reachable(count, failures, successes, path) {
		s.canFail(metric, count, failures, path)
	}
}

// reachable wants a count that allows the limits to be reached.
func (s *sheet) reachable(count, failures, successes int, path *field.Path) bool {
	switch {
	case count == 0:
		return true
	case failures >= 0 && count < failures+successes:
		s.invalid(path.Child("count"), fmt.Sprintf("is %d, less than failureLimit (%d) and consecutiveSuccessLimit (%d) together", count, failures, successes), "")
		return false
	case failures < 0 && count < successes:
		s.invalid(path.Child("count"), fmt.Sprintf("is %d, less than consecutiveSuccessLimit (%d)", count, successes), "")
		return false
	}
	return true
}

// canFail warns when so many failures are tolerated that the metric cannot fail: it takes one more
// than failureLimit.
func (s *sheet) canFail(metric *api.Metric, count, failures int, path *field.Path) {
	if count == 0 && metric.Interval == "" {
		count = 1
	}
	if count > 0 && failures >= count {
		s.warn(path.Child("failureLimit"), fmt.Sprintf("is %d with %s: failures alone never fail the metric, only having no success at all does", failures, measurements(count)),
			fmt.Sprintf("write %d or less", count-1))
	}
}

func measurements(count int) string {
	if count == 1 {
		return "one measurement"
	}
	return fmt.Sprintf("%d measurements", count)
}

func (s *sheet) noData(metric *api.Metric, path *field.Path) {
	switch metric.NoData {
	case "", api.NoDataError, api.NoDataHold, api.NoDataFail:
	default:
		s.invalid(path.Child("noData"), fmt.Sprintf("is %q", metric.NoData), "write Error, Hold or Fail")
	}
	s.duration(metric.NoDataDeadline, path.Child("noDataDeadline"))
	if metric.NoDataDeadline != "" && metric.NoData != api.NoDataHold {
		s.warn(path.Child("noDataDeadline"), "has no effect: only noData: Hold waits", "write noData: Hold, or remove it")
	}
}

// zeros gives each argument of a metric the value 0.
func zeros(metric *api.Metric) map[string]string {
	values := map[string]string{}
	for _, name := range compose.Unresolved(*metric) {
		values[name] = "0"
	}
	return values
}

// condition compiles an expression; nil when there is none or it is wrong. Only one without
// arguments is a mistake for certain: the others are compiled as a sample with 0 for each.
func (s *sheet) condition(text, sample string, path *field.Path) *judge.Condition {
	if text == "" {
		return nil
	}
	compiled, err := judge.Compile(sample)
	if err != nil {
		if !open(text) {
			s.invalid(path, fmt.Sprintf("%q is not a condition: %s", text, err), "write an expression that is true or false, such as result[0] <= 0.01")
		}
		return nil
	}
	return compiled
}

// oneOfMany warns when a condition looks at the first series only and the query may return several.
func (s *sheet) oneOfMany(condition *judge.Condition, prometheus *api.PrometheusMetric, path *field.Path) {
	first := prometheus.Series == "" || prometheus.Series == api.SeriesFirst
	if condition == nil || !first || !condition.SingleSeries() || !severalSeries(prometheus.Query) {
		return
	}
	s.warn(path, fmt.Sprintf("%q looks at one series, and the query may return several: the others are not judged", condition.String()),
		"write series: Every under prometheus to judge each of them, or aggregate the query to one series")
}
