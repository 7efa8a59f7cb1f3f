package validate

import (
	"fmt"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/compose"
	"sluice.dev/sluice/internal/judge"
	"sluice.dev/sluice/internal/load/result"
)

// metrics checks the metrics of a template or a run, with the values that are known filled in.
func (s *sheet) metrics(metrics []api.Metric, values map[string]string, path *field.Path) {
	s.items(len(metrics), path)
	first := map[string]int{}
	for i := range metrics {
		metric, at := &metrics[i], path.Index(i)
		if metric.Name == "" {
			s.as(RuleMissingField).invalid(at.Child("name"), "is missing", "")
		} else if j, twice := first[metric.Name]; twice {
			s.as(RuleDuplicateName).invalid(at.Child("name"), fmt.Sprintf("is %s, like that of %s", metric.Name, path.Index(j)), "names of metrics must differ")
		} else {
			first[metric.Name] = i
		}
		s.placeholders(metric, at)
		filled, err := compose.Metric(*metric, values)
		if err != nil {
			s.invalid(at, err.Error(), "")
			filled = *metric
		}
		s.metric(&filled, at)
	}
}

func (s *sheet) metric(metric *api.Metric, path *field.Path) {
	s.durations(metric, path)
	s.limits(metric, path)
	s.noData(metric, path)
	s.during(metric, path)
	success := s.condition(metric.SuccessCondition, path.Child("successCondition"))
	failure := s.condition(metric.FailureCondition, path.Child("failureCondition"))
	provider := path.Child("provider")
	s.provider(&metric.Provider, provider)
	if prometheus := metric.Provider.Prometheus; prometheus != nil {
		s.oneOfMany(success, prometheus, path.Child("successCondition"))
		s.oneOfMany(failure, prometheus, path.Child("failureCondition"))
	}
	if test := metric.Provider.LoadTest; test != nil {
		scope := result.Scope{Compared: test.CompareTarget != "", Phases: phasesOf(test)}
		s.loadOften(metric, path)
		s.reported(success, scope, path.Child("successCondition"))
		s.reported(failure, scope, path.Child("failureCondition"))
	}
	if metric.SuccessCondition == "" && metric.FailureCondition == "" && !metric.Provider.ByJob() {
		s.as(RuleNoCondition).warn(path, "has neither successCondition nor failureCondition: whatever is measured counts as a success", "write for example successCondition: result[0] <= 0.01")
	}
}

func (s *sheet) durations(metric *api.Metric, path *field.Path) {
	interval, known := s.duration(metric.Interval, path.Child("interval"))
	if known && interval == 0 && metric.Interval != "" {
		s.warn(path.Child("interval"), "is 0: measurements follow each other 10 seconds apart", "")
	}
	if known && interval > 0 && interval < time.Second {
		s.warn(path.Child("interval"), fmt.Sprintf("is %s: measurements are at least 1s apart", interval), "write 1s or more")
	}
	s.duration(metric.InitialDelay, path.Child("initialDelay"))
	if count, known := integer(metric.Count); known && count > 1 && metric.Interval == "" {
		s.as(RuleMissingField).invalid(path.Child("interval"), fmt.Sprintf("is missing: count is %d, so it must be said how long to wait between measurements", count), "write for example interval: 30s")
	}
}

// duration reads a length of time; known is false when it is a placeholder or wrong.
func (s *sheet) duration(text api.DurationString, path *field.Path) (length time.Duration, known bool) {
	if !s.characters(string(text), maxCondition, path) || open(text) {
		return 0, false
	}
	length, err := text.Duration()
	switch {
	case err != nil:
		s.invalid(path, fmt.Sprintf("is %s, which is no length of time", quote(text)), "write a number with a unit, such as 30s, 5m or 1h30m")
		return 0, false
	case length < 0:
		s.invalid(path, fmt.Sprintf("is %s and cannot be negative", shorten(string(text), maxQuoted)), "")
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
			s.invalid(path, fmt.Sprintf("is %s, not a whole number", quote(value.StrVal)), "")
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
		s.as(RuleConflict).invalid(path.Child("failureLimit"), "is -1, so the metric never fails, and without consecutiveSuccessLimit it never succeeds either", "write a failureLimit of 0 or more, or a consecutiveSuccessLimit")
	}
	if !knowsCount {
		return
	}
	if knowsInconclusives {
		s.tolerates(metric, count, inconclusives, path.Child("inconclusiveLimit"))
	}
	if knowsFailures && knowsSuccesses && s.reachable(count, failures, successes, path) {
		s.canFail(metric, count, failures, path)
	}
}

// tolerates wants as many measurements as may be inconclusive.
func (s *sheet) tolerates(metric *api.Metric, count, inconclusives int, path *field.Path) {
	once := count == 1 || count == 0 && metric.Interval == "" && metric.During == ""
	switch {
	case count > 0 && count < inconclusives:
		s.invalid(path, fmt.Sprintf("is %d, more than the count of %d", inconclusives, count), "")
	case once && inconclusives > 0:
		s.as(RuleNoEffect).warn(path, fmt.Sprintf("is %d with one measurement: when that is inconclusive, so is the metric", inconclusives),
			"write count and interval as well, to measure again")
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
		s.as(RuleCannotFail).warn(path.Child("failureLimit"), fmt.Sprintf("is %d with %s: failures alone never fail the metric, only having no success at all does", failures, measurements(count)),
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
		s.invalid(path.Child("noData"), "is "+quote(metric.NoData), "write Error, Hold or Fail")
	}
	s.duration(metric.NoDataDeadline, path.Child("noDataDeadline"))
	if metric.NoDataDeadline != "" && metric.NoData != api.NoDataHold {
		s.as(RuleConflict).invalid(path.Child("noDataDeadline"), "needs noData: Hold: nothing else waits", "write noData: Hold, or remove it")
	}
}

// condition compiles an expression; nil when there is none or it is wrong. With arguments whose
// values are not known it is wrong when nothing that could stand for them makes it a condition.
func (s *sheet) condition(text string, path *field.Path) *judge.Condition {
	if text == "" || !s.characters(text, maxCondition, path) {
		return nil
	}
	var first error
	tries, all := samples(text)
	for _, sample := range tries {
		compiled, err := judge.Compile(sample)
		if err == nil {
			return compiled
		}
		if first == nil {
			first = err
		}
	}
	if all || len(compose.Strays(text)) > 0 {
		s.unparsable(text, first, path)
	}
	return nil
}

// oneOfMany warns when a condition looks at the first series only and the query may return several.
func (s *sheet) oneOfMany(condition *judge.Condition, prometheus *api.PrometheusMetric, path *field.Path) {
	first := prometheus.Series == "" || prometheus.Series == api.SeriesFirst
	if condition == nil || !first || !condition.SingleSeries() || !severalSeries(prometheus.Query) {
		return
	}
	s.as(RuleFirstSeries).warn(path, fmt.Sprintf("%s looks at one series, and the query may return several: the others are not judged", quote(condition.String())),
		"write series: Every under prometheus to judge each of them, or aggregate the query to one series")
}
