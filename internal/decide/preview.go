package decide

// The sizes of a blue-green Rollout. The stable revision and the one the active Service names have all pods.
// The new one has as many as previewReplicaCount says until nothing stands before the switch any more. What
// is left over goes when its time is over. A Rollout that wants no pods has none of any revision.

// previewCount is how many pods the new revision should have.
func (d *draft) previewCount(f facts) int32 {
	count := f.blueGreen.PreviewReplicaCount
	if count == nil || f.replicas == 0 || d.cleared(f) || d.leadsTo(f.hash) {
		return f.replicas
	}
	return max(*count, 0)
}

// previewReady says that the new revision has its pods.
func (d *draft) previewReady(f facts) bool {
	fresh, count := f.fresh(), d.previewCount(f)
	return fresh != nil && fresh.Wanted == count && fresh.Available >= count
}

// awaitPreview says what the preview is missing.
func (d *draft) awaitPreview(f facts) {
	if d.exposed(f) {
		d.waits("Adoption", "Waiting for Service %s to name the stable revision, which it does when at least %d of its pods are available: until then new pods would serve at once.", f.blueGreen.ActiveService, f.fewest())
		return
	}
	d.waits("PreviewPods", "Waiting for %d preview pods to be available.", d.previewCount(f))
}

// exposed says that the active Service names no revision, so that it would lead to new pods as well.
func (d *draft) exposed(f facts) bool {
	active, ok := f.active()
	stable := f.find(d.status.StableRS)
	return ok && active.Hash == "" && stable != nil && stable.Available > 0 && !d.promoted(f) && !d.status.PromoteFull
}

// staged sizes every ReplicaSet, through the interlock: what the active Service names keeps what all requests
// need, whatever else is decided.
func (d *draft) staged(f facts, now fleet, places []place) fleet {
	next := now.clone()
	stable, fresh := f.find(d.status.StableRS), f.fresh()
	for i, size := range next.sides() {
		rs := places[i].rs
		switch {
		case rs == stable, stable == nil && rs == fresh:
			size.wanted = d.carrierSize(f, rs)
		case rs == fresh:
			size.wanted = d.previewSize(f, rs)
		default:
			size.wanted = d.retiredSize(f, rs)
		}
		if d.leadsTo(rs.Hash) {
			size.wanted = max(size.wanted, min(rs.Wanted, f.replicas))
		}
		if f.replicas == 0 && (f.forward || d.aborted()) {
			size.wanted = 0
		}
	}
	return next
}

// carrierSize is that of the revision that serves, or has to be able to.
func (d *draft) carrierSize(f facts, rs *ReplicaSet) int32 {
	d.settleDeadline(rs)
	if !f.forward && !d.aborted() {
		return max(rs.Wanted, f.replicas)
	}
	return f.replicas
}

// previewSize is that of the new revision.
func (d *draft) previewSize(f facts, rs *ReplicaSet) int32 {
	switch {
	case d.aborted():
		return d.rejectedSize(f, rs)
	case !f.forward && d.leadsTo(rs.Hash):
		return max(rs.Wanted, f.replicas)
	case !f.forward:
		return rs.Wanted
	}
	if d.fastRollback(f) == "" {
		d.settleDeadline(rs) // of a fast rollback it says that the update is one
	}
	active, there := f.active()
	switch {
	case d.exposed(f):
		return rs.Wanted
	case there && active.Hash == "":
		return max(rs.Wanted, d.previewCount(f)) // somebody comes to these pods
	}
	return d.previewCount(f)
}

// rejectedSize keeps the pods of an aborted update until their time is over, which begins when requests go
// elsewhere.
func (d *draft) rejectedSize(f facts, rs *ReplicaSet) int32 {
	delay, forever := delayOf(f.blueGreen.AbortScaleDownDelaySeconds, true)
	active, _ := f.active()
	switch {
	case d.leadsTo(rs.Hash):
		return f.replicas
	case forever:
		d.settleDeadline(rs)
		return rs.Wanted
	case active.Hash == "":
		return rs.Wanted
	}
	return d.sizeUnderDeadline(f, rs, delay)
}

// retiredSize keeps an older revision until its time is over: going back to it is quick then. Until then it is
// scaled with the Rollout, if it had all pods. It stays while somebody comes to it, and while the revision
// that has taken its place does not serve.
func (d *draft) retiredSize(f facts, rs *ReplicaSet) int32 {
	active, _ := f.active()
	serving := f.find(active.Hash)
	scaled := rs.Wanted
	if rs.Wanted > 0 && rs.Wanted >= rs.DesiredReplicas {
		scaled = f.replicas
	}
	switch {
	case d.leadsTo(rs.Hash):
		return f.replicas
	case !f.forward && !d.aborted(), f.entered(rs.Hash):
		return rs.Wanted
	case serving == nil, min(serving.Wanted, serving.Available) < f.fewest():
		return max(rs.Wanted, scaled)
	case !f.withinLimit(rs, d.status.StableRS, f.blueGreen.ScaleDownDelayRevisionLimit):
		return 0
	}
	delay, _ := delayOf(f.blueGreen.ScaleDownDelaySeconds, false)
	if d.sizeUnderDeadline(f, rs, delay) == 0 {
		return 0
	}
	return scaled
}

// preview points the preview Service to the newest revision, before it has pods: whoever looks there
// wants to see nothing else.
func (d *draft) preview(f facts) {
	service, ok := f.ours(f.blueGreen.PreviewService)
	if !ok || !f.forward || f.ro.Spec.Paused || d.inconclusive() || f.fresh() == nil {
		return
	}
	d.repoint(f, service, f.hash, nil)
}
