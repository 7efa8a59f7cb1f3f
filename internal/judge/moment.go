package judge

import (
	"errors"
	"time"

	"github.com/expr-lang/expr"
)

// maxMomentNodes is far more than now() - duration("5m") needs.
const maxMomentNodes = 200

// momentExample says how a moment is written.
const momentExample = `an example is now() - duration("5m")`

// Moment evaluates an expression that yields a time, such as the start of a range: now() - duration("5m").
// now() is the given time, the one of the measurement, so that an answer can be asked for again later.
func Moment(expression string, at time.Time) (time.Time, error) {
	now := func(...any) (any, error) { return at, nil }
	program, err := expr.Compile(expression,
		expr.DisableBuiltin("now"),
		expr.Function("now", now, new(func() time.Time)),
		expr.MaxNodes(maxMomentNodes),
	)
	if err != nil {
		return time.Time{}, errors.New("is not an expression; " + momentExample)
	}
	value, err := expr.Run(program, nil)
	if err != nil {
		return time.Time{}, errors.New("could not be evaluated")
	}
	t, isTime := value.(time.Time)
	if !isTime {
		return time.Time{}, errors.New("does not yield a time; " + momentExample)
	}
	return t, nil
}
