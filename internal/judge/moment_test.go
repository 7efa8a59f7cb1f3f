package judge

import (
	"testing"
	"time"
)

func TestMoment(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	tests := []struct{ name, expression, want string }{
		{"the time of the measurement", "now()", "2026-03-01T12:00:00Z"},
		{"some time before it", `now() - duration("5m")`, "2026-03-01T11:55:00Z"},
		{"a date", `date("2026-01-02T03:04:05Z")`, "2026-01-02T03:04:05Z"},
		{"a word", "yesterday", `could not be evaluated`},
		{"nothing", "", `is not an expression; an example is now() - duration("5m")`},
		{"a length of time", `duration("5m")`, `does not yield a time; an example is now() - duration("5m")`},
		{"a length that is none", `now() - duration("soon")`, `could not be evaluated`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			moment, err := Moment(test.expression, at)
			got := moment.Format(time.RFC3339)
			if err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func FuzzMoment(f *testing.F) {
	f.Add(`now() - duration("5m")`)
	f.Add(`date("2026-01-02")`)
	f.Add("[now()][0]")
	f.Fuzz(func(t *testing.T, expression string) {
		first, err := Moment(expression, time.Unix(0, 0))
		second, again := Moment(expression, time.Unix(0, 0))
		if !first.Equal(second) || (err == nil) != (again == nil) {
			t.Fatalf("%v %v, then %v %v", first, err, second, again)
		}
	})
}
