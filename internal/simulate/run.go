package simulate

import (
	"fmt"
	"strings"
	"time"

	"sluice.dev/sluice/internal/decide"
)

// maxTurns is how many turns a world may take at one moment before it counts as restless.
const maxTurns = 200

// Settle turns until nobody writes any more. It says false when that never happens.
func (w *World) Settle() bool {
	for range maxTurns {
		if !w.Turn() {
			return true
		}
	}
	return false
}

// next is the earliest moment at which something happens by itself; zero when nothing will.
func (w *World) next() time.Time {
	at := w.wake
	consider := func(t time.Time) {
		if t.After(w.Now) && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	if w.router != nil && len(w.router.stages) > 0 {
		consider(w.router.stages[0].at)
	}
	consider(w.Away)
	w.eachSet(func(s *set) { comeUp(s.pods, consider) })
	if w.deployment != nil {
		comeUp(w.deployment.pods, consider)
	}
	for _, r := range w.runs {
		r.goesOn(consider)
	}
	return at
}

// comeUp names the times at which pods become available.
func comeUp(pods []pod, at func(time.Time)) {
	for _, p := range pods {
		if !p.never {
			at(p.readyAt)
		}
	}
}

// goesOn names the times at which a run measures or one of its Jobs ends.
func (r *run) goesOn(at func(time.Time)) {
	if !r.object.Status.Phase.Completed() {
		for _, due := range decide.Reads(r.object) {
			at(due.At)
		}
	}
	for _, j := range r.jobs {
		if !j.never {
			at(j.endsAt)
		}
	}
}

// Until lets time pass to end, stopping wherever something happens, and calls each after every
// moment. It says false when the world became restless.
func (w *World) Until(end time.Time, each func()) bool {
	for {
		if !w.Settle() {
			return false
		}
		each()
		at := w.next()
		if at.IsZero() || at.After(end) {
			w.Now = end
			return true
		}
		w.Now = at
	}
}

// Transcript tells a story as a table: time, phase, step, weight, pods, and why.
type Transcript struct {
	w     *World
	start time.Time
	seen  int
	last  string
	tried map[string]string // the last state noted of each Experiment
	text  strings.Builder
}

// NewTranscript starts a transcript of w at its present time.
func NewTranscript(w *World) *Transcript {
	return &Transcript{w: w, start: w.Now, tried: map[string]string{}}
}

// Say adds what somebody did.
func (t *Transcript) Say(format string, args ...any) {
	fmt.Fprintf(&t.text, "%6s  # %s\n", t.clock(), fmt.Sprintf(format, args...))
}

func (t *Transcript) clock() string { return t.w.Now.Sub(t.start).String() }

// Note adds the present moment, if it differs from the last one noted.
func (t *Transcript) Note() {
	ro := t.w.rollout
	canary, canaryUp := t.w.Pods(ro.Status.CurrentPodHash)
	stable, stableUp := t.w.Pods(ro.Status.StableRS)
	if ro.Status.StableRS == ro.Status.CurrentPodHash {
		canary, canaryUp = 0, 0
	}
	state := fmt.Sprintf("%-11s %scanary %d/%d stable %d/%d%s%s  %s",
		ro.Status.Phase, t.stands(), canaryUp, canary, stableUp, stable, t.older(), t.w.noteDeployment(), t.w.reason.Message)
	if t.w.gone {
		state = "the Rollout is gone" + t.w.noteDeployment()
	}
	for _, e := range t.w.events[t.seen:] {
		mark := " "
		if e.Warning {
			mark = "!"
		}
		fmt.Fprintf(&t.text, "%6s    %s %s: %s\n", t.clock(), mark, e.Reason, e.Message)
	}
	t.seen = len(t.w.events)
	if state != t.last {
		fmt.Fprintf(&t.text, "%6s  %s\n", t.clock(), strings.TrimRight(state, " "))
	}
	t.last = state
	t.noteExperiments()
}

// stands is how far the update is: its step and weight, or which revisions the Services of a blue-green
// Rollout name.
func (t *Transcript) stands() string {
	ro := t.w.rollout
	if b := ro.Spec.Strategy.BlueGreen; b != nil {
		text := "active " + t.named(b.ActiveService)
		if b.PreviewService != "" {
			text += " preview " + t.named(b.PreviewService)
		}
		return text + " "
	}
	step := "-"
	if i := ro.Status.CurrentStepIndex; i != nil {
		step = fmt.Sprintf("%d/%d", *i, len(ro.Spec.Strategy.Canary.Steps))
	}
	return fmt.Sprintf("step %-4s %s", step, t.weight())
}

func (t *Transcript) named(service string) string {
	s, there := t.w.Service(service)
	switch {
	case !there:
		return "none"
	case s.Hash == "":
		return "all"
	}
	return s.Hash
}

// older are the pods of revisions that a blue-green Rollout has left behind.
func (t *Transcript) older() string {
	status := t.w.rollout.Status
	if t.w.rollout.Spec.Strategy.BlueGreen == nil {
		return ""
	}
	wanted, available := t.w.Totals()
	roles := []string{status.StableRS}
	if status.CurrentPodHash != status.StableRS {
		roles = append(roles, status.CurrentPodHash)
	}
	for _, hash := range roles {
		w, a := t.w.Pods(hash)
		wanted, available = wanted-w, available-a
	}
	if wanted == 0 && available == 0 {
		return ""
	}
	return fmt.Sprintf(" older %d/%d", available, wanted)
}

// weight is what the router does with the canary, and what it was told where that is something else.
func (t *Transcript) weight() string {
	asked, serves, ok := t.w.Traffic()
	switch {
	case !ok:
		return ""
	case asked.Canary.Weight != serves.Canary.Weight:
		return fmt.Sprintf("weight %d (told %d) ", serves.Canary.Weight, asked.Canary.Weight)
	}
	return fmt.Sprintf("weight %d ", serves.Canary.Weight)
}

// String is the transcript so far. Revisions are called A, B, C in the order in which they came, so
// that a story does not depend on hashes.
func (t *Transcript) String() string {
	var names []string
	for i, hash := range t.w.born {
		names = append(names, hash, string(rune('A'+i%26)))
	}
	return strings.NewReplacer(names...).Replace(t.text.String())
}
