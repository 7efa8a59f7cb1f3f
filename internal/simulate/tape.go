package simulate

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
)

// Row is one line of the timeline.
type Row struct {
	At   Duration `json:"at"`
	Kind RowKind  `json:"kind"`
	Text string   `json:"text"`
	// Reason is the decision's, for machines.
	Reason string `json:"reason,omitempty"`
	State
}

// RowKind says what a row of the timeline is about.
type RowKind string

// The kinds of rows.
const (
	RowHappens  RowKind = "happens"  // somebody or something acts on the rollout
	RowDecides  RowKind = "decides"  // the controller has decided something
	RowMeasures RowKind = "measures" // a measurement came to something
	RowWaits    RowKind = "waits"    // the rollout waits for something else than before
	RowUnserved RowKind = "unserved" // requests begin or cease to have nobody who could serve them
	RowMoves    RowKind = "moves"    // pods have come or gone
)

// State is how things stand at a row.
type State struct {
	Phase string `json:"phase"`
	// Step is the index of the current step, counted from 0; nil when no update is under way, or it has no steps.
	Step *int32 `json:"step,omitempty"`
	// Weight is the part of the requests, in percent, that the version gets that was applied last, or the new
	// one when that is the old one.
	Weight float64 `json:"weight"`
	// Pods of each version, in the order in which they were applied.
	Pods []Side `json:"pods"`
	// Active and Preview are the versions that the Services of a blue-green rollout name.
	Active  string `json:"active,omitempty"`
	Preview string `json:"preview,omitempty"`
	// Unserved is the part of the requests, in percent, that nobody can serve.
	Unserved float64 `json:"unserved"`
	// Experiment is the pods of experiments, which have no part in Weight; Services are the versions that the
	// Services of a canary lead to.
	Experiment *Side             `json:"experiment,omitempty"`
	Services   map[string]string `json:"services,omitempty"`
}

// Side is the pods of one version.
type Side struct {
	Version   string `json:"version"`
	Wanted    int32  `json:"wanted"`
	Available int32  `json:"available"`
}

// Assumption is a verdict that rests on nothing, because the scenario does not say what would be measured.
type Assumption struct {
	Metric  string `json:"metric,omitempty"` // "" when it is about something else
	Job     bool   `json:"job"`
	Message string `json:"message"`
}

// Gap is a time in which some requests had nobody who could serve them.
type Gap struct {
	From    Duration `json:"from"`
	To      Duration `json:"to"`
	Percent float64  `json:"percent"`
	Why     string   `json:"why"`
	// Open says that it had not ended when watching ended.
	Open bool `json:"open,omitempty"`
}

// Margin is the moment in which the fewest pods were there for what was to be served.
type Margin struct {
	At   Duration `json:"at"`
	Flow Flow     `json:"flow"`
}

// spare is how many pods there are more than needed.
func (m Margin) spare() int32 { return m.Flow.Available - m.Flow.Needs }

// tape records what happens.
type tape struct {
	rows      []Row
	assumed   []Assumption
	gaps      []Gap
	worst     *Margin
	fewest    *int32 // pods that can serve the requests as they are divided
	fewestAt  Duration
	fewestOf  int32 // spec.replicas at that time
	idle      []Gap // times in which no pods were wanted
	maxWeight float64
	decisions []api.Decision

	waiting  string
	degraded string // why the rollout is, "" when it is not
	state    State
	gap      float64
	measured map[string]int
	samples  map[string]bool // metrics of runs that have a row for a success
	past     []api.Decision
	movedAt  time.Duration // when something else than a measurement happened last
}

func newTape() *tape {
	return &tape{measured: map[string]int{}, samples: map[string]bool{}}
}

func (t *tape) assume(a Assumption) {
	if !slices.Contains(t.assumed, a) {
		t.assumed = append(t.assumed, a)
	}
}

func (t *tape) say(p *player, text string) { t.add(p, RowHappens, text, "") }

func (t *tape) add(p *player, kind RowKind, text, reason string) {
	if kind != RowMeasures {
		t.movedAt = p.elapsed()
	}
	t.rows = append(t.rows, Row{At: Duration(p.elapsed()), Kind: kind, Text: text, Reason: reason, State: p.state()})
}

// coming is the version that people look at: the one that was applied last, unless that is the old one.
func (p *player) coming() string {
	if last := p.applied[len(p.applied)-1]; last != versionOld {
		return last
	}
	return versionNew
}

// state is how things stand.
func (p *player) state() State {
	ro := p.w.rollout
	s := State{Phase: string(ro.Status.Phase), Step: ro.Status.CurrentStepIndex, Weight: p.share(p.hash(p.coming()))}
	if ro.Status.Abort || ro.Status.StableRS == ro.Status.CurrentPodHash {
		s.Step = nil // no update is under way
	}
	s.Unserved, _ = p.unserved()
	for _, version := range p.versions {
		wanted, available := p.w.Pods(p.hash(version))
		s.Pods = append(s.Pods, Side{version, wanted, available})
	}
	s.Experiment, s.Services = p.tried(), p.leads()
	if b := ro.Spec.Strategy.BlueGreen; b != nil {
		s.Active, s.Preview = p.named(ro.Status.BlueGreen.ActiveSelector), p.named(ro.Status.BlueGreen.PreviewSelector)
	}
	return s
}

// turn looks at the world after a turn: for measurements, and for decisions, of which a status keeps only
// the last few.
func (t *tape) turn(p *player) {
	t.measure(p)
	now := p.w.rollout.Status.Decisions
	for _, d := range now {
		if slices.ContainsFunc(t.past, func(old api.Decision) bool {
			return old.At.Equal(&d.At) && old.Reason == d.Reason && old.Message == d.Message
		}) {
			continue
		}
		t.decisions = append(t.decisions, d)
		t.add(p, RowDecides, p.named(d.Message), d.Reason)
	}
	t.past = now
}

// rest looks at the world when it has come to rest at a moment.
func (t *tape) rest(p *player) {
	t.waits(p)
	t.trouble(p)
	t.serve(p)
	t.capacity(p)
	now := p.state()
	if !sameJSON(now.Pods, t.state.Pods) || now.Active != t.state.Active {
		if n := len(t.rows); n == 0 || t.rows[n-1].At != Duration(p.elapsed()) {
			t.add(p, RowMoves, t.moves(now), "")
		}
	}
	t.repointed(p, now)
	t.experiment(p, now)
	t.state = now
	// What follows from one cause at one moment is shown with what came of it.
	for i := len(t.rows) - 1; i >= 0 && t.rows[i].At == Duration(p.elapsed()) && t.rows[i].Kind != RowHappens; i-- {
		t.rows[i].State = now
	}
	t.maxWeight = max(t.maxWeight, p.share(p.hash(versionNew)))
}

// waits tells what is awaited when that is something else than before.
func (t *tape) waits(p *player) {
	reason := p.w.reason
	message := p.named(reason.Message)
	if message == "" && p.w.rollout.Status.Phase == api.RolloutPhaseHealthy {
		message = "The rollout is healthy: all pods are of version " + p.applied[len(p.applied)-1] + "."
	}
	if message != t.waiting && message != "" && !t.said(message) {
		t.add(p, RowWaits, sentenced(message), reason.Code)
	}
	t.waiting = message
}

// trouble tells why the rollout has become Degraded, unless a decision has said so.
func (t *tape) trouble(p *player) {
	s := p.w.rollout.Status
	message := ""
	if s.Phase == api.RolloutPhaseDegraded {
		message = p.named(s.Message)
	}
	if message != t.degraded && message != "" && message != t.waiting && !t.said(message) {
		t.add(p, RowWaits, sentenced(message), string(s.Phase))
	}
	t.degraded = message
}

// said tells that a row of this moment says the same, also when a pause that has a length has begun.
func (t *tape) said(message string) bool {
	n := len(t.rows)
	if n == 0 || t.rows[n-1].Kind != RowDecides {
		return false
	}
	timed := t.rows[n-1].Reason == decide.DecidedPause && strings.HasPrefix(message, "Waiting for the pause of ")
	for i := n - 1; i >= 0 && t.rows[i].At == t.rows[n-1].At && strings.HasPrefix(message, api.ReasonRolloutAborted); i-- {
		if t.rows[i].Reason == decide.DecidedAbort {
			return true
		}
	}
	return timed || strings.Contains(message, strings.TrimSuffix(t.rows[n-1].Text, "."))
}

// moves says in a sentence which pods are there.
func (t *tape) moves(now State) string {
	var parts []string
	for _, side := range now.Pods {
		if side.Wanted == 0 && side.Available == 0 {
			continue
		}
		parts = append(parts, fmt.Sprintf("%d of %s of %s", side.Available, count(int(side.Wanted), "pod"), side.Version))
	}
	if len(parts) == 0 {
		return "There are no pods."
	}
	return strings.Join(parts, " and ") + " are available."
}

// serve notes when requests begin or cease to have nobody.
func (t *tape) serve(p *player) {
	share, why := p.unserved()
	at := Duration(p.elapsed())
	if share == t.gap {
		return
	}
	if t.gap > 0 {
		t.gaps[len(t.gaps)-1].To, t.gaps[len(t.gaps)-1].Open = at, false
	}
	if t.gap = share; share == 0 {
		t.add(p, RowUnserved, "Every request has a pod again that can serve it.", "")
		return
	}
	t.gaps = append(t.gaps, Gap{From: at, To: at, Percent: share, Why: strings.TrimSpace(why), Open: true})
	t.add(p, RowUnserved, "Nobody could have served: "+lowerFirst(strings.TrimSpace(why)), "")
}

// end closes what is open.
func (t *tape) end(p *player) {
	for _, gaps := range [][]Gap{t.gaps, t.idle} {
		if n := len(gaps); n > 0 && gaps[n-1].Open {
			gaps[n-1].To = Duration(p.elapsed())
		}
	}
}

// capacity notes the worst moment.
func (t *tape) capacity(p *player) {
	if t.nobodyWanted(p) {
		return
	}
	for _, f := range p.flows() {
		if m := (Margin{Duration(p.elapsed()), f}); t.worst == nil || m.spare() < t.worst.spare() {
			t.worst = &m
		}
	}
	if serve := p.serving(); t.fewest == nil || serve < *t.fewest || serve == *t.fewest && p.wanted() > t.fewestOf {
		t.fewest, t.fewestAt, t.fewestOf = &serve, Duration(p.elapsed()), p.wanted()
	}
}

// nobodyWanted notes since when no pods are wanted, and says whether none are.
func (t *tape) nobodyWanted(p *player) bool {
	n := len(t.idle)
	begun := n > 0 && t.idle[n-1].Open
	switch none := p.wanted() == 0; {
	case none && !begun:
		t.idle = append(t.idle, Gap{From: Duration(p.elapsed()), To: Duration(p.elapsed()), Why: "spec.replicas is 0", Open: true})
		return true
	case none:
		return true
	case begun:
		t.idle[n-1].To, t.idle[n-1].Open = Duration(p.elapsed()), false
	}
	return false
}

// measure tells what measurements came to: the first success of each metric of a run, and whatever is none.
func (t *tape) measure(p *player) {
	runs := p.w.Runs()
	for _, name := range slices.Sorted(maps.Keys(runs)) {
		for _, r := range runs[name].Status.MetricResults {
			key := name + " " + r.Name
			done := int(r.Count + r.Error)
			for _, m := range latest(r.Measurements, done-t.measured[key]) {
				t.measurement(p, key, r, m)
			}
			t.measured[key] = max(done, t.measured[key])
		}
	}
}

func (t *tape) measurement(p *player, key string, r api.MetricResult, m api.Measurement) {
	good := m.Phase == api.AnalysisPhaseSuccessful
	if good && t.samples[key] {
		return
	}
	t.samples[key] = t.samples[key] || good
	text := fmt.Sprintf("%s is %s", r.Name, m.Phase)
	if value := m.Value; value != "" && value != "assumed" {
		text = fmt.Sprintf("%s measures %s: %s", r.Name, value, m.Phase)
	}
	if r.DryRun {
		text += ", as a dry run"
	}
	if m.Message != "" {
		text += ". " + p.named(m.Message)
	}
	t.add(p, RowMeasures, sentenced(text), "")
}

// latest are the last n measurements that have ended.
func latest(all []api.Measurement, n int) []api.Measurement {
	all = slices.DeleteFunc(slices.Clone(all), func(m api.Measurement) bool { return !m.Phase.Completed() })
	return all[max(len(all)-max(n, 0), 0):]
}

// sentenced ends a text as a sentence does.
func sentenced(text string) string {
	if text == "" || strings.HasSuffix(text, ".") {
		return text
	}
	return text + "."
}

func lowerFirst(text string) string {
	if text == "" {
		return text
	}
	return strings.ToLower(text[:1]) + text[1:]
}

// total is the time in which requests had nobody.
func total(gaps []Gap) (sum Duration) {
	for _, g := range gaps {
		sum += g.To - g.From
	}
	return sum
}

// worstGap is the one with the largest share, the first of several.
func worstGap(gaps []Gap) Gap {
	return slices.MaxFunc(gaps, func(a, b Gap) int { return cmp.Compare(a.Percent, b.Percent) })
}
