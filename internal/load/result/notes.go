package result

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// apart is how much the share of a class of answers may differ between two versions
// before it is worth a word.
const apart = 0.05

// Oddities are what people should know of the answers whatever the gates say: a fast
// and faultless service may be one that knows none of the paths it is asked for.
func (r Result) Oddities() []string {
	var out []string
	own, n := shares(r.Codes)
	if n > 0 && own["4xx"] == 1 {
		out = append(out, fmt.Sprintf("all of the %d answers were 4xx (%s): what was measured is how quickly the target says no", n, CodeList(r.Codes)))
	}
	if r.Stable == nil {
		return out
	}
	other, m := shares(r.Stable.Codes)
	if n > 0 && m > 0 && differ(own, other) {
		out = append(out, fmt.Sprintf("the two versions answered differently: the canary %s, the stable one %s; their times cannot be compared",
			CodeList(r.Codes), CodeList(r.Stable.Codes)))
	}
	return out
}

// shares are the parts that classes of codes have in all answers.
func shares(codes map[string]int64) (map[string]float64, int64) {
	var all int64
	for _, n := range codes {
		all += n
	}
	out := map[string]float64{}
	if all == 0 {
		return out, 0
	}
	classes := map[string]int64{}
	for code, n := range codes {
		classes[classOf(code)] += n
	}
	for class, n := range classes {
		out[class] = float64(n) / float64(all)
	}
	return out, all
}

func differ(a, b map[string]float64) bool {
	for _, class := range []string{"1xx", "2xx", "3xx", "4xx", "5xx"} {
		if math.Abs(a[class]-b[class]) > apart {
			return true
		}
	}
	return false
}

// CodeList names codes with their counts, the most frequent first, and not too many.
func CodeList(codes map[string]int64) string {
	const most = 4
	names := make([]string, 0, len(codes))
	for code, n := range codes {
		if n > 0 {
			names = append(names, code)
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		if codes[a] != codes[b] {
			return int(min(1, max(-1, codes[b]-codes[a])))
		}
		return strings.Compare(a, b)
	})
	rest := ""
	if len(names) > most {
		names, rest = names[:most], ", …"
	}
	for i, code := range names {
		names[i] = fmt.Sprintf("%d × %s", codes[code], code)
	}
	return strings.Join(names, ", ") + rest
}
