package fake

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
)

// options is the map a function was given, nil without one.
func options(args []any) map[string]any {
	if len(args) > 0 {
		if o, ok := args[0].(map[string]any); ok {
			return o
		}
	}
	return nil
}

// number reads a number out of what JSON, YAML and JavaScript make of one.
func number(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, !math.IsNaN(v) && !math.IsInf(v, 0)
	case int64:
		return float64(v), true
	case int:
		return float64(v), true
	case string:
		f, err := strconv.ParseFloat(v, 64)
		return f, err == nil && !math.IsInf(f, 0) && !math.IsNaN(f)
	}
	return 0, false
}

func option(args []any, name string, otherwise float64) float64 {
	if f, ok := number(options(args)[name]); ok {
		return f
	}
	return otherwise
}

// text is a text among the options.
func text(args []any, name, otherwise string) string {
	if s, ok := options(args)[name].(string); ok {
		return s
	}
	return otherwise
}

// most bounds what is made at once: letters, words, elements.
const most = 1 << 16

// length is how long something is to be: a number, a "length" or "count" that may be a
// number or {min, max}, else between low and high.
func length(r *rand.Rand, args []any, low, high int) int {
	var given any
	if len(args) > 0 {
		given = args[0]
	}
	if o := options(args); o != nil {
		given = nil
		for _, name := range []string{"length", "count", "wordCount", "sentenceCount", "lineCount"} {
			if v, ok := o[name]; ok {
				given = v
			}
		}
		if given == nil && o["min"] != nil {
			given = o
		}
	}
	if span, ok := given.(map[string]any); ok {
		from, _ := number(span["min"])
		to, ok := number(span["max"])
		if !ok {
			to = from
		}
		low, high = bound(from), bound(to)
	} else if n, ok := number(given); ok {
		low, high = bound(n), bound(n)
	}
	if high <= low {
		return low
	}
	return low + r.IntN(high-low+1)
}

func bound(f float64) int { return int(min(max(f, 0), most)) }

// pick takes one of a list.
func pick(r *rand.Rand, list []string) string { return list[r.IntN(len(list))] }

// between draws an integer, both ends included.
func between(r *rand.Rand, low, high float64) int64 {
	const top = 1<<53 - 1
	low, high = math.Ceil(min(max(low, -top), top)), math.Floor(min(max(high, -top), top))
	if high <= low {
		return int64(low)
	}
	return int64(low) + int64(r.Uint64N(uint64(high-low)+1))
}

// fraction draws a number of so many decimals.
func fraction(r *rand.Rand, low, high float64, decimals int) float64 {
	const top = 1e100
	low, high = min(max(low, -top), top), min(max(high, -top), top)
	v := low + r.Float64()*(high-low)
	scale := math.Pow10(min(max(decimals, 0), 15))
	return math.Round(v*scale) / scale
}

const (
	lower  = "abcdefghijklmnopqrstuvwxyz"
	upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits = "0123456789"
	hexes  = "0123456789abcdef"
)

// letters draws n characters of an alphabet.
func letters(r *rand.Rand, alphabet string, n int) string {
	if alphabet == "" {
		return ""
	}
	runes := []rune(alphabet)
	var b strings.Builder
	for range n {
		b.WriteRune(runes[r.IntN(len(runes))])
	}
	return b.String()
}

// shape fills a shape in: # is a digit, ? a capital letter.
func shape(r *rand.Rand, s string) string {
	var b strings.Builder
	for _, c := range s {
		switch c {
		case '#':
			b.WriteByte(digits[r.IntN(10)])
		case '?':
			b.WriteByte(upper[r.IntN(26)])
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

// cased applies the option "casing".
func cased(args []any, s string) string {
	switch text(args, "casing", "") {
	case "upper":
		return strings.ToUpper(s)
	case "lower":
		return strings.ToLower(s)
	}
	return s
}

func integer(r *rand.Rand, args []any) any {
	low, high := option(args, "min", 0), option(args, "max", 1<<53-1)
	if len(args) > 0 {
		if f, ok := number(args[0]); ok {
			high = f
		}
	}
	step := max(option(args, "multipleOf", 1), 1)
	if step > 1 {
		return between(r, math.Ceil(low/step), math.Floor(high/step)) * int64(step)
	}
	return between(r, low, high)
}

func float(r *rand.Rand, args []any) any {
	low, high := option(args, "min", 0), option(args, "max", 1)
	if len(args) > 0 {
		if f, ok := number(args[0]); ok {
			high = f
		}
	}
	decimals := int(option(args, "fractionDigits", 15))
	if step := option(args, "multipleOf", 0); step > 1e-15 {
		return math.Round(fraction(r, low, high, 15)/step) * step
	}
	return fraction(r, low, high, decimals)
}

// based draws an integer below a bound and writes it to a base.
func based(base int, top float64) Func {
	return func(r *rand.Rand, args []any) any {
		n := integer(r, []any{map[string]any{"min": option(args, "min", 0), "max": option(args, "max", first(args, top))}})
		return strconv.FormatInt(n.(int64), base)
	}
}

func first(args []any, otherwise float64) float64 {
	if len(args) > 0 {
		if f, ok := number(args[0]); ok {
			return f
		}
	}
	return otherwise
}

func roman(r *rand.Rand, args []any) any {
	n := between(r, max(option(args, "min", 1), 1), min(option(args, "max", 3999), 3999))
	var b strings.Builder
	for _, step := range []struct {
		value int64
		text  string
	}{
		{1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"}, {100, "C"}, {90, "XC"}, {50, "L"},
		{40, "XL"}, {10, "X"}, {9, "IX"}, {5, "V"}, {4, "IV"}, {1, "I"},
	} {
		for n >= step.value {
			b.WriteString(step.text)
			n -= step.value
		}
	}
	return b.String()
}

// alphabetic makes a text of an alphabet, as long as the options say; prefix is the default of "prefix".
func alphabetic(alphabet, prefix string, low int) Func {
	return func(r *rand.Rand, args []any) any {
		from := alphabet
		if s := text(args, "casing", ""); s == "upper" && strings.HasPrefix(from, lower) {
			from = strings.ToUpper(lower) + strings.TrimPrefix(strings.ReplaceAll(from, upper, ""), lower)
		} else if s == "lower" && strings.Contains(from, lower) {
			from = strings.ReplaceAll(from, upper, "")
		}
		s := text(args, "prefix", prefix) + letters(r, from, length(r, args, low, low))
		if alphabet == hexes {
			return cased(args, s)
		}
		return s
	}
}

func uuid(r *rand.Rand, _ []any) any {
	a, b := r.Uint64()&^0xf000|0x4000, r.Uint64()&^(3<<62)|1<<63
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", a>>32, a>>16&0xffff, a&0xffff, b>>48, b&0xffffffffffff)
}
