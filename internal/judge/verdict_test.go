package judge

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	api "sluice.dev/sluice/api/v1alpha1"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const contractNoData = "metric result is nil or empty: no data returned from the metric provider"

func vector(values ...float64) Sample {
	names := []string{`{pod="a"}`, `{pod="b"}`, `{pod="c"}`}
	return Sample{Result: values, Series: names[:min(len(values), 3)]}
}

func value(result any) Sample { return Sample{Result: result} }

func success(condition string) Criteria { return Criteria{SuccessCondition: condition} }

func failure(condition string) Criteria { return Criteria{FailureCondition: condition} }

func both(success, failure string) Criteria {
	return Criteria{SuccessCondition: success, FailureCondition: failure}
}

type verdictCase struct {
	name     string
	criteria Criteria
	sample   Sample
	phase    api.AnalysisPhase
	message  string // whole; empty is not compared
}

func runVerdicts(t *testing.T, cases []verdictCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := Judge(c.criteria, c.sample, noon)
			if got.Phase != c.phase {
				t.Errorf("phase %s, want %s (%s)", got.Phase, c.phase, got.Message)
			}
			if c.message != "" {
				if diff := cmp.Diff(c.message, got.Message); diff != "" {
					t.Errorf("message (-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestConditionsDecide(t *testing.T) {
	runVerdicts(t, []verdictCase{
		{"without conditions a value is good", Criteria{}, value(1.0), api.AnalysisPhaseSuccessful, ""},
		{"a success condition that is true is good", success("result[0] <= 0.004"), vector(0.0031), api.AnalysisPhaseSuccessful,
			`successCondition "result[0] <= 0.004" is true: result[0] is 0.0031, 23% below the limit 0.004`},
		{"a success condition that is false is bad, by how much", success("result[0] <= 0.004"), vector(0.0123), api.AnalysisPhaseFailed,
			`successCondition "result[0] <= 0.004" is false: result[0] is 0.0123, 3.1 times the limit 0.004`},
		{"a failure condition that is true is bad", failure("result[0] > 0.05"), vector(0.06), api.AnalysisPhaseFailed,
			`failureCondition "result[0] > 0.05" is true: result[0] is 0.06, 20% above the limit 0.05`},
		{"a failure condition that is false is good", failure("result[0] > 0.05"), vector(0.01), api.AnalysisPhaseSuccessful, ""},
		{"with both, failure true is bad", both("result < 5", "result > 10"), value(11.0), api.AnalysisPhaseFailed, ""},
		{"with both true it is bad", both("result > 5", "result > 10"), value(11.0), api.AnalysisPhaseFailed, ""},
		{"with both, success true is good", both("result < 5", "result > 10"), value(3.0), api.AnalysisPhaseSuccessful, ""},
		{"with both, neither true is inconclusive and says both", both("result < 5", "result > 10"), value(7.0), api.AnalysisPhaseInconclusive,
			`neither condition is true: failureCondition "result > 10" is false: result is 7, 30% below the limit 10; ` +
				`successCondition "result < 5" is false: result is 7, 40% above the limit 5`},
		{"a result that is not boolean is an error", success("result"), value(5.0), api.AnalysisPhaseError,
			`could not evaluate successCondition "result": expected bool, but got float64`},
		{"a condition that does not parse is an error", success("result <"), value(5.0), api.AnalysisPhaseError, ""},
		{"an unknown name is an error", failure("resutl > 5"), value(5.0), api.AnalysisPhaseError,
			`could not evaluate failureCondition "resutl > 5": unknown name resutl (line 1, column 1)`},
		{"an index that does not exist is an error", success("result[3] < 1"), vector(1, 2), api.AnalysisPhaseError, ""},
		{"a number compared with a text is an error, not a pass", failure(`result == "1"`), value(1.0), api.AnalysisPhaseError, ""},
		{"a text can be read as a number", success("asFloat(result) < 5"), value("4.5"), api.AnalysisPhaseSuccessful, ""},
		{"a text that is no number is an error", failure("asFloat(result) > 5"), value("n/a"), api.AnalysisPhaseError, ""},
		{"JSON is walked", success(`result.status == "ok"`), value(map[string]any{"status": "ok"}), api.AnalysisPhaseSuccessful, ""},
		{"the evaluation time is now", success("now().Hour() == 12 && now() == now()"), value(1.0), api.AnalysisPhaseSuccessful, ""},
		{"the evaluation time cannot be got around", success("::now() == now()"), value(1.0), api.AnalysisPhaseSuccessful, ""},
	})
}

func TestMessagesNameTheComparisonThatDecided(t *testing.T) {
	runVerdicts(t, []verdictCase{
		{"the first false part of an and", success("result[0] > 0 && result[0] < 5"), vector(7), api.AnalysisPhaseFailed,
			`successCondition "result[0] > 0 && result[0] < 5" is false: "result[0] < 5" is false: result[0] is 7, 40% above the limit 5`},
		{"which series it was", success("result[0] < 5 && result[1] < 5"), vector(1, 7), api.AnalysisPhaseFailed,
			`successCondition "result[0] < 5 && result[1] < 5" is false: "result[1] < 5" is false: result[1] is 7, 40% above the limit 5 (series {pod="b"}, 2 of 2)`},
		{"all parts of an or that is false", success("result < 5 or result > 10"), value(7.0), api.AnalysisPhaseFailed,
			`successCondition "result < 5 or result > 10" is false: "result < 5" is false: result is 7, 40% above the limit 5; ` +
				`"result > 10" is false: result is 7, 30% below the limit 10`},
		{"the part under a not", success("!(result > 5)"), value(10.0), api.AnalysisPhaseFailed,
			`successCondition "!(result > 5)" is false: "result > 5" is true: result is 10, 2 times the limit 5`},
		{"the limit may stand first", success("0.95 <= result"), value(0.94), api.AnalysisPhaseFailed,
			`successCondition "0.95 <= result" is false: result is 0.94, 1.1% below the limit 0.95`},
		{"the element that broke an all", success("all(result, # < 0.05)"), vector(0.01, 0.07), api.AnalysisPhaseFailed,
			`successCondition "all(result, # < 0.05)" is false: result[1] is 0.07, 40% above the limit 0.05 (series {pod="b"}, 2 of 2)`},
		{"a field of the element that made an any", failure("any(result.pods, .p99 > 5)"),
			value(map[string]any{"pods": []any{map[string]any{"p99": 3.0}, map[string]any{"p99": 10.0}}}), api.AnalysisPhaseFailed,
			`failureCondition "any(result.pods, .p99 > 5)" is true: result.pods[1].p99 is 10, 2 times the limit 5`},
		{"variables are known", success("let x = result[0]; x < 5"), vector(10), api.AnalysisPhaseFailed,
			`successCondition "let x = result[0]; x < 5" is false: x is 10, 2 times the limit 5`},
		{"an equality says what it is and what it should be", success("result == 0"), value(1.0), api.AnalysisPhaseFailed,
			`successCondition "result == 0" is false: result is 1, not 0`},
		{"numbers that differ late are written out", success("result < 0.1234567"), value(0.1234568), api.AnalysisPhaseFailed,
			`successCondition "result < 0.1234567" is false: result is 0.1234568, less than 0.01% above the limit 0.1234567`},
		{"a limit of zero has no ratio", success("result <= 0"), value(3.0), api.AnalysisPhaseFailed,
			`successCondition "result <= 0" is false: result is 3, above the limit 0`},
		{"what cannot be taken apart shows the result", success("result > 5 ? true : false"), Sample{Result: 3.0, Text: "3"}, api.AnalysisPhaseFailed,
			`successCondition "result > 5 ? true : false" is false: result is 3`},
	})
}

func TestNothingIsNeverSuccess(t *testing.T) {
	nan := math.NaN()
	runVerdicts(t, []verdictCase{
		{"no result at all", success("result < 5"), value(nil), api.AnalysisPhaseError,
			`could not evaluate successCondition "result < 5": ` + contractNoData},
		{"an empty vector", success("result[0] < 5"), vector(), api.AnalysisPhaseError,
			`could not evaluate successCondition "result[0] < 5": ` + contractNoData},
		{"an empty list under a failure-only rule", failure("any(result, # > 5)"), vector(), api.AnalysisPhaseError, ""},
		{"an empty list under all", success("all(result, # < 5)"), value([]any{}), api.AnalysisPhaseError, ""},
		{"an empty list under none", success("none(result, # > 5)"), vector(), api.AnalysisPhaseError, ""},
		{"an empty text", failure(`result == "bad"`), value(""), api.AnalysisPhaseError, ""},
		{"an empty object", failure(`result.status == "bad"`), value(map[string]any{}), api.AnalysisPhaseError, ""},
		{"nothing without conditions", Criteria{}, vector(), api.AnalysisPhaseError, ""},
		{"NaN without conditions", Criteria{}, vector(nan, nan), api.AnalysisPhaseError, ""},
		{"a condition that looks at nothing", success("true"), value(nil), api.AnalysisPhaseError, ""},
		{"NaN under a failure-only rule", failure("result[0] > 0.05"), vector(nan), api.AnalysisPhaseError, ""},
		{"a NaN that is the result", success("true"), value(nan), api.AnalysisPhaseError, ""},
		{"a NaN that is computed", failure("result[0] / result[1] > 0.05"), vector(0, 0), api.AnalysisPhaseError, ""},
		{"a NaN in a sum", failure("sum(result) > 5"), vector(1, nan), api.AnalysisPhaseError, ""},
		{"a NaN hidden by a not", success("!(result[0] > 5)"), vector(nan), api.AnalysisPhaseError, ""},
		{"a field that does not exist", failure(`result.staus == "bad"`), value(map[string]any{"status": "bad"}), api.AnalysisPhaseError, ""},
		{"a NaN nobody reads does not matter", success("result[0] < 5"), vector(1, nan), api.AnalysisPhaseSuccessful, ""},
		{"a bad value beside a NaN stays bad", failure("any(result, # > 0.05)"), vector(nan, 0.07), api.AnalysisPhaseFailed, ""},
		{"a good value beside a NaN is not enough", success("all(result, # < 5)"), vector(1, nan), api.AnalysisPhaseError, ""},
	})
}

func TestConditionsDealWithMissingDataThemselves(t *testing.T) {
	nan := math.NaN()
	runVerdicts(t, []verdictCase{
		{"len", success("len(result) == 0 || result[0] < 5"), vector(), api.AnalysisPhaseSuccessful, ""},
		{"count", success("count(result, # > 5) == 0"), vector(), api.AnalysisPhaseSuccessful, ""},
		{"isNil looks at its argument", success("isNil(result.error)"), value(map[string]any{"ok": true}), api.AnalysisPhaseSuccessful, ""},
		{"default looks at its argument", success("default(result.rate, 1) < 0.05"), value(map[string]any{"rate": 0.01}), api.AnalysisPhaseSuccessful, ""},
		{"default of nothing", success("default(result, 0) < 0.05"), value(nil), api.AnalysisPhaseSuccessful, ""},
		{"the ?? operator", success("(result ?? 0) < 0.05"), value(nil), api.AnalysisPhaseSuccessful, ""},
		{"the ?. operator", success("result?.errors == nil"), value(nil), api.AnalysisPhaseSuccessful, ""},
		{"a comparison with nil", success("result == nil"), value(nil), api.AnalysisPhaseSuccessful, ""},
		{"isNaN", success("isNaN(result[0]) || result[0] < 5"), vector(nan), api.AnalysisPhaseSuccessful, ""},
		{"isInf", failure("isInf(result) || result > 5"), value(nan), api.AnalysisPhaseSuccessful, ""},
		{"isNaN of something else does not count", success("isNaN(1) || result[0] > 5 || true"), vector(nan), api.AnalysisPhaseError, ""},
		{"len of something else does not count", failure(`len("a") > 5 or result[0] > 5`), vector(), api.AnalysisPhaseError, ""},
		{"a text that only looks like it does not count", failure(`result[0] > 5 or "len(result) == nil" == "x"`), vector(), api.AnalysisPhaseError, ""},
		{"success has the last word when it deals with it", both("isNaN(result) || result < 5", "result > 10"), value(nan), api.AnalysisPhaseSuccessful, ""},
		{"success that happens not to look has not", both("result[1] < 5", "result[0] > 10"), vector(nan, 1), api.AnalysisPhaseError, ""},
		{"failure that deals with it is heard first", both("result < 5", "isNaN(result) || result > 10"), value(nan), api.AnalysisPhaseFailed, ""},
	})
}

func TestNoDataPolicy(t *testing.T) {
	for policy, phase := range map[api.NoDataPolicy]api.AnalysisPhase{
		"":              api.AnalysisPhaseError,
		api.NoDataError: api.AnalysisPhaseError,
		api.NoDataHold:  api.AnalysisPhaseRunning,
		api.NoDataFail:  api.AnalysisPhaseFailed,
	} {
		for name, sample := range map[string]Sample{"nothing": value(nil), "no series": vector(), "NaN": vector(math.NaN())} {
			for rule, criteria := range map[string]Criteria{
				"success": success("result[0] < 5"), "failure": failure("result[0] > 5"), "no condition": {},
			} {
				criteria.NoData = policy
				if got := Judge(criteria, sample, noon); got.Phase != phase {
					t.Errorf("policy %q, %s, %s: %s, want %s", policy, name, rule, got.Phase, phase)
				}
			}
		}
	}
}

func TestSeriesPolicies(t *testing.T) {
	criteria := func(policy api.SeriesPolicy) Criteria {
		return Criteria{SuccessCondition: "result[0] < 5", Series: policy}
	}
	runVerdicts(t, []verdictCase{
		{"first judges the first and says of how many", criteria(""), vector(1, 9), api.AnalysisPhaseSuccessful,
			`successCondition "result[0] < 5" is true: result[0] is 1, 80% below the limit 5 (series {pod="a"}, 1 of 2)`},
		{"every lets the worst win and says which", criteria(api.SeriesEvery), vector(1, 10, 3), api.AnalysisPhaseFailed,
			`successCondition "result[0] < 5" is false: result[0] is 10, 2 times the limit 5 (series {pod="b"}, 2 of 3)`},
		{"every needs all series", criteria(api.SeriesEvery), vector(1, 2, 3), api.AnalysisPhaseSuccessful, ""},
		{"every is not content with a NaN", criteria(api.SeriesEvery), vector(1, math.NaN()), api.AnalysisPhaseError, ""},
		{"error refuses several series", criteria(api.SeriesError), vector(1, 2), api.AnalysisPhaseError,
			`the query returned 2 series and more than one is an error (series: Error)`},
		{"error takes one series", criteria(api.SeriesError), vector(1), api.AnalysisPhaseSuccessful, ""},
	})
}

func TestEvidenceHoldsTheNumbers(t *testing.T) {
	got := Judge(success("len(result) > 0 && result[0] <= 0.004"), vector(0.0123, 1), noon)
	want := &Evidence{Condition: "result[0] <= 0.004", Value: "0.0123", Limit: "0.004", Series: `{pod="a"}, 1 of 2`}
	if diff := cmp.Diff(want, got.Evidence); diff != "" {
		t.Errorf("evidence (-want +got):\n%s", diff)
	}
}

func TestTheSampleHasTheFirstWord(t *testing.T) {
	job := Sample{Result: 1.0, NeverSuccessful: true, Message: "the Job failed"}
	crashed := Sample{Result: 137.0, NeverSuccessful: true, Message: "OOMKilled"}
	runVerdicts(t, []verdictCase{
		{"a measurement that could not be taken is an error", success("true"),
			Sample{Result: 1.0, Failure: &Failure{Class: ServerError, Message: "status 503"}}, api.AnalysisPhaseError, "status 503"},
		{"a forced verdict stands", success("true"),
			Sample{Result: 1.0, Forced: api.AnalysisPhaseInconclusive, Message: "the image cannot be pulled"},
			api.AnalysisPhaseInconclusive, "the image cannot be pulled"},
		{"a failed Job is not successful", success("result == 1"), job, api.AnalysisPhaseFailed, ""},
		{"why a Job failed is told beside the condition that is false", success("result == 0"),
			Sample{Result: 1.0, NeverSuccessful: true, Message: "The Job failed: p95 was 3000."}, api.AnalysisPhaseFailed,
			`The Job failed: p95 was 3000; successCondition "result == 0" is false: result is 1, not 0`},
		{"a failed Job without conditions has failed", Criteria{}, job, api.AnalysisPhaseFailed, "the Job failed"},
		{"a failed Job without the report its condition reads has failed", success("report.p99 < 250 && result == 0"), crashed,
			api.AnalysisPhaseFailed, ""},
		{"a Job that succeeded without its report is an error", success("report.p99 < 250"), value(0.0), api.AnalysisPhaseError, ""},
		{"a report is judged", success("result == 0 && report.latency.p99 < 250"),
			Sample{Result: 0.0, Report: map[string]any{"latency": map[string]any{"p99": 300.0}}}, api.AnalysisPhaseFailed, ""},
	})
}

func TestMessagesAreBounded(t *testing.T) {
	long := strings.Repeat("é", 5000)
	for name, verdict := range map[string]Verdict{
		"a long text":      Judge(success(`result == "x"`), value(long), noon),
		"a long message":   Judge(success("true"), Sample{Forced: api.AnalysisPhaseFailed, Message: long}, noon),
		"a long key":       Judge(success(`result == 1`), value(map[string]any{long: 1.0}), noon),
		"a long series":    Judge(success("result[0] < 1"), Sample{Result: []float64{2, 3}, Series: []string{long, long}}, noon),
		"a long failure":   Judge(success("true"), Sample{Failure: &Failure{Message: long}}, noon),
		"a long condition": Judge(success(`result == "`+strings.Repeat("y", 3000)+`"`), value("x"), noon),
	} {
		if len(verdict.Message) > MaxMessage {
			t.Errorf("%s: the message has %d bytes", name, len(verdict.Message))
		}
		if verdict.Evidence != nil && len(verdict.Evidence.Condition)+len(verdict.Evidence.Value)+len(verdict.Evidence.Limit) > MaxMessage {
			t.Errorf("%s: the evidence is too long", name)
		}
	}
}
