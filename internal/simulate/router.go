package simulate

import (
	"slices"
	"time"

	"sluice.dev/sluice/internal/decide"
)

// router is a traffic router. It is told a split and serves it later: maybe part by part, and weights
// before the revisions they are for; maybe never. It never serves what it was told before the last time.
type router struct {
	version       int
	asked, serves decide.Split
	stages        []stage
}

// caughtUp is what Redirected hears when the router does by itself what it was told before.
const caughtUp = "the router caught up"

// toldLate is what Redirected hears when the pods that a decision has not counted have come meanwhile.
const toldLate = "the router was told what was right a moment ago"

// stage is a part of what the router was told that takes effect at some time.
type stage struct {
	at     time.Time
	serves decide.Split
}

// Routing is how the simulated router behaves.
type Routing struct {
	// Subsets says that the router itself names the revisions; else it sends to Services.
	Subsets bool
	// Lag is how long the router takes to do what it was told; negative is never; nil is at once.
	Lag func() time.Duration
	// Parts says that it first takes over the weights, half way, and then the rest.
	Parts bool
	// Refuse says why the router takes no new split, and Unknown why it cannot be read; "" or nil let it.
	Refuse, Unknown func() string
}

// UseRouter puts a router before the Services. It sends everything to the stable side.
func (w *World) UseRouter(how Routing) {
	w.routing = how
	stable, canary := "", ""
	if c := w.rollout.Spec.Strategy.Canary; c != nil {
		stable, canary = c.StableService, c.CanaryService
		if c.PingPong != nil {
			stable, canary = c.PingPong.PongService, c.PingPong.PingService
		}
	}
	whole := w.whole()
	first := decide.Split{Canary: decide.Share{Service: canary}, Stable: decide.Share{Service: stable, Weight: whole}}
	w.router = &router{version: w.touch(), asked: first, serves: first}
}

func (w *World) whole() int32 {
	if c := w.rollout.Spec.Strategy.Canary; c != nil && c.TrafficRouting != nil && c.TrafficRouting.MaxTrafficWeight != nil {
		return *c.TrafficRouting.MaxTrafficWeight
	}
	return 100
}

// Traffic is what the router was told last, and what it serves; false when there is no router.
func (w *World) Traffic() (asked, serves decide.Split, ok bool) {
	if w.router == nil {
		return decide.Split{}, decide.Split{}, false
	}
	return w.router.asked, w.router.serves, true
}

// Steer changes what the router was told and serves, as somebody else would.
func (w *World) Steer(change func(*decide.Split)) {
	next := *w.router
	change(&next.asked)
	next.serves, next.stages, next.version = next.asked, nil, w.touch()
	w.router = &next
}

// CatchUp lets the router do what it was told last, however slow it is.
func (w *World) CatchUp() {
	next := *w.router
	next.serves, next.stages, next.version = next.asked, nil, w.touch()
	w.router = &next
}

// route lets the router catch up with the time.
func (w *World) route() {
	if w.router == nil || len(w.router.stages) == 0 || w.Now.Before(w.router.stages[0].at) {
		return
	}
	next := *w.router
	for len(next.stages) > 0 && !w.Now.Before(next.stages[0].at) {
		next.serves, next.stages = next.stages[0].serves, next.stages[1:]
	}
	next.version = w.touch()
	w.router = &next
	w.redirected(caughtUp)
}

// seenRouting is the router as this pass sees it; nil when there is none.
func (p *rolloutWorld) seenRouting() *decide.Routing {
	if p.seen.router == nil {
		return nil
	}
	if unknown := p.w.routing.Unknown; unknown != nil {
		if why := unknown(); why != "" {
			return &decide.Routing{Unknown: why}
		}
	}
	return &decide.Routing{Asked: p.seen.router.asked, Serves: p.seen.router.serves}
}

// tell is what happens to a split that is written to the router.
func (p *rolloutWorld) tell(a decide.TrafficSplits) error {
	w := p.w
	if w.router == nil || (p.seen.router != nil && p.seen.router.version != w.router.version) {
		return ErrConflict
	}
	if refuse := w.routing.Refuse; refuse != nil {
		if why := refuse(); why != "" {
			return ErrConflict
		}
	}
	if err := p.rely(a.Relies); err != nil {
		return err
	}
	if !p.sees(a.Sees) {
		return ErrConflict
	}
	next := *w.router
	next.asked, next.stages = w.addressed(a.Want), nil
	lag := time.Duration(0)
	if w.routing.Lag != nil {
		lag = w.routing.Lag()
	}
	switch {
	case lag == 0:
		next.serves = next.asked
	case lag > 0:
		next.stages = w.stages(next.serves, next.asked, lag)
	}
	next.version = w.touch()
	w.router = &next
	if p.outdated() {
		w.redirected(toldLate)
	} else {
		w.redirected("the router was told")
	}
	return nil
}

// outdated says that pods have come since this pass has looked.
func (p *rolloutWorld) outdated() bool {
	for name, live := range p.w.sets {
		if live.Available > p.seen.sets[name].Available {
			return true
		}
	}
	return false
}

// addressed is a split in the router's own words: either revisions or Services.
func (w *World) addressed(s decide.Split) decide.Split {
	if !w.routing.Subsets {
		s.Canary.Hash, s.Stable.Hash = "", "" // those of experiments stay: their Services are not the Rollout's
	}
	return s
}

// stages are the ways from one split to the next.
func (w *World) stages(from, to decide.Split, lag time.Duration) []stage {
	done := stage{at: w.Now.Add(lag), serves: to}
	if !w.routing.Parts {
		return []stage{done}
	}
	half := from
	half.Canary.Weight = (from.Canary.Weight + to.Canary.Weight) / 2
	half.Stable.Weight = w.whole() - half.Canary.Weight
	for _, share := range half.Additional {
		half.Stable.Weight -= share.Weight
	}
	return []stage{{at: w.Now.Add(lag / 2), serves: half}, done}
}

// Load is one revision's part of the traffic, and the pods that serve it.
type Load struct {
	Hash              string // "" is all revisions
	Weight            int32
	Needed, Available int32
}

// Loads are the parts of the traffic at this moment, by what the router serves and what its Services name.
// Without a router there is one, for all pods together.
func (w *World) Loads() (all []Load) {
	replicas := int32(1)
	if r := w.rollout.Spec.Replicas; r != nil {
		replicas = *r
	}
	if w.router == nil {
		_, available := w.Totals()
		return []Load{{Weight: 100, Needed: replicas, Available: available}}
	}
	return w.loads(w.router.serves, replicas)
}

func (w *World) loads(split decide.Split, replicas int32) (all []Load) {
	whole := w.whole()
	for _, share := range append([]decide.Share{split.Stable, split.Canary}, split.Additional...) {
		if share.Weight == 0 {
			continue
		}
		hash := w.behind(share)
		at := slices.IndexFunc(all, func(l Load) bool { return l.Hash == hash })
		if at < 0 {
			at = len(all)
			all = append(all, Load{Hash: hash, Available: w.behindShare(share, hash)})
		}
		all[at].Weight += share.Weight
		all[at].Needed = int32((int64(replicas)*int64(all[at].Weight) + int64(whole) - 1) / int64(whole))
	}
	return all
}

// behind is the revision, or the pods of an experiment, that a share leads to.
func (w *World) behind(share decide.Share) string {
	if share.Hash != "" {
		return share.Hash
	}
	return w.services[share.Service].Hash
}

// behindShare is how many available pods answer for a share. Behind a Service that does not exist is nobody.
func (w *World) behindShare(share decide.Share, hash string) int32 {
	_, there := w.services[share.Service]
	for _, e := range w.experiments {
		there = there || e.services[share.Service]
	}
	if share.Service != "" && !there {
		return 0
	}
	if pods, tried := w.tried(hash); tried {
		return pods
	}
	return w.answering(hash)
}

// Unserved is the part of the traffic that reaches nobody at this moment.
func (w *World) Unserved() (weight int32) {
	for _, l := range w.Loads() {
		if l.Available == 0 && l.Needed > 0 {
			weight += l.Weight
		}
	}
	return weight
}

// Short is how many pods are missing for the traffic as it is divided at this moment.
func (w *World) Short() (pods int32) {
	for _, l := range w.Loads() {
		pods += max(l.Needed-l.Available, 0)
	}
	return pods
}

func (w *World) redirected(why string) {
	if w.Redirected != nil {
		w.Redirected(why)
	}
}
