package report

import "testing"

func TestOnlyWhatMustNotBeExceededIsUsedUp(t *testing.T) {
	for text, want := range map[string]string{
		"http.response_time.p95 < 200": "50.0 % of it", "errors.rate <= 200": "50.0 % of it", "arrivals.achieved >= 99": "", "apdex > 99": "",
	} {
		if row := newCheckRow(Check{Text: text, OK: true, Values: []Measured{{Value: 100}}}); row.Share != want || row.Limit == "" {
			t.Errorf("%s: used %q of %q, want %q", text, row.Share, row.Limit, want)
		}
	}
}
