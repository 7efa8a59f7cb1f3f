package script

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

const quoted = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle

var (
	decimalInt = regexp.MustCompile(`^[-+]?(0|[1-9][0-9_]*)$`)
	prefixed   = regexp.MustCompile(`^[-+]?0(b[01_]+|x[0-9a-fA-F_]+|[0-7_]+)$`)
	sexagesima = regexp.MustCompile(`^[-+]?[1-9][0-9_]*(:[0-5]?[0-9])+$`)
	sixtyths   = regexp.MustCompile(`^[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+\.[0-9_]*$`)
	floating   = regexp.MustCompile(`^([-+]?(0|[1-9][0-9_]*)(\.[0-9_]*)?([eE][-+]?[0-9]+)?|\.[0-9_]*[0-9][0-9_]*([eE][-+]?[0-9]+)?)$`)
	infinite   = regexp.MustCompile(`^[-+]?\.(inf|Inf|INF)$`)
)

// resolve reads a scalar as js-yaml 3 does: yes and on are texts, 010 is 8,
// 1:30 is 90, 1_000 is 1000 and a date becomes its ISO form.
func resolve(n *yaml.Node) (any, error) {
	if n.Style&yaml.TaggedStyle != 0 {
		return resolveTagged(n)
	}
	if n.Style&quoted != 0 {
		return n.Value, nil
	}
	return resolvePlain(n.Value), nil
}

func resolveTagged(n *yaml.Node) (any, error) {
	switch n.Tag {
	case "!!str":
		return n.Value, nil
	case "!!int", "!!float", "!!bool", "!!null", "!!timestamp":
		v := resolvePlain(n.Value)
		if _, isBool := v.(bool); n.Tag == "!!bool" && !isBool {
			return nil, fmt.Errorf("%q is no boolean", n.Value)
		}
		return v, nil
	}
	return nil, fmt.Errorf("the tag %s: not supported", n.Tag)
}

func resolvePlain(s string) any {
	switch s {
	case "", "~", "null", "Null", "NULL":
		return nil
	case "true", "True", "TRUE":
		return true
	case "false", "False", "FALSE":
		return false
	case ".nan", ".NaN", ".NAN":
		return math.NaN()
	}
	if n, ok := resolveNumber(s); ok {
		return n
	}
	if moment, ok := resolveMoment(s); ok {
		return moment
	}
	return s
}

var moment = regexp.MustCompile(`^(\d{4})-(\d\d?)-(\d\d?)(?:[Tt]|[ \t]+)(\d\d?):(\d\d):(\d\d)(?:\.(\d*))?(?:[ \t]*(?:Z|([-+])(\d\d?)(?::(\d\d))?))?$`)
var day = regexp.MustCompile(`^(\d{4})-(\d\d)-(\d\d)$`)

// resolveMoment reads a date, or a date and time; 2020-13-01 is the first of January 2021.
func resolveMoment(s string) (string, bool) {
	const form = "2006-01-02T15:04:05.000Z"
	number := func(s string) int {
		n, err := strconv.Atoi(s)
		if err != nil {
			return 0
		}
		return n
	}
	if m := day.FindStringSubmatch(s); m != nil {
		return time.Date(number(m[1]), time.Month(number(m[2])), number(m[3]), 0, 0, 0, 0, time.UTC).Format(form), true
	}
	m := moment.FindStringSubmatch(s)
	if m == nil {
		return "", false
	}
	millis := number((m[7] + "000")[:3])
	t := time.Date(number(m[1]), time.Month(number(m[2])), number(m[3]), number(m[4]), number(m[5]), number(m[6]), millis*1e6, time.UTC)
	zone := time.Duration(number(m[9]))*time.Hour + time.Duration(number(m[10]))*time.Minute
	if m[8] == "-" {
		zone = -zone
	}
	return t.Add(-zone).Format(form), true
}

func resolveNumber(s string) (any, bool) {
	if strings.HasSuffix(s, "_") {
		return nil, false
	}
	digits := strings.ReplaceAll(s, "_", "")
	switch {
	case decimalInt.MatchString(s):
		return integer(digits, 10)
	case prefixed.MatchString(s):
		// Go reads 0b, 0x and a leading 0 as js-yaml does.
		return integer(digits, 0)
	case sexagesima.MatchString(s), sixtyths.MatchString(s):
		return base60(digits), true
	case floating.MatchString(s):
		f, err := strconv.ParseFloat(digits, 64)
		return f, err == nil
	case infinite.MatchString(s):
		f, err := strconv.ParseFloat(strings.Replace(digits, ".", "", 1), 64)
		return f, err == nil
	}
	return nil, false
}

// integer reads an integer; one too large for 64 bits becomes a float, as every
// number of JavaScript is.
func integer(digits string, base int) (any, bool) {
	if i, err := strconv.ParseInt(digits, base, 64); err == nil {
		return i, true
	}
	f, err := strconv.ParseFloat(digits, 64)
	return f, err == nil
}

func base60(digits string) any {
	sign := 1.0
	if strings.HasPrefix(digits, "-") {
		sign = -1
	}
	total := 0.0
	for part := range strings.SplitSeq(strings.TrimLeft(digits, "+-"), ":") {
		f, err := strconv.ParseFloat(part, 64)
		if err != nil {
			return digits
		}
		total = total*60 + f
	}
	total *= sign
	if total == math.Trunc(total) && math.Abs(total) < 1<<53 {
		return int64(total)
	}
	return total
}
