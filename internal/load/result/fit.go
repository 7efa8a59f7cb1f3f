package result

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"sluice.dev/sluice/internal/load/series"
)

// Budgets, in bytes: the kubelet keeps the last 4096 of a termination message,
// and less when a pod has many containers.
const (
	MaxBudget = 4096
	// MinBudget holds a verdict with a short reason.
	MinBudget = 128
)

// ReadBudget reads a budget as the environment gives it; empty means the largest.
func ReadBudget(s string) (int, error) {
	if s == "" {
		return MaxBudget, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < MinBudget {
		return 0, fmt.Errorf("reading the result's budget: %q is not a number of bytes from %d", s, MinBudget)
	}
	return min(n, MaxBudget), nil
}

// drop takes one thing out of a result, in place; it reports whether there was anything to take.
type drop struct {
	key  string
	drop func(*Result) bool
}

// drops are what a result loses, in this order, until it fits.
var drops = []drop{
	{"cause", dropCauses},
	{"h", func(r *Result) bool { return clearText(&r.Histogram) }},
	{"ep", func(r *Result) bool { return clearList(&r.Endpoints) }},
	{"ttfb", func(r *Result) bool { return clearPointer(&r.FirstByte) }},
	{"cmp", stable(func(s *Side) bool { return clearPointer(&s.FirstByte) })},
	{"phases", keepBusiest},
	{"gates", dropGateTexts},
	{"int", func(r *Result) bool { return clearPointer(&r.Intended) }},
	{"cmp", stable(func(s *Side) bool { return clearList(&s.Phases) })},
	{"phases", func(r *Result) bool { return clearList(&r.Phases) }},
	{"codes", foldCodes},
	{"gates", dropPassed},
	{"gates", func(r *Result) bool { return clearList(&r.Gates) }},
	{"notes", func(r *Result) bool { return clearList(&r.Notes) }},
	{"why", func(r *Result) bool { return shorten(&r.Why, 200) }},
	{"lag", func(r *Result) bool { return clearPointer(&r.Lag) }},
	{"cmp", func(r *Result) bool { return clearPointer(&r.Stable) }},
	{"part", func(r *Result) bool { return clearPointer(&r.Part) }},
	{"lat", func(r *Result) bool { return clearPointer(&r.Latency) }},
	{"err", func(r *Result) bool { dropped := r.Errors != nil; r.Errors = nil; return dropped }},
	{"codes", func(r *Result) bool { dropped := r.Codes != nil; r.Codes = nil; return dropped }},
}

// shareDrops are what a share of a test loses: first what the whole test's
// result is computed without, and what its gates look at last.
var shareDrops = append([]drop{
	{"cause", dropCauses},
	{"h", func(r *Result) bool { return clearText(&r.Histogram) }},
	{"ep", func(r *Result) bool { return clearList(&r.Endpoints) }},
	{"part", others(func(name string) bool { return name == series.Lag || name == series.DurationFromIntended })},
	{"ttfb", func(r *Result) bool { return clearPointer(&r.FirstByte) }},
	{"int", func(r *Result) bool { return clearPointer(&r.Intended) }},
	{"phases", dropPhaseQuantiles},
	{"cmp", stable(func(s *Side) bool { return clearPointer(&s.FirstByte) })},
	{"lag", func(r *Result) bool { return clearPointer(&r.Lag) }},
	{"lat", func(r *Result) bool { return clearPointer(&r.Latency) }},
	{"part", others(func(name string) bool { return strings.HasPrefix(name, series.PhasePrefix) })},
	{"part", others(func(name string) bool { return name == series.ResponseTime })},
	{"part", others(func(string) bool { return true })},
	{"cmp", func(r *Result) bool { return clearPointer(&r.Stable) }},
	{"phases", func(r *Result) bool { return clearList(&r.Phases) }},
}, drops...)

// dropCauses goes first: no number may be missing for a text, and the reason of the verdict has the most frequent ones.
func dropCauses(r *Result) bool {
	dropped := len(r.Causes) > 0
	r.Causes = nil
	return stable(func(s *Side) bool { too := len(s.Causes) > 0; s.Causes = nil; return too })(r) || dropped
}

// stable drops from the stable version's side, if there is one.
func stable(drop func(*Side) bool) func(*Result) bool {
	return func(r *Result) bool {
		if r.Stable == nil {
			return false
		}
		side := *r.Stable
		r.Stable = &side
		return drop(&side)
	}
}

// others drops histograms that no gate looks at, of both sides.
func others(which func(name string) bool) func(*Result) bool {
	without := func(p *Part) (*Part, bool) {
		if p == nil {
			return nil, false
		}
		out := *p
		out.Others = maps.Clone(p.Others)
		maps.DeleteFunc(out.Others, func(name, _ string) bool { return which(name) })
		return &out, len(out.Others) < len(p.Others)
	}
	return func(r *Result) bool {
		own, dropped := without(r.Part)
		r.Part = own
		if r.Stable == nil {
			return dropped
		}
		side := *r.Stable
		r.Stable = &side
		var too bool
		side.Part, too = without(side.Part)
		return dropped || too
	}
}

func dropPhaseQuantiles(r *Result) bool {
	without := func(phases []Phase) (out []Phase, dropped bool) {
		out = slices.Clone(phases)
		for i := range out {
			dropped = clearPointer(&out[i].Latency) || dropped
		}
		return out, dropped
	}
	own, dropped := without(r.Phases)
	r.Phases = own
	stable(func(s *Side) bool {
		phases, too := without(s.Phases)
		s.Phases, dropped = phases, dropped || too
		return too
	})(r)
	return dropped
}

// Fit writes the result into at most budget bytes: complete where it fits, else
// without what matters least, and then says so. The budget must be at least MinBudget.
func (r Result) Fit(budget int) ([]byte, error) {
	order := drops
	if r.Share != nil {
		order = shareDrops
	}
	for i := 0; ; i++ {
		text, err := encode(r)
		if err != nil {
			return nil, fmt.Errorf("writing the result: %w", err)
		}
		if len(text) <= budget {
			return text, nil
		}
		if i == len(order) {
			return r.least(budget)
		}
		if order[i].drop(&r) && !slices.Contains(r.Truncated, order[i].key) {
			r.Truncated = append(slices.Clone(r.Truncated), order[i].key)
		}
	}
}

// least keeps the verdict and as much of the reason as there is room for.
func (r Result) least(budget int) ([]byte, error) {
	short := struct {
		Version   int      `json:"v"`
		Verdict   Verdict  `json:"verdict"`
		Why       string   `json:"why,omitempty"`
		Truncated []string `json:"trunc"`
		// A share must be known by its number, or the whole test counts it as lost.
		Share *[2]int64 `json:"sh,omitempty"`
	}{r.Version, r.Verdict, r.Why, []string{"all"}, r.Share}
	for {
		text, err := encode(short)
		if err != nil {
			return nil, fmt.Errorf("writing the result: %w", err)
		}
		if len(text) <= budget {
			return text, nil
		}
		if !shorten(&short.Why, len(short.Why)/2) {
			return nil, fmt.Errorf("writing the result: %d bytes are too few for any", budget)
		}
	}
}

// encode writes JSON without escaping "<", which gates are full of.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

func clearText(s *string) bool {
	dropped := *s != ""
	*s = ""
	return dropped
}

func clearList[T any](list *[]T) bool {
	dropped := len(*list) > 0
	*list = nil
	return dropped
}

func clearPointer[T any](p **T) bool {
	dropped := *p != nil
	*p = nil
	return dropped
}

// keepBusiest keeps the three phases with the most requests, in their order.
func keepBusiest(r *Result) bool {
	const keep = 3
	if len(r.Phases) <= keep {
		return false
	}
	order := make([]int, len(r.Phases))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(a, b int) bool { return r.Phases[order[a]].Requests > r.Phases[order[b]].Requests })
	order = order[:keep]
	sort.Ints(order)
	kept := make([]Phase, keep)
	for i, from := range order {
		kept[i] = r.Phases[from]
	}
	r.Phases = kept
	return true
}

func dropGateTexts(r *Result) bool {
	r.Gates = slices.Clone(r.Gates)
	for i := range r.Gates {
		r.Gates[i].Text = ""
	}
	return len(r.Gates) > 0
}

func dropPassed(r *Result) bool {
	before := len(r.Gates)
	r.Gates = slices.DeleteFunc(slices.Clone(r.Gates), func(g Gate) bool { return g.OK })
	return len(r.Gates) < before
}

// foldCodes counts classes of codes instead of codes.
func foldCodes(r *Result) bool {
	folded := map[string]int64{}
	for code, n := range r.Codes {
		folded[classOf(code)] += n
	}
	dropped := len(folded) < len(r.Codes)
	if dropped {
		r.Codes = folded
	}
	return dropped
}

// shorten cuts a text to n bytes, between characters.
func shorten(s *string, n int) bool {
	if len(*s) <= n {
		return false
	}
	for n > 0 && !utf8.RuneStart((*s)[n]) {
		n--
	}
	*s = strings.Clone((*s)[:n])
	return true
}
