package judge

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"pgregory.net/rapid"

	api "sluice.dev/sluice/api/v1alpha1"
)

func n(i int) *intstr.IntOrString { return new(intstr.FromInt32(int32(i))) }

func text(s string) *intstr.IntOrString { return new(intstr.FromString(s)) }

func TestEffective(t *testing.T) {
	for _, c := range []struct {
		name   string
		metric api.Metric
		want   Limits
	}{
		{"one measurement without interval", api.Metric{}, Limits{Count: 1, ConsecutiveError: 4}},
		{"no end with an interval", api.Metric{Interval: "20s"}, Limits{ConsecutiveError: 4}},
		{"a count of zero is as if it were not set", api.Metric{Count: n(0)}, Limits{Count: 1, ConsecutiveError: 4}},
		{"texts are numbers too", api.Metric{Count: text("3"), Interval: "1s", FailureLimit: text("2")}, Limits{Count: 3, Failure: 2, ConsecutiveError: 4}},
		{"zero errors in a row may be asked for", api.Metric{ConsecutiveErrorLimit: n(0)}, Limits{Count: 1}},
		{"any number of failures may be tolerated", api.Metric{FailureLimit: n(-1), ConsecutiveSuccessLimit: n(2)},
			Limits{Count: 1, Failure: -1, ConsecutiveError: 4, ConsecutiveSuccess: 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Effective(c.metric)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("limits (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEffectiveReportsAllThatCannotBeRead(t *testing.T) {
	_, err := Effective(api.Metric{Count: text("many"), FailureLimit: text("{{args.limit}}"), InconclusiveLimit: n(1)})
	if err == nil || !strings.Contains(err.Error(), `count: "many"`) || !strings.Contains(err.Error(), "failureLimit: ") {
		t.Errorf("error %v does not name both fields", err)
	}
}

// measured is the result of a metric after measurements of these phases, one letter each:
// S, F, I, E, and R for one that is not finished.
func measured(m api.Metric, phases string) api.MetricResult {
	result := api.MetricResult{Name: m.Name}
	for _, letter := range phases {
		measurement := api.Measurement{FinishedAt: &metav1.Time{Time: noon}}
		switch letter {
		case 'S':
			measurement.Phase = api.AnalysisPhaseSuccessful
		case 'F':
			measurement.Phase, measurement.Message = api.AnalysisPhaseFailed, "too slow"
		case 'I':
			measurement.Phase, measurement.Message = api.AnalysisPhaseInconclusive, "unclear"
		case 'E':
			measurement.Phase, measurement.Message = api.AnalysisPhaseError, "status 503"
		case 'R':
			measurement.Phase, measurement.FinishedAt = api.AnalysisPhaseRunning, nil
		}
		result = Count(result, measurement.Phase)
		result.Measurements = append(result.Measurements, measurement)
	}
	return result
}

func TestMetricPhase(t *testing.T) {
	once := api.Metric{Name: "m"}
	five := api.Metric{Name: "m", Count: n(5), Interval: "1s", FailureLimit: n(2)}
	forever := api.Metric{Name: "m", Interval: "1s"}
	streak := api.Metric{Name: "m", Interval: "1s", Count: n(4), ConsecutiveSuccessLimit: n(3), FailureLimit: n(1)}
	anyFailures := api.Metric{Name: "m", Interval: "1s", Count: n(4), ConsecutiveSuccessLimit: n(3), FailureLimit: n(-1)}
	untilGood := api.Metric{Name: "m", Interval: "1s", ConsecutiveSuccessLimit: n(3), FailureLimit: n(-1)}
	lenient := api.Metric{Name: "m", Count: n(1), FailureLimit: n(1)}
	for _, c := range []struct {
		name    string
		metric  api.Metric
		phases  string
		stop    Stop
		phase   api.AnalysisPhase
		message string
	}{
		{"nothing measured is pending", once, "", GoesOn, api.AnalysisPhasePending, ""},
		{"a measurement under way is running", once, "R", GoesOn, api.AnalysisPhaseRunning, ""},
		{"one good measurement is enough", once, "S", GoesOn, api.AnalysisPhaseSuccessful, ""},
		{"one bad measurement breaks the default limit", once, "F", GoesOn, api.AnalysisPhaseFailed,
			`Metric "m" assessed Failed due to failed (1) > failureLimit (0): too slow`},
		{"one unclear measurement breaks the default limit", once, "I", GoesOn, api.AnalysisPhaseInconclusive,
			`Metric "m" assessed Inconclusive due to inconclusive (1) > inconclusiveLimit (0): unclear`},
		{"four errors in a row are tolerated", once, "EEEE", GoesOn, api.AnalysisPhaseRunning, ""},
		{"five errors in a row are not", once, "EEEEE", GoesOn, api.AnalysisPhaseError,
			`Metric "m" assessed Error due to consecutiveErrors (5) > consecutiveErrorLimit (4): status 503`},
		{"a result ends a row of errors", forever, "EEEESEEEE", GoesOn, api.AnalysisPhaseRunning, ""},
		{"failures within the limit go on", five, "SFFS", GoesOn, api.AnalysisPhaseRunning, ""},
		{"the count is reached with failures within the limit", five, "SFFSS", GoesOn, api.AnalysisPhaseSuccessful, ""},
		{"a failure beyond the limit ends it", five, "FFSF", GoesOn, api.AnalysisPhaseFailed,
			`Metric "m" assessed Failed due to failed (3) > failureLimit (2): too slow`},
		{"errors do not count", five, "SSSSE", GoesOn, api.AnalysisPhaseRunning, ""},
		{"without a count it goes on", forever, "SSSSSSSSSSSS", GoesOn, api.AnalysisPhaseRunning, ""},
		{"enough successes in a row end it", streak, "FSSS", GoesOn, api.AnalysisPhaseSuccessful, ""},
		{"too few successes in a row, and failures limited", streak, "SSFS", GoesOn, api.AnalysisPhaseInconclusive, ""},
		{"too few successes in a row, and any failures allowed", anyFailures, "FSFS", GoesOn, api.AnalysisPhaseFailed, ""},
		{"a limit that makes failure impossible does not make success", lenient, "F", GoesOn, api.AnalysisPhaseFailed,
			`Metric "m" assessed Failed due to 1 measurement and none was successful: too slow`},
		{"stopped before anything is not passed", once, "", Stopped, api.AnalysisPhaseInconclusive,
			`Metric "m" assessed Inconclusive due to stopped before it measured anything`},
		{"stopped after one success is passed", forever, "SE", Stopped, api.AnalysisPhaseSuccessful, ""},
		{"stopped in the middle of a measurement waits for its end", once, "R", Stopped, api.AnalysisPhaseRunning, ""},
		{"stopped after errors and tolerated failures is not passed", five, "EFEF", Stopped, api.AnalysisPhaseInconclusive,
			`Metric "m" assessed Inconclusive due to stopped before a measurement was successful: too slow`},
		{"stopped after a broken limit has failed", forever, "SF", Stopped, api.AnalysisPhaseFailed, ""},
		{"stopped by the update before its count is judged by what it has", five, "SS", Stopped, api.AnalysisPhaseSuccessful, ""},
		{"stopped by hand before its count is not passed", five, "SS", StoppedByHand, api.AnalysisPhaseInconclusive,
			`Metric "m" assessed Inconclusive due to stopped by hand after 2 of 5 measurements, all good so far`},
		{"stopped by hand with a tolerated failure says how many were good", five, "SFS", StoppedByHand, api.AnalysisPhaseInconclusive,
			`Metric "m" assessed Inconclusive due to stopped by hand after 3 of 5 measurements, 2 of them good: too slow`},
		{"stopped by hand with nothing good yet", five, "F", StoppedByHand, api.AnalysisPhaseInconclusive,
			`Metric "m" assessed Inconclusive due to stopped before a measurement was successful: too slow`},
		{"stopped by hand before anything", once, "", StoppedByHand, api.AnalysisPhaseInconclusive,
			`Metric "m" assessed Inconclusive due to stopped before it measured anything`},
		{"stopped by hand after a broken limit has failed", five, "FFF", StoppedByHand, api.AnalysisPhaseFailed, ""},
		{"stopped by hand after too many errors is an error", five, "SEEEEE", StoppedByHand, api.AnalysisPhaseError, ""},
		{"stopped by hand with its count reached is passed", five, "SSSSS", StoppedByHand, api.AnalysisPhaseSuccessful, ""},
		{"stopped by hand with enough successes in a row is passed", streak, "SSS", StoppedByHand, api.AnalysisPhaseSuccessful, ""},
		{"stopped by hand where nothing says how many are enough is passed", forever, "S", StoppedByHand, api.AnalysisPhaseSuccessful, ""},
		{"stopped by hand before enough successes in a row", untilGood, "SFSS", StoppedByHand, api.AnalysisPhaseInconclusive,
			`Metric "m" assessed Inconclusive due to stopped by hand after 2 of 3 successes in a row: too slow`},
	} {
		t.Run(c.name, func(t *testing.T) {
			phase, message := MetricPhase(c.metric, measured(c.metric, c.phases), c.stop)
			if phase != c.phase {
				t.Errorf("phase %s, want %s (%s)", phase, c.phase, message)
			}
			if c.message != "" {
				if diff := cmp.Diff(c.message, message); diff != "" {
					t.Errorf("message (-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestAPhaseThatIsFinalStays(t *testing.T) {
	result := measured(api.Metric{Name: "m"}, "F")
	result.Phase, result.Message = api.AnalysisPhaseSuccessful, "decided before"
	if phase, message := MetricPhase(api.Metric{Name: "m"}, result, Stopped); phase != api.AnalysisPhaseSuccessful || message != "decided before" {
		t.Errorf("%s, %q", phase, message)
	}
}

func TestLimitsThatCannotBeReadAreAnError(t *testing.T) {
	phase, message := MetricPhase(api.Metric{Name: "m", Count: text("x")}, api.MetricResult{}, GoesOn)
	if phase != api.AnalysisPhaseError || !strings.Contains(message, `count: "x" is not a whole number`) {
		t.Errorf("%s, %q", phase, message)
	}
}

func TestLawNoMetricPassesWithoutASuccess(t *testing.T) {
	limit := func(t *rapid.T, name string) *intstr.IntOrString {
		if rapid.Bool().Draw(t, name+" given") {
			return n(rapid.IntRange(-1, 5).Draw(t, name))
		}
		return nil
	}
	rapid.Check(t, func(t *rapid.T) {
		metric := api.Metric{
			Name: "m", Interval: rapid.SampledFrom([]api.DurationString{"", "1s"}).Draw(t, "interval"),
			Count: limit(t, "count"), FailureLimit: limit(t, "failures"), InconclusiveLimit: limit(t, "inconclusive"),
			ConsecutiveErrorLimit: limit(t, "errors"), ConsecutiveSuccessLimit: limit(t, "successes"),
		}
		phases := rapid.StringOfN(rapid.SampledFrom([]rune("FIE")), 0, 8, -1).Draw(t, "phases")
		for _, stop := range []Stop{GoesOn, Stopped, StoppedByHand} {
			if phase, _ := MetricPhase(metric, measured(metric, phases), stop); phase == api.AnalysisPhaseSuccessful {
				t.Fatalf("%+v passes with %q", metric, phases)
			}
		}
	})
}

func TestLawAStoppedMetricEnds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		metric := api.Metric{Name: "m", Interval: "1s", FailureLimit: n(rapid.IntRange(-1, 3).Draw(t, "failures"))}
		phases := rapid.StringOfN(rapid.SampledFrom([]rune("SFIE")), 0, 8, -1).Draw(t, "phases")
		stop := rapid.SampledFrom([]Stop{Stopped, StoppedByHand}).Draw(t, "stop")
		if phase, _ := MetricPhase(metric, measured(metric, phases), stop); !phase.Completed() {
			t.Fatalf("%s after %q", phase, phases)
		}
	})
}

// TestLawAPersonCannotCutAMetricShort is "stopped is not passed": ending a run is no way to pass it.
func TestLawAPersonCannotCutAMetricShort(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		count := rapid.IntRange(1, 9).Draw(t, "count")
		metric := api.Metric{Name: "m", Interval: "1s", Count: n(count), FailureLimit: n(rapid.IntRange(-1, 3).Draw(t, "failures"))}
		phases := rapid.StringOfN(rapid.SampledFrom([]rune("SFIE")), 0, 8, -1).Draw(t, "phases")
		result := measured(metric, phases)
		if phase, _ := MetricPhase(metric, result, StoppedByHand); phase == api.AnalysisPhaseSuccessful && int(result.Count) < count {
			t.Fatalf("Successful after %q, %d of %d", phases, result.Count, count)
		}
	})
}

func TestWorse(t *testing.T) {
	order := []api.AnalysisPhase{
		"", api.AnalysisPhaseSuccessful, api.AnalysisPhaseRunning, api.AnalysisPhasePending,
		api.AnalysisPhaseInconclusive, api.AnalysisPhaseError, api.AnalysisPhaseFailed,
	}
	for i, a := range order {
		for j, b := range order {
			if got, want := Worse(a, b), order[max(i, j)]; got != want {
				t.Errorf("the worse of %q and %q is %q, want %q", a, b, got, want)
			}
		}
	}
}

func TestOnlyStopped(t *testing.T) {
	m := api.Metric{Name: "m", Interval: "5s"}
	failed := api.MetricResult{Name: "m", Count: 1, Failed: 1, Measurements: []api.Measurement{{Phase: api.AnalysisPhaseFailed, FinishedAt: &metav1.Time{}}}}
	errored := api.MetricResult{Name: "m", Error: 1, ConsecutiveError: 1, Measurements: []api.Measurement{{Phase: api.AnalysisPhaseError, FinishedAt: &metav1.Time{}}}}
	for name, c := range map[string]struct {
		result api.MetricResult
		want   bool
	}{
		"nothing was measured":       {api.MetricResult{Name: "m"}, true},
		"nothing but an error":       {errored, true},
		"a limit was broken already": {failed, false},
		"a good measurement":         {api.MetricResult{Name: "m", Count: 1, Successful: 1, ConsecutiveSuccess: 1}, false},
	} {
		c.result.Phase, c.result.Message = MetricPhase(m, c.result, Stopped)
		if got := OnlyStopped(c.result); got != c.want {
			t.Errorf("%s: %t, want %t (%s: %s)", name, got, c.want, c.result.Phase, c.result.Message)
		}
	}
}
