package simulate

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Duration is a length of time as people write it: 90s, 2m, 1h30m, or a number of seconds. In a result it
// is a number of seconds.
type Duration time.Duration

var errDuration = errors.New("write a number with a unit, such as 90s, 2m or 1h30m")

// longest bounds every length of time, so that none can overflow another.
const longest = 365 * 24 * time.Hour

// ParseDuration reads a length of time.
func ParseDuration(text string) (Duration, error) {
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		if !(seconds >= 0 && seconds <= longest.Seconds()) {
			return 0, errDuration
		}
		return Duration(seconds * float64(time.Second)), nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d > longest {
		return 0, errDuration
	}
	return Duration(d), nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (d *Duration) UnmarshalJSON(raw []byte) error {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		text = string(raw) // a number
	}
	parsed, err := ParseDuration(text)
	*d = parsed
	return err
}

// MarshalJSON implements json.Marshaler.
func (d Duration) MarshalJSON() ([]byte, error) {
	return json.Marshal(time.Duration(d).Seconds())
}

// String is the length without units that are zero: 2m, not 2m0s.
func (d Duration) String() string {
	text := time.Duration(d).Round(time.Millisecond).String()
	text = strings.TrimSuffix(text, "m0s") + map[bool]string{true: "m"}[strings.HasSuffix(text, "m0s")]
	return strings.TrimSuffix(text, "h0m") + map[bool]string{true: "h"}[strings.HasSuffix(text, "h0m")]
}

// Moment is when something happens: after a time since the new version was applied, when the new version
// has come to a share of the requests, or when a step begins.
type Moment struct {
	After  Duration
	Weight int32 // percent; 0 is not given
	Step   int32 // from 1; 0 is not given
}

var errMoment = errors.New("write a time such as 2m, a share of the requests such as 75%, or a step such as step 3")

// ParseMoment reads a moment.
func ParseMoment(text string) (Moment, error) {
	if share, ok := strings.CutSuffix(text, "%"); ok {
		weight, err := strconv.ParseInt(strings.TrimSpace(share), 10, 32)
		if err != nil || weight < 1 || weight > 100 {
			return Moment{}, errMoment
		}
		return Moment{Weight: int32(weight)}, nil
	}
	if number, ok := strings.CutPrefix(text, "step"); ok {
		step, err := strconv.ParseInt(strings.TrimSpace(number), 10, 32)
		if err != nil || step < 1 {
			return Moment{}, errMoment
		}
		return Moment{Step: int32(step)}, nil
	}
	after, err := ParseDuration(text)
	if err != nil {
		return Moment{}, errMoment
	}
	return Moment{After: after}, nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (m *Moment) UnmarshalJSON(raw []byte) error {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		text = string(raw)
	}
	parsed, err := ParseMoment(text)
	*m = parsed
	return err
}

// timed says that the moment is a time.
func (m Moment) timed() bool { return m.Weight == 0 && m.Step == 0 }

// Value is what a metric server answers, or the verdict that is assumed of it.
type Value struct {
	// Numbers are the values of as many series. Tree is another answer: an object, a text, a truth value.
	Numbers []float64
	Tree    any
	// Word is one of empty, error, pass, fail, inconclusive, or "" for a value.
	Word string
	// single says that there is one number, which servers that know no series give as it is.
	single bool
}

// The words that stand for an answer without a value.
const (
	wordEmpty        = "empty"
	wordError        = "error"
	wordPass         = "pass"
	wordFail         = "fail"
	wordInconclusive = "inconclusive"
)

// ValueWords are the words a value may be.
func ValueWords() []string {
	return []string{"NaN", wordEmpty, wordError, wordPass, wordFail, wordInconclusive}
}

var errValue = errors.New("write a number, a percentage such as 5%, a time such as 250ms (it is 0.25), or one of " + strings.Join(ValueWords(), ", "))

// ParseValue reads a value as people write it on a command line.
func ParseValue(text string) (Value, error) {
	for _, word := range ValueWords()[1:] {
		if text == word {
			return Value{Word: word}, nil
		}
	}
	if share, ok := strings.CutSuffix(text, "%"); ok {
		percent, err := strconv.ParseFloat(share, 64)
		if err != nil {
			return Value{}, errValue
		}
		return numeric(percent / 100), nil
	}
	if number, err := strconv.ParseFloat(text, 64); err == nil {
		return numeric(number), nil
	}
	if d, err := time.ParseDuration(text); err == nil {
		return numeric(d.Seconds()), nil
	}
	return Value{}, errValue
}

func numeric(number float64) Value { return Value{Numbers: []float64{number}, single: true} }

// UnmarshalJSON implements json.Unmarshaler.
func (v *Value) UnmarshalJSON(raw []byte) (err error) {
	var is any
	if err := json.Unmarshal(raw, &is); err != nil {
		return err
	}
	switch is := is.(type) {
	case float64:
		*v = numeric(is)
	case string:
		*v, err = ParseValue(is)
	case []any:
		*v, err = vector(is)
	case nil:
		err = errValue
	default:
		*v = Value{Tree: is}
	}
	return err
}

// vector is the value of several series.
func vector(items []any) (Value, error) {
	v := Value{Numbers: make([]float64, 0, len(items))}
	for _, item := range items {
		switch is := item.(type) {
		case float64:
			v.Numbers = append(v.Numbers, is)
		case string:
			one, err := ParseValue(is)
			if err != nil || !one.single {
				return Value{}, errValue
			}
			v.Numbers = append(v.Numbers, one.Numbers[0])
		default:
			return Value{}, errValue
		}
	}
	return v, nil
}

// String is the value as it stands in a sentence.
func (v Value) String() string {
	switch {
	case v.Word != "":
		return v.Word
	case v.single:
		return shortNumber(v.Numbers[0])
	case v.Tree != nil:
		raw, err := json.Marshal(v.Tree)
		if err != nil {
			return fmt.Sprint(v.Tree)
		}
		return string(raw)
	}
	texts := make([]string, len(v.Numbers))
	for i, n := range v.Numbers {
		texts[i] = shortNumber(n)
	}
	return "[" + strings.Join(texts, ",") + "]"
}

func shortNumber(n float64) string {
	if math.Abs(n) < 1e-6 && n != 0 {
		return strconv.FormatFloat(n, 'g', 6, 64)
	}
	return strconv.FormatFloat(n, 'f', -1, 64)
}
