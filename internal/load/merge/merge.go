// Package merge puts the shares of a load test together into the result that one generator would have had.
package merge

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"

	"sluice.dev/sluice/internal/load/gate"
	"sluice.dev/sluice/internal/load/result"
	"sluice.dev/sluice/internal/load/series"
	"sluice.dev/sluice/internal/load/stats"
	"sluice.dev/sluice/internal/load/verdict"
)

// Results adds up the results of a test that was shared by so many generators.
// Counters and histograms are added exactly, in whatever order the parts come,
// and the gates are judged again on the sums. A share that is missing, was cut
// short or was the bottleneck makes the whole inconclusive; so does a gate that
// what the shares carry does not suffice for. Results of different tests are an error.
func Results(parts []result.Result, of int) (result.Result, error) {
	if of == 1 && len(parts) == 1 && parts[0].Share == nil {
		return parts[0], nil
	}
	shares, err := inOrder(parts, of)
	if err != nil {
		return result.Result{}, fmt.Errorf("merging the shares of a load test: %w", err)
	}
	if len(shares) == 0 {
		return result.Result{Version: result.Version, Verdict: result.Inconclusive, Why: missing(nil, of)}, nil
	}
	m := merging{shares: shares, of: of}
	out, err := m.merge()
	if err != nil {
		return result.Result{}, fmt.Errorf("merging the shares of a load test: %w", err)
	}
	return out, nil
}

// inOrder sorts the shares and refuses what is not of one test.
func inOrder(parts []result.Result, of int) ([]result.Result, error) {
	shares := slices.Clone(parts)
	for _, r := range shares {
		switch {
		case r.Share == nil:
			return nil, fmt.Errorf("a result is not of a share but %s by itself: %q", r.Verdict, r.Why)
		case r.Share[1] != int64(of):
			return nil, fmt.Errorf("share %d says it is one of %d, not of %d", r.Share[0], r.Share[1], of)
		case r.Script != "" && shares[0].Script != "" && r.Script != shares[0].Script:
			return nil, fmt.Errorf("share %d ran the script %s and share %d the script %s", shares[0].Share[0], shares[0].Script, r.Share[0], r.Script)
		}
	}
	sort.SliceStable(shares, func(i, j int) bool { return shares[i].Share[0] < shares[j].Share[0] })
	for i := range shares[min(1, len(shares)):] {
		if shares[i].Share[0] == shares[i+1].Share[0] {
			return nil, fmt.Errorf("share %d is there twice", shares[i].Share[0])
		}
	}
	return shares, nil
}

// missing names the shares that are not there, empty when all are.
func missing(shares []result.Result, of int) string {
	var gone []string
	there := map[int64]bool{}
	for _, r := range shares {
		there[r.Share[0]] = true
	}
	for i := range int64(of) {
		if !there[i] {
			gone = append(gone, fmt.Sprint(i))
		}
	}
	switch len(gone) {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("share %s of %d left no result", gone[0], of)
	}
	return fmt.Sprintf("shares %s of %d left no result", strings.Join(gone, ", "), of)
}

// merging holds the shares of one test, in the order of their numbers.
type merging struct {
	shares []result.Result
	of     int
	total  *stats.Set
}

func (m *merging) merge() (result.Result, error) {
	own := make([]numbers, len(m.shares))
	for i, r := range m.shares {
		own[i] = numbersOf(r)
	}
	var err error
	if m.total, err = sum(own); err != nil {
		return result.Result{}, err
	}
	out, err := result.Measured(m.total)
	if err != nil {
		return out, err
	}
	m.describe(&out)
	out.Phases = m.phases(own, m.total)
	m.endpoints(&out)
	if err := m.compare(&out); err != nil {
		return out, err
	}
	facts := m.facts(own, m.total)
	facts.Limited = m.limited()
	facts.Compared = out.Stable != nil && out.Stable.Answered()
	facts.Checks, facts.Outcomes = m.judge(own)
	out.Gates = verdict.Gates(facts.Outcomes)
	out.Rate = result.Rate{Offered: PerSecond(facts.Offered, min(facts.Planned, facts.Took)), Achieved: PerSecond(achieved(own), facts.Took)}
	v, why := m.verdict(facts)
	out.Verdict, out.Why = verdict.Answered(v, why, facts, out)
	out.Notes = out.Oddities()
	return out, nil
}

func sum(shares []numbers) (*stats.Set, error) {
	total := stats.NewSet()
	histograms := common(shares)
	for i, n := range shares {
		if err := n.addTo(total, histograms); err != nil {
			return nil, fmt.Errorf("part %d: %w", i, err)
		}
	}
	return total, nil
}

// describe fills in what is not measured: times, what was left out, the script.
func (m *merging) describe(out *result.Result) {
	var end float64
	for _, r := range m.shares {
		if r.StartedAt > 0 && (out.StartedAt == 0 || r.StartedAt < out.StartedAt) {
			out.StartedAt = r.StartedAt
		}
		end = max(end, r.StartedAt+r.Duration)
		if out.Script == "" {
			out.Script = r.Script
		}
		if out.Stopped == "" {
			out.Stopped = r.Stopped
		}
		for _, key := range []string{"codes", "err", "ep", "phases", "gates", "part", "cmp", "all"} {
			if left(r, key) && !left(*out, key) {
				out.Truncated = append(out.Truncated, key)
			}
		}
	}
	sort.Strings(out.Truncated)
	out.Duration = result.Round(max(0, end-out.StartedAt), 3)
	out.CPU = m.cpu()
}

// cpu is what all generators used, and how throttled the worst one was.
func (m *merging) cpu() *result.CPU {
	out := result.CPU{}
	throttled, known := 0.0, true
	for _, r := range m.shares {
		if r.CPU != nil {
			out.Used += r.CPU.Used
		}
		if r.CPU == nil || r.CPU.Throttled == nil {
			known = false // unreadable is unknown, never none
			continue
		}
		throttled = max(throttled, *r.CPU.Throttled)
	}
	out.Used = result.Round(out.Used, 3)
	if known {
		out.Throttled = &throttled
	}
	return &out
}

// phases are those of the first share when all shares list the same ones.
func (m *merging) phases(shares []numbers, total *stats.Set) []result.Phase {
	var out []result.Phase
	for i, p := range shares[0].phases {
		for _, n := range shares {
			if len(n.phases) != len(shares[0].phases) || n.phases[i].Name != p.Name || n.phases[i].From != p.From {
				return nil
			}
		}
		out = append(out, result.MeasurePhase(result.Phase{Name: p.Name, From: p.From, To: p.To}, total, i))
	}
	return out
}

// endpoints adds up the counts per endpoint, when no share left any out.
func (m *merging) endpoints(out *result.Result) {
	const most = 20 // a longer list was cut
	byName := map[string]result.Endpoint{}
	for _, r := range m.shares {
		if left(r, "ep") || len(r.Endpoints) >= most {
			return
		}
		for _, e := range r.Endpoints {
			sum := byName[e.Name]
			byName[e.Name] = result.Endpoint{Name: e.Name, Requests: sum.Requests + e.Requests, Bad: sum.Bad + e.Bad}
		}
	}
	for _, e := range byName {
		out.Endpoints = append(out.Endpoints, e)
	}
	result.SortEndpoints(out.Endpoints)
}

// compare adds up the stable version's side, when every share has it.
func (m *merging) compare(out *result.Result) error {
	sides := make([]numbers, len(m.shares))
	for i, r := range m.shares {
		if r.Stable == nil {
			return nil
		}
		sides[i] = stableNumbers(r)
	}
	total, err := sum(sides)
	if err != nil {
		return fmt.Errorf("the stable version's side: %w", err)
	}
	side, err := result.MeasuredSide(total)
	if err != nil {
		return err
	}
	side.Phases = m.phases(sides, total)
	facts := m.facts(sides, total)
	for i, n := range sides {
		if n.part != nil && n.part.Limited != "" && facts.Limited == "" {
			facts.Limited = m.says(i) + n.part.Limited
		}
	}
	if side.Why = m.incomplete(); side.Why == "" {
		side.Why = verdict.Unmeasured(facts)
	}
	out.Stable = &side
	return nil
}

func achieved(shares []numbers) (n int64) {
	for _, s := range shares {
		if s.part != nil {
			n += s.part.Achieved
		}
	}
	return n
}

// facts are what a verdict on one version is based on. Each generator's own
// pace was judged by itself.
func (m *merging) facts(shares []numbers, total *stats.Set) verdict.Facts {
	// With a limit so wide no lag and no delay is too long for the sums.
	f := verdict.Facts{Total: total, Tightest: math.MaxFloat64, Throttled: math.NaN()}
	for i, r := range m.shares {
		if p := shares[i].part; p != nil {
			f.Offered += p.Offered
			f.Planned, f.Took = max(f.Planned, p.Planned), max(f.Took, p.Took)
			_, expects := p.Counts[series.ExpectFailed]
			f.Expects = f.Expects || expects
		}
		if why := abortedBy(r); why != "" && f.Aborted == "" {
			rest, early := strings.CutPrefix(why, verdict.Early)
			f.Aborted = m.says(i) + rest
			if early {
				f.Aborted = verdict.Early + f.Aborted
			}
		}
	}
	return f
}

// abortedBy is why a share alone fails the test, or "".
func abortedBy(r result.Result) string {
	switch {
	case r.Part != nil && r.Part.Aborted != "":
		return r.Part.Aborted
	case r.Verdict == result.Fail && r.Stopped != "":
		return r.Why
	}
	return ""
}

// limited says which generator was the bottleneck for either version, or "".
func (m *merging) limited() string {
	for i, r := range m.shares {
		if r.Part != nil && r.Part.Limited != "" {
			return m.says(i) + r.Part.Limited
		}
		if s := r.Stable; s != nil && s.Part != nil && s.Part.Limited != "" {
			return m.says(i) + "beside the stable version, " + s.Part.Limited
		}
	}
	return ""
}

// says names share i before what it says; a test of one share needs no name.
func (m *merging) says(i int) string {
	if m.of == 1 {
		return ""
	}
	return fmt.Sprintf("share %d: ", m.shares[i].Share[0])
}

// verdict is inconclusive where a share is missing or never came to its end.
func (m *merging) verdict(f verdict.Facts) (result.Verdict, string) {
	if why := m.incomplete(); why != "" {
		return result.Inconclusive, why
	}
	return verdict.Judge(f)
}

// incomplete says which share has not measured all it should have, or "".
func (m *merging) incomplete() string {
	if gone := missing(m.shares, m.of); gone != "" {
		return gone
	}
	for i, r := range m.shares {
		if r.Verdict == result.Inconclusive && (r.Stopped != "" || r.Part == nil) {
			return m.says(i) + r.Why
		}
	}
	for i, r := range m.shares {
		if r.Part == nil && abortedBy(r) == "" {
			return m.says(i) + "it cannot be judged with the others, because its result had no room for its numbers; give it a larger RESULT_BUDGET"
		}
	}
	return ""
}

// judge evaluates the gates on the sums.
func (m *merging) judge(own []numbers) (checks []gate.Check, outcomes []gate.Outcome) {
	known := catalogue(own)
	for _, g := range m.gates() {
		check, outcome := m.outcome(g, own, known)
		if !outcome.Unjudged {
			checks = append(checks, check)
		}
		outcomes = append(outcomes, outcome)
	}
	return checks, outcomes
}

// gates are those of the share that lists the most: all shares ran one script.
func (m *merging) gates() []result.Gate {
	var most []result.Gate
	for _, r := range m.shares {
		if !left(r, "gates") && len(r.Gates) > len(most) {
			most = r.Gates
		}
	}
	if most == nil && slices.ContainsFunc(m.shares, func(r result.Result) bool { return left(r, "gates") || left(r, "all") }) {
		return []result.Gate{{Text: "the script's gates"}}
	}
	return most
}

func (m *merging) outcome(g result.Gate, own []numbers, known *series.Catalogue) (gate.Check, gate.Outcome) {
	open := gate.Outcome{Text: g.Text, Strict: !g.Optional, Default: g.Default, Unjudged: true}
	check, err := gate.Reread(g.Text, known)
	if err != nil {
		open.Why = "it cannot be judged, because the shares' results had no room for what it needs; give them a larger RESULT_BUDGET"
		return check, open
	}
	for i, n := range own {
		for _, name := range check.Names() {
			if !carries(n, name, check.Kind(name)) {
				open.Why = fmt.Sprintf("it cannot be judged, because the result of share %d had no room for %s", m.shares[i].Share[0], name)
				return check, open
			}
		}
	}
	check.Strict, check.Default = !g.Optional, g.Default
	return check, check.Evaluate(m.total.Value)
}

// catalogue knows the names that gates look at.
func catalogue(own []numbers) *series.Catalogue {
	known := series.NewCatalogue()
	for _, n := range own {
		if n.part == nil {
			continue
		}
		for name := range n.part.Counts {
			known.AddCounter(name)
		}
		for name := range n.part.Needed {
			known.AddHistogram(name)
		}
		for name := range n.part.Others {
			known.AddHistogram(name)
		}
	}
	return known
}
