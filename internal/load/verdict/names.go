package verdict

import (
	"sluice.dev/sluice/internal/load/gate"
	"sluice.dev/sluice/internal/load/httpx"
	"sluice.dev/sluice/internal/load/series"
	"sluice.dev/sluice/internal/load/stats"
)

// lookups counts requests to names for which no address was found.
const lookups = series.ErrorClass + string(httpx.DNS)

// nameless says that a test fails for nothing but requests that found no address: it is the
// cluster that looks names up, and no version of a service.
func nameless(f Facts) bool {
	if f.Total.Counter(lookups) == 0 {
		return false
	}
	failed := false
	for _, c := range f.Checks {
		if !c.Strict {
			continue
		}
		failed = failed || !c.Evaluate(f.Total.Value).OK
		if !c.Evaluate(named(f.Total)).OK {
			return false
		}
	}
	return failed
}

// named are the numbers without those requests, and without the users that they ended.
func named(total *stats.Set) gate.Lookup {
	n := total.Counter(lookups)
	less := func(name string) float64 { return float64(max(0, total.Counter(name)-n)) }
	share := func(part, of float64) (float64, bool) { return min(1, part/of), of > 0 }
	return func(name string) (float64, bool) {
		serverErrors, unanswered := total.Bad()
		requests := less(series.Requests)
		switch name {
		case lookups, series.Errors + httpx.DNS.Node():
			return 0, true
		case series.Requests, series.VUsersCreated, series.VUsersFailed:
			return less(name), true
		case series.ErrorRate:
			return share(float64(serverErrors+unanswered-n), requests)
		case series.ServerErrorRate:
			return share(float64(serverErrors), requests)
		case series.UnansweredRate:
			return share(float64(unanswered-n), requests)
		case series.FailedRate:
			return share(less(series.VUsersFailed), less(series.VUsersCreated))
		}
		return total.Value(name)
	}
}
