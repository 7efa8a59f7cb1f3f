package validate

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/judge"
	"sluice.dev/sluice/internal/load/result"
	"sluice.dev/sluice/internal/load/suggest"
)

// reported checks that the report of a load test can have what a condition asks of it: one that can never
// be evaluated would be found out only after the whole load was sent.
func (s *sheet) reported(condition *judge.Condition, scope result.Scope, path *field.Path) {
	if condition == nil || open(condition.String()) {
		return
	}
	if condition.Indexes() {
		s.as(RuleCondition).invalid(path, "takes result for a list of series, and the result of a load test is one number: its exit code",
			"ask the report, for example report.latency.p99 < 250")
	}
	told := map[string]bool{}
	for _, asked := range condition.ReportPaths() {
		why, has := result.Unknown(asked, scope)
		if why == "" || told[why] {
			continue
		}
		told[why] = true
		s.as(RuleCondition).invalid(path, why, thereIs(why, has))
	}
}

// thereIs says what to write instead of the last word of a text.
func thereIs(why string, has []string) string {
	word := why[strings.LastIndexByte(why, ' ')+1:]
	if near := suggest.Nearest(word, has); near != "" && !strings.HasPrefix(near, "p9") {
		return "did you mean " + near + "?"
	}
	if len(has) == 0 {
		return ""
	}
	return "it has " + strings.Join(has, ", ")
}

// phasesOf are the phases of a script that is known here, nil of any other.
func phasesOf(test *api.LoadTestMetric) []string {
	if test.Script.Inline == "" || test.Script.ConfigMap != nil || len(test.Script.Inline) > api.MaxLoadScript || open(test.Script.Inline) {
		return nil
	}
	read := loadReadings.of(test)
	if len(read.problems) > 0 {
		return nil
	}
	return read.phases
}

// noPhase says that a load test has no phase of a name, "" when it may have one.
func noPhase(target *api.Metric, phase string) (why, fix string) {
	names := phasesOf(target.Provider.LoadTest)
	if len(names) == 0 || open(phase) || slices.Contains(names, phase) {
		return "", ""
	}
	return fmt.Sprintf("names phase %s of %s, and its script has none of that name", quote(phase), quote(target.Name)),
		"write one of its phases: " + strings.Join(names, ", ")
}
