package simulate

import (
	"strconv"
	"strings"
	"time"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
)

// Escape is what an abort at one place of an update does, when nothing else goes wrong.
type Escape struct {
	// Step is the step at whose end the update is aborted, from 1; 0 for a blue-green update.
	Step int32 `json:"step,omitempty"`
	// At says where it is aborted: the step, or what a blue-green update waits for.
	At string `json:"at"`
	// Weight is the part of the requests, in percent, that the new version gets then.
	Weight float64 `json:"weight"`
	// SafeAfter is how long it takes until the new version gets no request any more, FullAfter until all
	// pods of the old one are available; nil when that does not happen within an hour.
	SafeAfter *Duration `json:"safeAfter"`
	FullAfter *Duration `json:"fullAfter"`
	// Fewest is the fewest pods that are available meanwhile, Unserved how long some requests have nobody.
	Fewest   int32    `json:"fewest"`
	Unserved Duration `json:"unserved"`
}

// calm is the plot without what goes wrong: how long pods and the router need stays.
func (s Scenario) calm() Scenario {
	c := Scenario{PromoteAfter: Duration(time.Second), Router: s.Router, Jobs: []JobPlan{{Takes: Duration(time.Second)}}}
	for _, rule := range s.Pods {
		if !rule.Never {
			c.Pods = append(c.Pods, rule)
		}
	}
	return c
}

// escapes plays the update without what goes wrong, and aborts it at the end of each step.
func (p *player) escapes() ([]Escape, error) {
	p.plot = p.plot.calm()
	p.fired = nil
	all := []Escape{}
	before, last, message := p.fork(), p.fork(), ""
	p.stepped = func(from string) {
		var f *player
		switch {
		case p.manifest.Spec.Strategy.BlueGreen == nil:
			if f = p.settledAfter(from); f == nil {
				f = last.fork() // as it was before this turn: the weight has come, and nothing of the next step
			}
		case before.place == from: // the pods that have become available included
			f = before.fork()
			f.w.Now = p.w.Now
			f.w.node()
			f.w.route()
		default:
			return // it was there for no time
		}
		if e, ok := f.escape(from, message); ok {
			all = append(all, e)
		}
	}
	p.turning = func() { last = p.fork() }
	p.rested = func() { before, message = p.fork(), p.named(p.w.reason.Message) }
	return all, p.play()
}

// settledAfter is how things are when everything has come to rest after a canary step: the pods that it makes
// needless are gone. It is nil when the next step does something of its own at once.
func (p *player) settledAfter(from string) *player {
	canary := p.manifest.Spec.Strategy.Canary
	index, err := strconv.Atoi(from)
	if err != nil || index+1 >= len(canary.Steps) || canary.Steps[index+1].Pause == nil {
		return nil
	}
	f := p.fork()
	place := f.place
	if !f.turns() || f.place != place {
		return nil
	}
	return f
}

// escape aborts here and watches. It says false where there is nothing to abort.
func (p *player) escape(from, message string) (Escape, bool) {
	s := p.w.rollout.Status
	at, step := p.stage(from, message)
	if at == "" || s.Abort || s.StableRS == "" || s.StableRS == s.CurrentPodHash || s.CurrentPodHash != p.hash(versionNew) {
		return Escape{}, false
	}
	e := Escape{At: at, Step: step, Weight: p.share(s.CurrentPodHash)}
	begin := p.w.Now
	p.tape = newTape()
	p.w.Apply(func(ro *api.Rollout) { ro.Status.Abort = true })
	for p.w.Now.Sub(begin) <= time.Hour && (e.SafeAfter == nil || e.FullAfter == nil) && p.turns() {
		p.tape.rest(p)
		e.look(p, s, Duration(p.w.Now.Sub(begin)))
		at := p.w.next()
		if at.IsZero() {
			break
		}
		p.w.Now = at
	}
	p.tape.end(p)
	e.Unserved = total(p.tape.gaps)
	if p.tape.fewest != nil {
		e.Fewest = *p.tape.fewest
	}
	return e, true
}

// stage names the place of an abort: the step that was there, or what a blue-green update waited for. It is
// "" where an abort is of no interest.
func (p *player) stage(from, message string) (at string, step int32) {
	canary := p.w.rollout.Spec.Strategy.Canary
	if canary == nil {
		if strings.HasPrefix(message, "The rollout is healthy") {
			return "", 0
		}
		return strings.TrimSuffix(strings.TrimPrefix(message, "Waiting for "), "."), 0
	}
	index, err := strconv.Atoi(from)
	if err != nil || index >= len(canary.Steps) {
		return "", 0
	}
	return decide.StepText(canary.Steps[index]), int32(index) + 1
}

// look notes what has been reached so long after an abort of what the status said.
func (e *Escape) look(p *player, aborted api.RolloutStatus, took Duration) {
	if e.SafeAfter == nil && p.share(aborted.CurrentPodHash) == 0 {
		e.SafeAfter = &took
	}
	if _, old := p.w.Pods(aborted.StableRS); e.FullAfter == nil && old >= p.wanted() {
		e.FullAfter = &took
	}
}
