package script

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// text reads a text; numbers and booleans are taken as they are written.
func (f *findings) text(v *value, path string) string {
	if v.kind != scalar {
		f.fail(v.at, path, "must be a text, not %s", v.describe())
		return ""
	}
	return asText(v.scalar)
}

func asText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

func (f *findings) boolean(v *value, path string) bool {
	if b, ok := v.scalar.(bool); ok && v.kind == scalar {
		return b
	}
	switch v.scalar {
	case "true":
		return true
	case "false":
		return false
	}
	f.fail(v.at, path, "must be true or false, not %s", v.describe())
	return false
}

// number reads a finite number or a text that is one.
func (f *findings) number(v *value, path string) float64 {
	if n, ok := asNumber(v); ok {
		return n
	}
	f.fail(v.at, path, "must be a number, not %s", v.describe())
	return 0
}

func asNumber(v *value) (float64, bool) {
	if v.kind != scalar {
		return 0, false
	}
	n := math.NaN()
	switch s := v.scalar.(type) {
	case int64:
		n = float64(s)
	case float64:
		n = s
	case string:
		parsed, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
		if err == nil {
			n = parsed
		}
	}
	return n, !math.IsNaN(n) && !math.IsInf(n, 0)
}

// whole reads a whole number within bounds.
func (f *findings) whole(v *value, path string, least, most int64) int64 {
	n, ok := asNumber(v)
	if !ok || n != math.Trunc(n) || n < float64(least) || n > float64(most) {
		f.fail(v.at, path, "must be a whole number from %d to %d, not %s", least, most, v.describe())
		return least
	}
	return int64(n)
}

// seconds reads a duration: a number is in seconds, a text is a number or has a unit.
func (f *findings) seconds(v *value, path string) time.Duration {
	if n, ok := asNumber(v); ok {
		if d, ok := toDuration(n, time.Second); ok {
			return d
		}
	}
	if s, ok := v.scalar.(string); ok {
		if d, ok := parseUnits(s); ok {
			return d
		}
	}
	p := Problem{At: v.at, Path: path, Code: CodeInvalid, Text: "must be seconds or a text such as 30s, 5m or 1.5h, not " + v.describe()}
	if s, ok := v.scalar.(string); ok {
		if d, err := time.ParseDuration(s); err == nil && d > 0 {
			p.Instead = "write " + strconv.FormatFloat(d.Seconds(), 'f', -1, 64)
		}
	}
	f.add(p)
	return 0
}

var withUnit = regexp.MustCompile(`^(\d+(?:\.\d+)?|\.\d+)\s*([a-zA-Z]+)$`)

var units = map[string]time.Duration{
	"ms": time.Millisecond, "msec": time.Millisecond, "msecs": time.Millisecond, "millisecond": time.Millisecond, "milliseconds": time.Millisecond,
	"s": time.Second, "sec": time.Second, "secs": time.Second, "second": time.Second, "seconds": time.Second,
	"m": time.Minute, "min": time.Minute, "mins": time.Minute, "minute": time.Minute, "minutes": time.Minute,
	"h": time.Hour, "hr": time.Hour, "hrs": time.Hour, "hour": time.Hour, "hours": time.Hour,
	"d": 24 * time.Hour, "day": 24 * time.Hour, "days": 24 * time.Hour,
	"w": 7 * 24 * time.Hour, "week": 7 * 24 * time.Hour, "weeks": 7 * 24 * time.Hour,
}

// parseUnits reads 30s, 5m, 1.5h or 2 days.
func parseUnits(s string) (time.Duration, bool) {
	match := withUnit.FindStringSubmatch(strings.TrimSpace(s))
	if match == nil {
		return 0, false
	}
	unit, known := units[strings.ToLower(match[2])]
	n, err := strconv.ParseFloat(match[1], 64)
	if !known || err != nil {
		return 0, false
	}
	return toDuration(n, unit)
}

// ParseSeconds reads what a think step's template gave: a number of seconds, or a text with a unit.
func ParseSeconds(s string) (time.Duration, bool) {
	if n, err := strconv.ParseFloat(strings.TrimSpace(s), 64); err == nil {
		return toDuration(n, time.Second)
	}
	return parseUnits(s)
}

func toDuration(n float64, unit time.Duration) (time.Duration, bool) {
	d := n * float64(unit)
	if math.IsNaN(d) || d < 0 || d > float64(1<<62) {
		return 0, false
	}
	return time.Duration(math.Round(d)), true
}
