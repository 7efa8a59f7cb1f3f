package providers

import (
	"time"

	"sluice.dev/sluice/internal/judge"
)

// moment is the time a field's expression yields; the field's name begins the failure.
func moment(field, expression string, at time.Time) (time.Time, *judge.Failure) {
	if expression == "" {
		return time.Time{}, badConfig("prometheus: " + field + " is not set")
	}
	t, err := judge.Moment(expression, at)
	if err != nil {
		return time.Time{}, badConfig("prometheus: " + field + " " + err.Error())
	}
	return t, nil
}
