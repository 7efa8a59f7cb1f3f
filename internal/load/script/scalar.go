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
	sexagesima = regexp.MustCompile(`^[-+]?[1-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?$`)
	floating   = regexp.MustCompile(`^([-+]?(0|[1-9][0-9_]*)(\.[0-9_]*)?([eE][-+]?[0-9]+)?|[-+]?\.[0-9][0-9_]*([eE][-+]?[0-9]+)?)$`)
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
	case "!!int", "!!float", "!!bool", "!!null":
		return resolvePlain(n.Value), nil
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
	if len(s) == len(time.DateOnly) {
		if day, err := time.Parse(time.DateOnly, s); err == nil {
			return day.Format("2006-01-02T15:04:05.000Z")
		}
	}
	return s
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
	case sexagesima.MatchString(s):
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
