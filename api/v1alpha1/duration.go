package v1alpha1

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/util/intstr"
)

// DurationString is a length of time such as "30s", "5m" or "1h30m".
type DurationString string

// Duration reads the string. Empty is 0: the field is not set. Anything that is not a Go duration is an error;
// a negative one is not, so callers that need a positive length must check.
func (d DurationString) Duration() (time.Duration, error) {
	if d == "" {
		return 0, nil
	}
	parsed, err := time.ParseDuration(string(d))
	if err != nil {
		return 0, fmt.Errorf("reading %q as a duration: want a number with a unit, such as 30s or 5m", string(d))
	}
	return parsed, nil
}

// DurationSeconds is the length of the pause in whole seconds, rounded down. A pause without a duration gives
// 0; ask IsIndefinite first. A string that is neither a number of seconds nor a Go duration, a negative length,
// and one of more than 68 years are errors.
func (p RolloutPause) DurationSeconds() (int32, error) {
	if p.Duration == nil {
		return 0, nil
	}
	if p.Duration.Type == intstr.Int {
		return checkedSeconds(float64(p.Duration.IntVal), p.Duration.String())
	}
	text := p.Duration.StrVal
	if seconds, err := strconv.ParseInt(text, 10, 32); err == nil {
		return checkedSeconds(float64(seconds), text)
	}
	length, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("reading %q as a pause: want seconds, or a number with a unit, such as 30s or 5m", text)
	}
	return checkedSeconds(length.Seconds(), text)
}

// IsIndefinite says whether the pause lasts until somebody promotes.
func (p RolloutPause) IsIndefinite() bool {
	return p.Duration == nil
}

func checkedSeconds(seconds float64, text string) (int32, error) {
	switch {
	case seconds < 0:
		return 0, fmt.Errorf("reading %q as a pause: it is negative", text)
	case seconds > math.MaxInt32:
		return 0, fmt.Errorf("reading %q as a pause: it is longer than 68 years", text)
	}
	return int32(seconds), nil
}
