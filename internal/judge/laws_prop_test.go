package judge

import (
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	api "sluice.dev/sluice/api/v1alpha1"
)

func drawValues(t *rapid.T) []float64 {
	return rapid.SliceOfN(rapid.SampledFrom([]float64{-4, -3, 0, 0.5, 1, 2, 2.5, 7, math.Inf(1)}), 0, 5).Draw(t, "values")
}

func TestLawNoDataIsNeverSuccessful(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		criteria := drawCriteria(t)
		nothing := rapid.SampledFrom([]any{nil, []float64{}, []any{}, "", map[string]any{}, math.NaN(), []float64{math.NaN()}}).Draw(t, "nothing")
		if got := Judge(criteria, Sample{Result: nothing}, noon); got.Phase == api.AnalysisPhaseSuccessful {
			t.Fatalf("%+v of nothing (%v) is successful: %s", criteria, nothing, got.Message)
		}
	})
}

func TestLawAddingNaNMakesNothingBetter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		criteria := drawCriteria(t)
		values := drawValues(t)
		before := Judge(criteria, Sample{Result: values}, noon)
		place := rapid.IntRange(0, len(values)).Draw(t, "place")
		replaced := append(slices.Clone(values[:place]), math.NaN())
		if place < len(values) {
			replaced = append(replaced, values[place+1:]...)
		}
		after := Judge(criteria, Sample{Result: replaced}, noon)
		if after.Phase == api.AnalysisPhaseSuccessful && before.Phase != api.AnalysisPhaseSuccessful && len(replaced) == len(values) {
			t.Fatalf("%+v: %v is %s, %v is successful: %s", criteria, values, before.Phase, replaced, after.Message)
		}
		longer := Judge(criteria, Sample{Result: append(slices.Clone(values), math.NaN())}, noon)
		if len(values) > 0 && longer.Phase == api.AnalysisPhaseSuccessful && before.Phase != api.AnalysisPhaseSuccessful {
			t.Fatalf("%+v: %v is %s, with NaN added it is successful: %s", criteria, values, before.Phase, longer.Message)
		}
	})
}

func TestLawAForcedVerdictStands(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		forced := rapid.SampledFrom([]api.AnalysisPhase{api.AnalysisPhaseFailed, api.AnalysisPhaseInconclusive}).Draw(t, "forced")
		got := Judge(drawCriteria(t), Sample{Result: drawValues(t), Forced: forced}, noon)
		if got.Phase != forced {
			t.Fatalf("%s, want %s", got.Phase, forced)
		}
	})
}

func TestLawWhatCannotBeSuccessfulIsNot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		got := Judge(drawCriteria(t), Sample{Result: drawValues(t), NeverSuccessful: true}, noon)
		if got.Phase != api.AnalysisPhaseFailed && got.Phase != api.AnalysisPhaseInconclusive {
			t.Fatalf("%s: %s", got.Phase, got.Message)
		}
	})
}

func TestLawTheSameSampleGetsTheSameVerdict(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		criteria, sample := drawCriteria(t), Sample{Result: drawValues(t)}
		if diff := cmp.Diff(Judge(criteria, sample, noon), Judge(criteria, sample, noon)); diff != "" {
			t.Fatalf("%+v: %s", criteria, diff)
		}
	})
}

func TestLawEveryIsTheWorstOfEach(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		criteria := drawCriteria(t)
		criteria.Series = api.SeriesEvery
		values := drawValues(t)
		if len(values) < 2 {
			return
		}
		var worst api.AnalysisPhase
		for _, v := range values {
			worst = Worse(worst, Judge(criteria, Sample{Result: []float64{v}}, noon).Phase)
		}
		if got := Judge(criteria, Sample{Result: values}, noon); got.Phase != worst {
			t.Fatalf("%+v of %v is %s, the worst of its series is %s", criteria, values, got.Phase, worst)
		}
	})
}
