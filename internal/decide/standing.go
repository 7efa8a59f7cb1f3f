package decide

import (
	"slices"

	api "sluice.dev/sluice/api/v1alpha1"
)

// While a spec cannot be carried out, nothing it says moves the update: neither its steps nor its shares, routes
// and Services. Everything stays as it stands, and that is read from what is there: how many pods are wanted,
// and what the router was told last. A share falls only where its pods are gone, and an abort goes its own way.
// When the spec can be carried out again, the update goes on with the same steps, or starts over with others.

// standing is the share the canary has, in a basic canary by its pods.
func (d *draft) standing(f facts) int32 {
	fresh := f.fresh()
	switch weights := d.status.Canary.Weights; {
	case fresh == nil:
		return 0
	case !f.routed():
		return min(partOf(maxWeight, fresh.Wanted, max(f.replicas, 1)), maxWeight)
	case f.unread() == "":
		if _, canary := d.entrances(f); canary.hash == f.hash {
			return canary.asked
		}
	case weights != nil && weights.Canary.PodTemplateHash == f.hash:
		return weights.Canary.Weight
	}
	return 0
}

// staying is how many pods the canary wants as it stands, at least one.
func (f facts) staying() int32 {
	if fresh := f.fresh(); fresh != nil {
		return max(fresh.Wanted, 1)
	}
	return 1
}

// divided is all that the router was told to divide, 0 while that is not known.
func (f facts) divided() int32 {
	if f.seen.Routing == nil {
		return 0
	}
	asked := f.seen.Routing.Asked
	return asked.Canary.Weight + asked.Stable.Weight + total(asked.Additional)
}

// renamed says that a spec that cannot be carried out names other Services than the router was told.
func (f facts) renamed(stable, canary entrance) bool {
	if f.forward || !f.routed() || f.unread() != "" {
		return false
	}
	asked := []string{f.seen.Routing.Asked.Stable.Service, f.seen.Routing.Asked.Canary.Service}
	if slices.Contains(asked, "") {
		return false // it was told nothing yet, or it names the revisions itself
	}
	return !slices.Contains(asked, stable.service) || !slices.Contains(asked, canary.service)
}

// standingShares are the shares of an Experiment that the router was told last, for pods that serve.
func (f facts) standingShares(ex *api.Experiment) (shares []Share) {
	if f.seen.Routing == nil {
		return nil
	}
	for _, share := range f.seen.Routing.Asked.Additional {
		serves := slices.ContainsFunc(ex.Status.TemplateStatuses, func(s api.TemplateStatus) bool {
			return s.ServiceName != "" && s.ServiceName == share.Service && s.AvailableReplicas > 0
		})
		if serves && share.Weight > 0 {
			shares = append(shares, share)
		}
	}
	return shares
}

// doubts says that a run or an experiment that has a say was inconclusive: to measure it again no step is taken.
func (d *draft) doubts(f facts) bool {
	for _, h := range d.refs() {
		if *h.ref != nil && (*h.ref).Status == api.AnalysisPhaseInconclusive {
			return true
		}
	}
	ex := f.experiment(d.status.Canary.CurrentExperiment)
	if ex == nil {
		return false
	}
	phase, _ := experimentCameTo(ex)
	return phase == api.AnalysisPhaseInconclusive
}
