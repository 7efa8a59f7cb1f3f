package simulate

import (
	"fmt"
	"time"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
)

// Result is what came of a scenario. It is what `sluice simulate -o json` prints.
type Result struct {
	Rollout   string `json:"rollout"`
	Namespace string `json:"namespace,omitempty"`
	Strategy  string `json:"strategy"` // canary or blueGreen
	Scenario  string `json:"scenario,omitempty"`
	Replicas  int32  `json:"replicas"`
	Steps     int    `json:"steps"`
	// MayMiss is how many of the pods may be missing while the update moves, by maxUnavailable.
	MayMiss int32 `json:"mayMiss"`
	// Router says that requests are divided by a traffic router, which is simulated.
	Router bool `json:"router"`
	// Startup is how long pods were taken to need; Assumed is what else the scenario did not say.
	Startup []StartupUsed `json:"startup"`
	Assumed []Assumption  `json:"assumed"`

	Timeline []Row `json:"timeline"`

	// Ends is promoted, aborted, paused, reverted or unfinished; EndsAt is since when, and Reason why.
	Ends   string   `json:"ends"`
	EndsAt Duration `json:"endsAt"`
	Reason string   `json:"reason"`
	// Stopped says why watching ended while more would have happened; "" when nothing more would.
	Stopped string `json:"stopped,omitempty"`
	// Missed are the events of the scenario that never happened, and why.
	Missed []string `json:"missed"`
	// PromotedAt is when the new version became the stable one, FullAt when all pods were its own and available.
	PromotedAt *Duration `json:"promotedAt,omitempty"`
	FullAt     *Duration `json:"fullAt,omitempty"`

	// Worst is the moment with the fewest pods for what was to be served. Fewest are the fewest pods that could
	// serve the requests as they were divided, of FewestOf that spec.replicas asked for at that time.
	Worst    *Margin  `json:"worst,omitempty"`
	Fewest   int32    `json:"fewest"`
	FewestAt Duration `json:"fewestAt"`
	FewestOf int32    `json:"fewestOf"`
	// Unwanted are the times in which spec.replicas was 0.
	Unwanted []Gap `json:"unwanted"`
	// Unserved are the times in which requests had nobody who could serve them.
	Unserved []Gap `json:"unserved"`
	// MaxWeight is the largest part of the requests, in percent, that the new version got.
	MaxWeight float64 `json:"maxWeight"`
	// Aborts says for each step what an abort there would do, when nothing else goes wrong.
	Aborts []Escape `json:"aborts"`
	// Decisions are the reasons of all decisions, in their order.
	Decisions []string `json:"decisions"`

	// Expected are the expectations and whether they hold; As says that all do.
	Expected []Expected `json:"expected"`
	As       bool       `json:"asExpected"`
	Verdict  string     `json:"verdict"`
}

// StartupUsed is how long pods of a version were taken to need.
type StartupUsed struct {
	Version string   `json:"version"`
	Needs   Duration `json:"needs"`
	Never   bool     `json:"never,omitempty"`
	// Said is false when the scenario does not say it; Probed tells that readiness probes ask for it then.
	Said   bool `json:"said"`
	Probed bool `json:"probed"`
}

// maxMoments bounds how much is played; a rollout with a measurement every second for hours has as many.
const maxMoments = 20_000

// idle is for how long an update that waits for somebody is watched.
const idle = 10 * time.Minute

// Simulate plays a scenario and tells what came of it. Scenario.Check should have found nothing.
func Simulate(s Setup) (Result, error) {
	p := newPlayer(s)
	if err := p.settleOld(); err != nil {
		return Result{}, err
	}
	start := p.fork()
	p.tape = newTape()
	if err := p.play(); err != nil {
		return Result{}, err
	}
	r := p.result()
	aborts, err := start.escapes()
	if err != nil {
		return Result{}, err
	}
	r.Aborts = aborts
	r.judge(s.Scenario.Expect)
	return r, nil
}

// play lets the new version come and tells everything until nothing more would happen.
func (p *player) play() error {
	p.begin()
	limit := 24 * time.Hour
	if p.plot.Lasts != nil {
		limit = time.Duration(*p.plot.Lasts)
	}
	p.stopped = fmt.Sprintf("%d moments have been played", maxMoments)
	for range maxMoments {
		if !p.turns() {
			return fmt.Errorf("playing the scenario: after %s nothing comes to rest: %s", Duration(p.elapsed()), p.named(p.w.reason.Message))
		}
		if p.tape != nil {
			p.tape.rest(p)
		}
		if p.rested != nil {
			p.rested()
		}
		at := p.next()
		if p.over() || at.IsZero() {
			p.stopped = ""
			break
		}
		if at.Sub(p.began) > limit {
			p.w.Now, p.stopped = p.began.Add(limit), "that is a day"
			if p.plot.Lasts != nil {
				p.stopped = "the scenario lasts so long"
			}
			break
		}
		p.w.Now = at
	}
	if p.tape != nil {
		p.tape.end(p)
	}
	return nil
}

// over says that nothing more would happen that changes how it ends.
func (p *player) over() bool {
	if p.w.Now.Before(p.w.Away) || len(p.singular()) > 0 || p.elapsed() < p.scripted() {
		return false
	}
	if p.plot.Lasts != nil {
		return false
	}
	s := p.w.rollout.Status
	switch {
	case p.w.next().IsZero():
		return p.promoteAt.IsZero() // what repeats without end changes nothing any more
	case p.waitsForSomebody():
		return p.promoteAt.IsZero() && p.tape != nil && p.elapsed()-p.tape.movedAt >= idle
	case s.Abort, s.StableRS == s.CurrentPodHash:
		return p.tape != nil && p.elapsed()-p.tape.movedAt >= idle
	}
	return false
}

// scripted is when the last value of the plot begins.
func (p *player) scripted() (last time.Duration) {
	for _, s := range p.plot.Metrics {
		for _, point := range s.Values {
			last = max(last, time.Duration(point.At))
		}
	}
	if p.scaler != nil {
		for _, point := range p.scaler.plan.Load {
			last = max(last, time.Duration(point.At)+autoscaleWindow+2*autoscaleEvery)
		}
	}
	return last
}

func (p *player) result() Result {
	ro, t := p.w.rollout, p.tape
	r := Result{
		Rollout: ro.Name, Namespace: ro.Namespace, Strategy: "canary", Scenario: p.plot.Metadata.Name, Replicas: 1,
		Timeline: t.rows, Worst: t.worst, FewestAt: t.fewestAt, FewestOf: t.fewestOf,
		Unserved: append([]Gap{}, t.gaps...), Unwanted: append([]Gap{}, t.idle...), Stopped: p.stopped, Missed: p.missed(),
		MaxWeight: t.maxWeight, Assumed: append([]Assumption{}, t.assumed...), Decisions: []string{},
	}
	if p.workload != "" {
		r.Assumed = append([]Assumption{{Message: fmt.Sprintf("the pods have been taken over from %s: the hand-over is not played", p.workload)}}, r.Assumed...)
	}
	if p.manifest.Spec.Replicas != nil {
		r.Replicas = *p.manifest.Spec.Replicas
	}
	if c := p.manifest.Spec.Strategy.Canary; c != nil {
		r.Steps, r.Router, r.MayMiss = len(c.Steps), c.TrafficRouting != nil, decide.MayMiss(p.manifest)
	} else {
		r.Strategy = "blueGreen"
	}
	if t.fewest != nil {
		r.Fewest = *t.fewest
	}
	for _, version := range []string{versionOld, versionNew} {
		needs, said := p.startup(version)
		r.Startup = append(r.Startup, StartupUsed{
			Version: version, Needs: Duration(max(needs, 0)), Never: needs < 0, Said: said, Probed: !said && probed(&p.manifest.Spec.Template.Spec) > 0,
		})
	}
	for _, d := range t.decisions {
		r.Decisions = append(r.Decisions, d.Reason)
	}
	p.ending(&r)
	r.promotion(p.w.rollout.Status.Phase == api.RolloutPhaseHealthy)
	return r
}

// promotion finds when the version that it ended with took over, and when all pods were its own.
func (r *Result) promotion(healthy bool) {
	if r.Ends != EndsPromoted {
		return
	}
	for i := range r.Timeline {
		row := &r.Timeline[i]
		if row.Reason == decide.DecidedPromotion {
			r.PromotedAt, r.FullAt = &row.At, nil
		}
		if r.PromotedAt != nil && r.FullAt == nil && row.Phase == string(api.RolloutPhaseHealthy) {
			r.FullAt = &row.At
		}
	}
	if n := len(r.Timeline); n > 0 && r.PromotedAt != nil && r.FullAt == nil && healthy {
		r.FullAt = &r.Timeline[n-1].At
	}
}

// ending is how things stand at the end, and since when.
func (p *player) ending(r *Result) {
	s := p.w.rollout.Status
	r.EndsAt = Duration(p.elapsed())
	switch {
	case s.Abort:
		r.Ends = EndsAborted
		r.since(func(row Row) bool { return row.Reason == decide.DecidedAbort })
	case p.stable() == versionOld:
		r.Ends, r.Reason = EndsReverted, "Version old is applied again."
		r.since(func(row Row) bool {
			return row.Reason == decide.DecidedRollback || row.Reason == decide.DecidedPromotion
		})
	case p.stable() != "":
		r.Ends, r.Reason = EndsPromoted, "Version "+p.stable()+" is promoted."
		if s.Phase != api.RolloutPhaseHealthy {
			r.Reason += " " + sentenced(p.named(s.Message))
		}
		r.since(func(row Row) bool { return row.Reason == decide.DecidedPromotion })
	case s.Phase == api.RolloutPhasePaused:
		r.Ends, r.Reason = EndsPaused, sentenced(p.named(p.w.reason.Message))
		r.since(func(row Row) bool { return row.Kind == RowWaits })
	case s.Phase == api.RolloutPhaseDegraded:
		r.Ends, r.Reason = EndsUnfinished, sentenced(p.named(s.Message))
		if because := p.named(p.w.reason.Message); p.routing.held() && because != "" && because != p.named(s.Message) {
			r.Reason += " " + sentenced(because)
		}
	default:
		r.Ends, r.Reason = EndsUnfinished, sentenced(p.named(p.w.reason.Message))
	}
}

// stable is the version that was applied last, once it is the stable one; "" before.
func (p *player) stable() string {
	s, last := p.w.rollout.Status, p.applied[len(p.applied)-1]
	if s.StableRS == "" || s.StableRS != s.CurrentPodHash || p.version(s.StableRS) != last {
		return ""
	}
	return last
}

// since takes time and reason from the last row of this kind.
func (r *Result) since(is func(Row) bool) {
	for i := len(r.Timeline) - 1; i >= 0; i-- {
		if is(r.Timeline[i]) {
			r.EndsAt = r.Timeline[i].At
			if r.Reason == "" {
				r.Reason = r.Timeline[i].Text
			}
			return
		}
	}
}
