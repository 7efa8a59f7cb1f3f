package verdict

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"sluice.dev/sluice/internal/load/gate"
	"sluice.dev/sluice/internal/load/result"
	"sluice.dev/sluice/internal/load/series"
)

const (
	// mostRefused is how much larger the share of answers of 4xx may be than the stable version's.
	mostRefused = 0.05
	// leastRefused is how many answers of 4xx are no accident.
	leastRefused = 3
)

// Answered is a verdict with an eye on which answers came, here and from the stable version: what refuses
// quickly looks good by every other number. Where nothing but the script's own gates is wanted, it is good.
func Answered(v result.Verdict, why string, f Facts, r result.Result) (result.Verdict, string) {
	if v != result.Pass || !slices.ContainsFunc(f.Checks, func(c gate.Check) bool { return c.Default }) {
		return v, why
	}
	if s := r.Stable; s != nil && len(s.Codes) == 0 {
		return result.Inconclusive, "the stable version was not measured, so nothing was compared: " + cmp.Or(s.Why, "it never answered")
	} else if s != nil {
		if refused := refused(f, r.Codes, s.Codes); refused != "" {
			return result.Inconclusive, refused
		}
	}
	if own, of := refusals(r.Codes); own == of && own >= leastRefused && !expected(f) {
		return result.Inconclusive, fmt.Sprintf("all of the %d answers were 4xx (%s): the paths of the script or its target are wrong, or the target refuses everybody; "+
			"where that is meant, expect the status code or limit %s by a gate", of, result.CodeList(r.Codes), series.Codes+"4xx")
	}
	return v, why
}

// refused says that a version answers 4xx where the stable one, asked the same at the same time, does
// not, or "". It may be meant: a gate of the script on answers of 4xx knows better.
func refused(f Facts, canary, stable map[string]int64) string {
	if limited(f.Checks, "4xx") {
		return ""
	}
	own, of := refusals(canary)
	others, ofOthers := refusals(stable)
	if own < leastRefused || ofOthers == 0 || float64(own)/float64(of)-float64(others)/float64(ofOthers) <= mostRefused {
		return ""
	}
	return fmt.Sprintf("the canary answered %d of %d requests with 4xx, the stable version %d of %d; a gate on %s says how many may be",
		own, of, others, ofOthers, series.Codes+"4xx")
}

// refusals counts answers of 4xx, and all of them.
func refusals(codes map[string]int64) (refused, all int64) {
	for code, n := range codes {
		all += n
		if strings.HasPrefix(code, "4") {
			refused += n
		}
	}
	return refused, all
}

// limited says that a gate limits answers of a code, or wants some.
func limited(checks []gate.Check, code string) bool {
	return slices.ContainsFunc(checks, func(c gate.Check) bool {
		return c.Strict && (c.Limits(series.Codes+code) || c.Requires(series.Codes+code))
	})
}

// expected says that the script knows of answers of 4xx: by a gate, or as expectations that were met.
func expected(f Facts) bool {
	if limited(f.Checks, "4xx") || f.Expects && f.Total.Counter(series.ExpectOK) > 0 {
		return true
	}
	for code := range f.Total.Counters() {
		if name, ok := strings.CutPrefix(code, series.Codes); ok && limited(f.Checks, name) {
			return true
		}
	}
	return false
}
