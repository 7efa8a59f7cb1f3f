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
	if condition.Fields() {
		s.as(RuleCondition).invalid(path, "takes result for an object, and the result of a load test is one number: its exit code",
			"ask the report, for example report.latency.p99 < 250")
	}
	told := map[string]bool{}
	tell := func(kind Kind, paths [][]string, then string) {
		for _, asked := range paths {
			why, has := result.Unknown(asked, scope)
			if why != "" && !told[why] {
				told[why] = true
				s.as(RuleCondition).add(kind, path, why+then, thereIs(why, has))
			}
		}
	}
	tell(Invalid, condition.ReportPaths(), "")
	tell(Warning, condition.OptionalPaths(), ": it is never there")
	s.comparisons(condition, scope, path)
}

// comparisons looks at what a condition compares.
func (s *sheet) comparisons(condition *judge.Condition, scope result.Scope, path *field.Path) {
	if text := strings.TrimSpace(condition.String()); text == "result" || text == "report" {
		s.as(RuleCondition).invalid(path, "is neither true nor false, but "+text, "compare it, for example result == 0")
	}
	for _, c := range condition.Compared() {
		if c.Result {
			s.exitCode(c, path)
			continue
		}
		if why, _ := result.Unknown(c.Path, scope); why == "" {
			s.compared(c, scope, path)
		}
	}
}

// exitCode finds comparisons of a load test's result that are never so, or only so of one that did not pass.
func (s *sheet) exitCode(c judge.Comparison, path *field.Path) {
	success := strings.HasSuffix(path.String(), ".successCondition")
	switch {
	case c.Text != nil:
		s.as(RuleCondition).invalid(path, "compares result with "+*c.Text+", and the result of a load test is a number: its exit code", "write for example result == 0")
	case c.Number == nil:
	case success && c.Op == "!=" && *c.Number == 0, success && c.Op == "==" && *c.Number != 0:
		s.warn(path, "is never a success: result is 0 of a test that passed, and one that did not is no success whatever its condition says", "write result == 0")
	case !success && c.Op == "==" && *c.Number == 0:
		s.warn(path, "fails tests that passed: their result is 0", "write result != 0")
	}
}

// shares and times are values of a report whose unit is easily mistaken.
var (
	shares = []string{"errorRate", "errors.rate", "apdex", "cpu.throttled"}
	times  = []string{"latency", "firstByte", "fromIntended"}
)

// compared finds comparisons that cannot mean what they say.
func (s *sheet) compared(c judge.Comparison, scope result.Scope, path *field.Path) {
	name := strings.Join(append([]string{"report"}, c.Path...), ".")
	if below := result.Below(c.Path, scope); len(below) > 0 {
		s.as(RuleCondition).invalid(path, name+" is no value but a group of them", "ask one of them, for example "+name+"."+exampleOf(below))
		return
	}
	if first := c.Path[0]; first == "canary" || first == "stable" {
		c.Path = c.Path[1:]
	}
	switch about := strings.Join(c.Path, "."); {
	case c.Text != nil && about == "verdict" && !slices.Contains(verdicts, *c.Text):
		s.as(RuleCondition).invalid(path, name+" is never "+quote(*c.Text), "write "+strings.Join(verdicts, " or "))
	case c.Number == nil:
	case slices.Contains(shares, about):
		s.rate(c, name, path)
	case measured(c.Path) && tiny(c):
		s.warn(path, fmt.Sprintf("%s is in milliseconds, and %g is less than one", name, *c.Number), fmt.Sprintf("if seconds were meant, write %g", *c.Number*1000))
	}
}

var verdicts = []string{string(result.Pass), string(result.Fail), string(result.Inconclusive)}

// tiny are numbers of seconds rather than of milliseconds.
func tiny(c judge.Comparison) bool {
	return *c.Number > 0 && *c.Number < 1 && c.Op != "==" && c.Op != "!="
}

// exampleOf is one of the values in a group: the one that most people mean.
func exampleOf(below []string) string {
	for _, usual := range []string{"p99", "latency.p99"} {
		if name, _, _ := strings.Cut(usual, "."); slices.Contains(below, name) {
			return usual
		}
	}
	return below[len(below)-1]
}

// rate finds per cent where a share is meant.
func (s *sheet) rate(c judge.Comparison, name string, path *field.Path) {
	switch errors := strings.Contains(strings.ToLower(name), "error"); {
	case *c.Number > 1:
		s.warn(path, fmt.Sprintf("%s is a share from 0 to 1, and %g is beyond that", name, *c.Number), fmt.Sprintf("write %g for %g %%", *c.Number/100, *c.Number))
	case errors && *c.Number == 1 && (c.Op == "<=" || c.Op == "<"):
		s.warn(path, fmt.Sprintf("%s is a share from 0 to 1, so %s 1 holds of nearly all there can be", name, c.Op), "write 0.01 for 1 %")
	}
}

// measured says that a path leads to a quantile of the requests' times.
func measured(path []string) bool {
	return len(path) > 1 && path[0] != "ratio" && slices.Contains(times, path[len(path)-2])
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
	read := readLoad(test)
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
