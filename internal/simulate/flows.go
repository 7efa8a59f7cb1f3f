package simulate

import (
	"fmt"
	"math"

	"sluice.dev/sluice/internal/decide"
)

// Flow is a part of the requests, and who may answer it.
type Flow struct {
	// Service that the requests go to, "" when nothing says which; To is the version that its selector
	// names, "" for every version.
	Service string `json:"service,omitempty"`
	To      string `json:"to,omitempty"`
	// Percent of all requests.
	Percent float64 `json:"percent"`
	// Available pods of those that may answer, and Needs, how many the share asks for when all of
	// spec.replicas carry all requests.
	Available int32 `json:"available"`
	Needs     int32 `json:"needs"`

	hash string
}

// flows are where the requests go now.
func (p *player) flows() []Flow {
	if _, serves, ok := p.w.Traffic(); ok {
		return p.split(serves)
	}
	if b := p.w.rollout.Spec.Strategy.BlueGreen; b != nil {
		return []Flow{p.flow(decide.Share{Service: b.ActiveService, Weight: 100}, 100)}
	}
	return []Flow{p.flow(decide.Share{Weight: 100}, 100)}
}

func (p *player) split(s decide.Split) (all []Flow) {
	shares := append([]decide.Share{s.Stable, s.Canary}, s.Additional...)
	whole := int32(0)
	for _, share := range shares {
		whole += share.Weight
	}
	for _, share := range shares {
		if share.Weight > 0 {
			all = append(all, p.flow(share, whole))
		}
	}
	return all
}

func (p *player) flow(share decide.Share, whole int32) Flow {
	f := Flow{Service: share.Service, hash: share.Hash, Percent: 100 * float64(share.Weight) / float64(whole)}
	if s, ok := p.w.Service(share.Service); ok && f.hash == "" {
		f.hash = s.Hash
	}
	f.Available = p.w.answering(f.hash)
	switch pods, tried := p.w.tried(f.hash); {
	case f.hash == "":
	case tried:
		f.To, f.Available = "in the experiment", pods
	default:
		f.To = p.version(f.hash)
	}
	f.Needs = int32(math.Ceil(float64(p.wanted())*f.Percent/100 - 1e-9))
	return f
}

// tried is how many pods an experiment has of a hash that is none of the Rollout's own.
func (w *World) tried(hash string) (available int32, ok bool) {
	for _, s := range w.sets {
		if s.Hash == hash {
			return 0, false
		}
	}
	for _, e := range w.experiments {
		for _, s := range e.sets {
			if s.Hash == hash {
				available, ok = available+s.serving(w.Now), true
			}
		}
	}
	return available, ok
}

// tried are the pods of experiments; nil when there are none.
func (p *player) tried() *Side {
	s := Side{Version: "experiment"}
	for _, e := range p.w.experiments {
		for _, set := range e.sets {
			s.Wanted, s.Available = s.Wanted+set.Wanted, s.Available+set.serving(p.w.Now)
		}
	}
	if s.Wanted == 0 && s.Available == 0 {
		return nil
	}
	return &s
}

// leads are the versions that the Services of a canary lead to.
func (p *player) leads() map[string]string {
	if p.w.rollout.Spec.Strategy.Canary == nil {
		return nil
	}
	var all map[string]string
	for _, name := range decide.NamedServices(p.w.rollout) {
		if s, ok := p.w.Service(name); ok && s.Hash != "" {
			if all == nil {
				all = map[string]string{}
			}
			all[name] = p.version(s.Hash)
		}
	}
	return all
}

// wanted is spec.replicas.
func (p *player) wanted() int32 {
	if r := p.w.rollout.Spec.Replicas; r != nil {
		return *r
	}
	return 1
}

// serving is how many pods can answer the requests as they are divided: those that a Service or the router
// leads to. A part of the requests that has fewer than it needs takes what is missing off spec.replicas,
// whatever other parts have to spare.
func (p *player) serving() (pods int32) {
	missing := int32(0)
	for _, f := range p.flows() {
		pods += f.Available
		missing += max(f.Needs-f.Available, 0)
	}
	if missing > 0 {
		pods = min(pods, max(p.wanted()-missing, 0))
	}
	return pods
}

// share is the part of the requests, in percent, that a revision gets.
func (p *player) share(hash string) (share float64) {
	_, all := p.w.Totals()
	for _, f := range p.flows() {
		switch {
		case f.hash == hash:
			share += f.Percent
		case f.hash == "" && all > 0:
			_, own := p.w.Pods(hash)
			share += f.Percent * float64(own) / float64(all)
		}
	}
	return share
}

// unserved is the part of the requests, in percent, that nobody can serve, and why.
func (p *player) unserved() (share float64, why string) {
	if p.wanted() == 0 {
		return 0, ""
	}
	for _, f := range p.flows() {
		if f.Available > 0 {
			continue
		}
		share += f.Percent
		whose := "no pod is available"
		if f.To != "" {
			whose = "no pod of version " + f.To + " is available"
		}
		to := ""
		if f.Service != "" {
			to = " to Service " + f.Service
		}
		why += fmt.Sprintf("%s of the requests go%s, and %s. ", percent(f.Percent), to, whose)
	}
	return share, why
}

// where is the place the update has come to: the step, or for blue-green what it waits for.
func (p *player) where() string {
	ro := p.w.rollout
	s := ro.Status
	if ro.Spec.Strategy.BlueGreen != nil {
		return s.BlueGreen.ActiveSelector + " " + p.w.reason.Code
	}
	if s.CurrentStepIndex == nil {
		return ""
	}
	return fmt.Sprint(*s.CurrentStepIndex)
}
