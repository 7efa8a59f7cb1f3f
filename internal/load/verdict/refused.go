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

// Beside is a verdict with an eye on what the stable version answered.
func Beside(v result.Verdict, why string, checks []gate.Check, r result.Result) (result.Verdict, string) {
	if v != result.Pass || r.Stable == nil {
		return v, why
	}
	if !slices.ContainsFunc(checks, func(c gate.Check) bool { return c.Default }) {
		return v, why // nothing but the script's own gates is wanted
	}
	if len(r.Stable.Codes) == 0 {
		return result.Inconclusive, "the stable version was not measured, so nothing was compared: " + cmp.Or(r.Stable.Why, "it never answered")
	}
	if refused := refused(checks, r.Codes, r.Stable.Codes); refused != "" {
		return result.Inconclusive, refused
	}
	return v, why
}

// refused says that a version answers 4xx where the stable one, asked the same at the same time, does
// not, or "". It may be meant; but what refuses quickly looks good by every other number. A gate of the
// script on answers of 4xx knows better.
func refused(checks []gate.Check, canary, stable map[string]int64) string {
	if slices.ContainsFunc(checks, func(c gate.Check) bool { return c.Strict && c.Limits(series.Codes+"4xx") }) {
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
