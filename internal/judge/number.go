package judge

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"
)

// Bounds of texts that reach a status.
const (
	// MaxMessage is the length of a verdict's message in bytes.
	MaxMessage = 1024
	maxQuoted  = 256 // a condition inside a message
	maxValue   = 128 // a value inside a message
)

const ellipsis = "…"

// Trim cuts a text to at most limit bytes, at the end of a character, and marks the cut. Text that
// is not UTF-8 is made so, because the API server would refuse it.
func Trim(text string, limit int) string {
	if !utf8.ValidString(text) {
		text = string([]rune(text))
	}
	if len(text) <= limit {
		return text
	}
	mark := ellipsis
	if limit < len(mark) {
		mark = ""
	}
	end := max(limit-len(mark), 0)
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + mark
}

// weigh compares a value with its limit in words. For numbers it says by how much.
func weigh(value, limit any, operator string) (valueText, limitText, distance string) {
	v, valueErr := number(value)
	l, limitErr := number(limit)
	if valueErr != nil || limitErr != nil {
		valueText, limitText = display(value), display(limit)
		if operator == "==" || operator == "!=" {
			return valueText, limitText, equality(valueText == limitText, limitText)
		}
		return valueText, limitText, "compared with " + limitText
	}
	valueText, limitText = apart(v, l)
	if operator == "==" || operator == "!=" {
		return valueText, limitText, equality(v == l, limitText)
	}
	return valueText, limitText, far(v, l, limitText)
}

func equality(same bool, limit string) string {
	if same {
		return "equal to " + limit
	}
	return "not " + limit
}

// far says how far v is from l. Ratios are for quantities of the same sign only.
func far(v, l float64, limit string) string {
	switch {
	case math.IsNaN(v) || math.IsNaN(l):
		return "not comparable with the limit " + limit
	case v == l:
		return "exactly the limit " + limit
	case math.IsInf(v, 0) || math.IsInf(l, 0) || l <= 0 || v <= 0 || math.IsInf(v/l, 0):
		if v > l {
			return "above the limit " + limit
		}
		return "below the limit " + limit
	}
	return times(v/l, limit)
}

// times says the same of two quantities whose ratio means something.
func times(ratio float64, limit string) string {
	switch {
	case ratio >= 1.5:
		return short(ratio, 2) + " times the limit " + limit
	case ratio > 1:
		return percent(ratio-1) + " above the limit " + limit
	default:
		return percent(1-ratio) + " below the limit " + limit
	}
}

func percent(share float64) string {
	switch {
	case share < 0.0001:
		return "less than 0.01%"
	case share > 0.995:
		return "more than 99%"
	}
	return short(share*100, 2) + "%"
}

// short rounds to so many significant digits without an exponent for everyday numbers.
func short(f float64, digits int) string {
	if f >= 100 && f < 1e15 {
		return strconv.FormatFloat(math.Round(f), 'f', -1, 64)
	}
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(f, 'g', digits, 64), 64)
	if err != nil {
		rounded = f
	}
	return plainNumber(rounded)
}

// apart writes two numbers with six significant digits, and with all of them when six would make
// different numbers look the same.
func apart(v, l float64) (value, limit string) {
	value, limit = rounded(v), rounded(l)
	if value == limit && v != l {
		return plainNumber(v), plainNumber(l)
	}
	return value, limit
}

func rounded(f float64) string {
	r, err := strconv.ParseFloat(strconv.FormatFloat(f, 'g', 6, 64), 64)
	if err != nil || f == math.Trunc(f) {
		r = f
	}
	return plainNumber(r)
}

// plainNumber is a number as people write it: 0.00004, not 4e-05.
func plainNumber(f float64) string {
	size := math.Abs(f)
	if size != 0 && (size < 1e-6 || size >= 1e15) {
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

// display is any value as a short text.
func display(value any) string {
	switch v := value.(type) {
	case nil:
		return "nil"
	case string:
		return Trim(strconv.Quote(Trim(v, maxValue)), maxValue)
	}
	if f, err := number(value); err == nil {
		return rounded(f)
	}
	if text, err := json.Marshal(value); err == nil {
		return Trim(string(text), maxValue)
	}
	return Trim(fmt.Sprint(value), maxValue)
}
