package providers

import (
	"time"

	"github.com/expr-lang/expr"

	"sluice.dev/sluice/internal/judge"
)

// maxMomentNodes is far more than now() - duration("5m") needs.
const maxMomentNodes = 200

// moment evaluates an expression that yields a time. now() is the time of the measurement, so that an answer can be
// asked for again later; the field's name begins the failure.
func moment(field, expression string, at time.Time) (time.Time, *judge.Failure) {
	if expression == "" {
		return time.Time{}, badConfig("prometheus: " + field + " is not set")
	}
	now := func(...any) (any, error) { return at, nil }
	program, err := expr.Compile(expression,
		expr.DisableBuiltin("now"),
		expr.Function("now", now, new(func() time.Time)),
		expr.MaxNodes(maxMomentNodes),
	)
	if err != nil {
		return time.Time{}, badConfig("prometheus: " + field + ` is not an expression; an example is now() - duration("5m")`)
	}
	value, err := expr.Run(program, nil)
	if err != nil {
		return time.Time{}, badConfig("prometheus: " + field + " could not be evaluated")
	}
	t, isTime := value.(time.Time)
	if !isTime {
		return time.Time{}, badConfig("prometheus: " + field + ` does not yield a time; an example is now() - duration("5m")`)
	}
	return t, nil
}
