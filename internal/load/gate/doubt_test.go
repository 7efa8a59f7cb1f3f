package gate

import (
	"strings"
	"testing"

	"sluice.dev/sluice/internal/load/series"
)

func TestDoubts(t *testing.T) {
	for text, want := range map[string]string{
		"errors.rate <= 0.01":                                   "",
		"errors.rate <= 1":                                      "",
		"errors.rate >= 1":                                      "",
		"apdex > 0.9":                                           "",
		"arrivals.achieved >= 1":                                "",
		"http.codes.500 == 0":                                   "",
		"http.codes.500 <= 0":                                   "",
		"http.requests > 0":                                     "",
		"http.response_time.p95 < 1":                            "",
		"sluice.start_lag.p99 < 0.5":                            "",
		"http.response_time.count > 0":                          "",
		"http.request_rate > 0.5":                               "",
		"http.codes.500 - http.codes.503 > -1":                  "",
		"errors.rate <= 5":                                      "errors.rate is a share from 0 to 1, and 5 is beyond that; write 0.05 for 5 %",
		"5 >= errors.rate":                                      "errors.rate is a share from 0 to 1, and 5 is beyond that; write 0.05 for 5 %",
		"errors.rate < 1":                                       "errors.rate is a share from 0 to 1, and is less than 1 unless all goes wrong; write 0.01 for 1 %",
		"http.response_time.p95 <= 0.25":                        "http.response_time.p95 is in milliseconds, and 0.25 is less than one; if seconds were meant, write 250",
		"http.codes.500 < 0":                                    `http.codes.500 is never below 0, so < 0 never holds; for none at all write the condition "http.codes.500 == 0", or 1 as the threshold of a count`,
		"vusers.completed >= 0":                                 "vusers.completed is never below 0, so >= 0 always holds",
		"vusers.completed > -1 and errors.rate < 0.1":           "vusers.completed is never below 0, so > -1 always holds",
		"errors.rate < 2 or http.codes.5xx == 0 or apdex > 100": "errors.rate is a share from 0 to 1, and 2 is beyond that; write 0.02 for 2 % | apdex is a share from 0 to 1, and 100 is beyond that; write 1 for 100 %",
	} {
		t.Run(text, func(t *testing.T) {
			check, err := Condition(text, series.NewCatalogue())
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, d := range check.Doubts() {
				got = append(got, strings.TrimSuffix(d.Text+"; "+d.Instead, "; "))
			}
			if have := strings.Join(got, " | "); have != want {
				t.Errorf("got  %s\nwant %s", have, want)
			}
		})
	}
}

// A metric of the processor's own may be anything.
func TestNobodyDoubtsWhatOnlyAProcessorKnows(t *testing.T) {
	known := series.NewCatalogue()
	known.Open()
	check, err := Condition("balance > -1", known)
	if err != nil {
		t.Fatal(err)
	}
	if d := check.Doubts(); len(d) != 0 || check.HoldsWhenWell() {
		t.Errorf("%v, holds when well: %t", d, check.HoldsWhenWell())
	}
}

func TestHoldsWhenWell(t *testing.T) {
	for text, want := range map[string]bool{
		"errors.rate < 0.5":                  true,
		"errors.rate <= 0.01":                true,
		"apdex >= 0.9":                       true,
		"sluice.errors.conn_refused < 1":     true,
		"not (http.codes.503 > 10)":          true,
		"http.codes.200 > 0":                 true,
		"errors.rate > 0.5":                  false,
		"arrivals.achieved < 0.9":            false,
		"vusers.failed > 0":                  false,
		"http.codes.200 == 0":                false,
		"http.response_time.p99 < 2000":      false,
		"not (http.requests > 100)":          false,
		"http.requests >= 0":                 false,
		"1 < 2":                              false,
		"errors.rate < 0.5 and apdex < 0.01": false,
	} {
		t.Run(text, func(t *testing.T) {
			check, err := Condition(text, series.NewCatalogue())
			if err != nil {
				t.Fatal(err)
			}
			if got := check.HoldsWhenWell(); got != want {
				t.Errorf("HoldsWhenWell() = %t, want %t", got, want)
			}
		})
	}
}
