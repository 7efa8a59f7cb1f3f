package judge

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestLawTrimmedTextFitsAndStaysReadable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		whole := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })).Draw(t, "text")
		limit := rapid.IntRange(0, 40).Draw(t, "limit")
		got := Trim(whole, limit)
		if len(got) > limit {
			t.Fatalf("%q has %d bytes, more than %d", got, len(got), limit)
		}
		if !utf8.ValidString(got) {
			t.Fatalf("%q is not UTF-8", got)
		}
		if utf8.ValidString(whole) && len(whole) <= limit && got != whole {
			t.Fatalf("%q became %q without need", whole, got)
		}
		if utf8.ValidString(whole) && !strings.HasPrefix(whole, strings.TrimSuffix(got, ellipsis)) {
			t.Fatalf("%q is not the beginning of %q", got, whole)
		}
	})
}

func TestFar(t *testing.T) {
	for _, c := range []struct {
		value, limit float64
		want         string
	}{
		{0.0123, 0.004, "3.1 times the limit 0.004"},
		{0.0041, 0.004, "2.5% above the limit 0.004"},
		{0.004, 0.004, "exactly the limit 0.004"},
		{0.00000001, 0.004, "more than 99% below the limit 0.004"},
		{0, 0.004, "below the limit 0.004"},
		{-5, -2, "below the limit -2"},
		{5, -2, "above the limit -2"},
		{3, 0, "above the limit 0"},
		{1234567, 1000, "1235 times the limit 1000"},
		{5e20, 1e-7, "5e+27 times the limit 1e-07"},
	} {
		if got := far(c.value, c.limit, plainNumber(c.limit)); got != c.want {
			t.Errorf("%v against %v: %q, want %q", c.value, c.limit, got, c.want)
		}
	}
}
