package judge

import (
	"testing"
	"time"

	api "sluice.dev/sluice/api/v1alpha1"
)

func TestSeriesErrorCountsSeriesNotValues(t *testing.T) {
	criteria := Criteria{SuccessCondition: "all(result, # < 1)", Series: api.SeriesError}
	tests := []struct {
		name   string
		series []string
		want   api.AnalysisPhase
	}{
		{"three values of one series are one series", []string{`{pod="a"}`, `{pod="a"}`, `{pod="a"}`}, api.AnalysisPhaseSuccessful},
		{"values of two series are an error", []string{`{pod="a"}`, `{pod="a"}`, `{pod="b"}`}, api.AnalysisPhaseError},
		{"values without names count one each", nil, api.AnalysisPhaseError},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := Judge(criteria, Sample{Result: []float64{0.1, 0.2, 0.3}, Series: test.series}, time.Unix(0, 0))
			if v.Phase != test.want {
				t.Errorf("phase %s (%s), want %s", v.Phase, v.Message, test.want)
			}
		})
	}
}
