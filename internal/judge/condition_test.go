package judge

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	api "sluice.dev/sluice/api/v1alpha1"
)

func TestCompileRefuses(t *testing.T) {
	for _, c := range []struct{ name, condition, want string }{
		{"nothing", "  ", "the condition is empty"},
		{"what does not parse", "result[0] <", "unexpected token"},
		{"an unknown name", "rezult < 1", "unknown name rezult"},
		{"an unknown function", "random() < 1", "unknown name random"},
		{"a number", "1 + 1", "expected bool, but got int"},
		{"a text", `"true"`, "expected bool, but got string"},
		{"a list", "[true]", "expected bool, but got []interface {}"},
		{"the whole environment", `$env["result"] == 1`, "unknown name $env"},
		{"a misuse of a function", "isNaN()", "not enough arguments"},
		{"too many nodes", strings.Repeat("1+", 600) + "result > 0", "maximum allowed nodes"},
		{"too long a text", `result == "` + strings.Repeat("x", maxConditionBytes) + `"`, "more than 4096"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Compile(c.condition)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %v, want one with %q", err, c.want)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("the error has several lines: %q", err)
			}
		})
	}
}

func TestCompileSaysWhatAConditionReads(t *testing.T) {
	for _, c := range []struct {
		condition          string
		empty, nan, single bool
	}{
		{"result[0] < 1", false, false, true},
		{"result[0] < 1 && result[1] < 1", false, false, true},
		{"len(result) > 0 && result[0] < 1", true, false, true},
		{"all(result, # < 1)", false, false, false},
		{"all(result, isNaN(#) || # < 1)", false, true, false},
		{"let x = result; len(x) == 0", true, false, false},
		{"result < 1", false, false, false},
		{"report.x == nil", true, false, false},
		{`result == ""`, true, false, false},
	} {
		got, err := Compile(c.condition)
		if err != nil {
			t.Errorf("%s: %v", c.condition, err)
			continue
		}
		if got.HandlesEmpty() != c.empty || got.HandlesNaN() != c.nan || got.SingleSeries() != c.single {
			t.Errorf("%s: empty %t, NaN %t, single series %t; want %t, %t, %t", c.condition,
				got.HandlesEmpty(), got.HandlesNaN(), got.SingleSeries(), c.empty, c.nan, c.single)
		}
	}
}

func TestCostlyConditionsEndSoon(t *testing.T) {
	big := make([]any, 20_000)
	for i := range big {
		big[i] = float64(i)
	}
	for _, c := range []struct{ name, condition string }{
		{"loops inside loops", "let r = 1..900; all(r, all(r, all(r, true)))"},
		{"loops that compare", "let r = 1..900; all(r, all(r, all(r, # >= 0)))"},
		{"a text that doubles", `reduce(1..1000, #acc + #acc, "x") == ""`},
		{"variables that grow", `let a = "xxxxxxxxxxxxxxxx"; let b = a+a+a+a+a+a+a+a; let c = b+b+b+b+b+b+b+b; let d = c+c+c+c+c+c+c+c; let e = d+d+d+d+d+d+d+d; let f = e+e+e+e+e+e+e+e; len(f+f+f+f+f+f+f+f) > 0`},
		{"a repeated repetition", `repeat(repeat("x", 1000000), 1000000) == ""`},
		{"a repetition in disguise", `::repeat(::repeat("x", 1000000), 1000000) == ""`},
		{"a replacement that explodes", `replace(repeat("x", 1000000), "", repeat("y", 1000000)) == ""`},
		{"a join that explodes", `join(map(1..1000, "x"), repeat("y", 1000000)) == ""`},
		{"a list in lists", "let a = 1..999; let b = map(a, a); let c = map(a, b); let d = map(a, c); toJSON(d) == \"\""},
		{"a huge range", "len(1..1000000000) > 0"},
		{"a comparison of everything with everything", "len(uniq(result)) > 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			started := time.Now()
			got := Judge(success(c.condition), value(big), noon)
			if got.Phase != api.AnalysisPhaseError {
				t.Errorf("phase %s, want Error: %s", got.Phase, got.Message)
			}
			if took := time.Since(started); took > 5*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}

func TestCompileIsSafeForConcurrentUse(t *testing.T) {
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for i := range 300 {
				condition := fmt.Sprintf("result[0] < %d", i)
				if got := Judge(success(condition), vector(float64(i)-1), noon); got.Phase != api.AnalysisPhaseSuccessful {
					t.Errorf("%s: %s", condition, got.Message)
				}
			}
		})
	}
	group.Wait()
}

func TestTheCacheIsBounded(t *testing.T) {
	c := &cache{entries: map[string]compiled{}}
	for i := range maxCached + 10 {
		if _, err := c.compile(fmt.Sprintf("result < %d", i)); err != nil {
			t.Fatal(err)
		}
	}
	if len(c.entries) > maxCached {
		t.Errorf("%d conditions are kept, more than %d", len(c.entries), maxCached)
	}
}

func FuzzJudge(f *testing.F) {
	for _, condition := range []string{
		"result[0] <= 0.004", "len(result) == 0 || result[0] < 5", "all(result, # < 0.05)", "result.a?.b ?? 1 == 2",
		"let x = result; x[0] > 1", "isNaN(result[0])", "any(result, .x > 5)", `result matches "^a"`, "default(result, 0) < 1",
		"not (result in [1, 2, 3])", "sum(map(result, # * 2)) > 1", `now() > date("2020-01-01")`, "result[-1] == nil", "result | len() > 0",
		"reduce(result, #acc + #, 0) > 1", "result[1:2] == []", "report.x == 1 ? true : false", "{a: 1}.a == result",
	} {
		f.Add(condition, "", `[1, 2.5, null, "x"]`)
		f.Add("", condition, `{"a": {"b": 1}, "x": [1, 2]}`)
		f.Add(condition, condition, `null`)
	}
	f.Fuzz(func(t *testing.T, success, failure, result string) {
		var value any
		if json.Unmarshal([]byte(result), &value) != nil {
			return
		}
		sample := Sample{Result: value, Report: map[string]any{"x": value}, Text: result}
		for _, policy := range []api.NoDataPolicy{api.NoDataError, api.NoDataHold} {
			criteria := Criteria{SuccessCondition: success, FailureCondition: failure, NoData: policy}
			first, second := Judge(criteria, sample, noon), Judge(criteria, sample, noon)
			if first.Phase != second.Phase {
				t.Errorf("the same sample is %s and %s", first.Phase, second.Phase)
			}
			if len(first.Message) > MaxMessage {
				t.Errorf("the message has %d bytes", len(first.Message))
			}
			if isEmpty(value) && first.Phase == api.AnalysisPhaseSuccessful && !handlesEmpty(success, failure) {
				t.Errorf("nothing is successful: %s", first.Message)
			}
		}
	})
}

func handlesEmpty(conditions ...string) bool {
	for _, source := range conditions {
		if condition, err := Compile(source); err == nil && condition.HandlesEmpty() {
			return true
		}
	}
	return false
}

// drawCondition is a random condition that leaves missing data to the policy.
func drawCondition(t *rapid.T) string {
	operator := rapid.SampledFrom([]string{"<", "<=", ">", ">=", "==", "!="})
	limit := rapid.SampledFrom([]string{"0", "1", "2.5", "-3"})
	var draw func(depth int) string
	draw = func(depth int) string {
		kind := rapid.IntRange(0, 7).Draw(t, "kind")
		if depth == 0 {
			kind %= 4
		}
		switch kind {
		case 0, 1:
			return fmt.Sprintf("result[%d] %s %s", rapid.IntRange(0, 3).Draw(t, "index"), operator.Draw(t, "operator"), limit.Draw(t, "limit"))
		case 2:
			quantifier := rapid.SampledFrom([]string{"all", "any", "none"}).Draw(t, "quantifier")
			return fmt.Sprintf("%s(result, # %s %s)", quantifier, operator.Draw(t, "operator"), limit.Draw(t, "limit"))
		case 3:
			function := rapid.SampledFrom([]string{"sum", "max", "min", "mean"}).Draw(t, "function")
			return fmt.Sprintf("%s(result) %s %s", function, operator.Draw(t, "operator"), limit.Draw(t, "limit"))
		case 4, 5:
			return fmt.Sprintf("(%s && %s)", draw(depth-1), draw(depth-1))
		case 6:
			return fmt.Sprintf("(%s || %s)", draw(depth-1), draw(depth-1))
		default:
			return fmt.Sprintf("!(%s)", draw(depth-1))
		}
	}
	return draw(3)
}

func drawCriteria(t *rapid.T) Criteria {
	c := Criteria{
		NoData: rapid.SampledFrom([]api.NoDataPolicy{"", api.NoDataError, api.NoDataHold, api.NoDataFail}).Draw(t, "noData"),
		Series: rapid.SampledFrom([]api.SeriesPolicy{"", api.SeriesFirst, api.SeriesEvery, api.SeriesError}).Draw(t, "series"),
	}
	which := rapid.IntRange(0, 3).Draw(t, "conditions")
	if which&1 != 0 {
		c.SuccessCondition = drawCondition(t)
	}
	if which&2 != 0 {
		c.FailureCondition = drawCondition(t)
	}
	return c
}
