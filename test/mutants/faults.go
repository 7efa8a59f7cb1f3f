package main

// faults are those that are planted, by the concept they hit. What is replaced is as short as it can be, so that
// it stays true while the code around it changes.
var faults = []fault{
	// How many pods each side of a basic canary gets, and how they move.
	{"counts.go", "the canary's part is rounded down", `math.Ceil(`, `math.Floor(`},
	{"counts.go", "of two equally good splits the last one wins", `off < least`, `off <= least`},
	{"counts.go", "a side may be left without pods at any weight", `downAllowed := down != 0 || emptyAllowed`, `downAllowed := true`},
	{"move.go", "the canary grows before the stable side", `{f.stable, target.stable}, {f.canary, target.canary}`, `{f.canary, target.canary}, {f.stable, target.stable}`},
	{"move.go", "a pod that is about to go counts as serving", `int32 { return min(s.wanted, s.available) }`, `int32 { return s.available }`},
	{"move.go", "one pod more than can be spared goes", `spare := counted - limit.floor`, `spare := counted - limit.floor + 1`},
	{"move.go", "older pods that do not serve are not the first to go", `o.wanted = o.serving()`, `_ = o.serving()`},
	{"scale.go", "one pod more may be missing than maxUnavailable", `floor := f.replicas - unavailable`, `floor := f.replicas - unavailable - 1`},
	{"facts.go", "maxUnavailable is rounded up", `f.replicas, false)
	if surge`, `f.replicas, true)
	if surge`},
	{"facts.go", "maxSurge is rounded down", `share(f.canary.MaxSurge, f.replicas, true)`, `share(f.canary.MaxSurge, f.replicas, false)`},
	{"scale.go", "an aborted update scales up before what is bad goes", `if d.aborted() && !f.routed() && f.blueGreen == nil {`, `if false {`},
	{"scale.go", "with an invalid spec the stable side does not get its pods back", `max(now.stable.wanted, f.replicas-now.canary.wanted)`, `now.stable.wanted`},

	// The interlock.
	{"scale.go", "the interlock about all pods is skipped", `keep(now, interlock(now, next, floor), kept)`, `keep(now, next, kept)`},
	{"scale.go", "the interlock about what requests reach is skipped", `keep(now, interlock(now, next, floor), kept)`, `interlock(now, next, floor)`},
	{"interlock.go", "availability that is lost already is fought for by keeping what is bad", `least := min(floor, now.available())`, `least := max(floor, now.available())`},
	{"interlock.go", "pods that are only wanted count as serving", `n += min(before[i].serving(), after[i].wanted)`, `n += after[i].wanted`},
	{"interlock.go", "a revision that a Service names keeps no pod", `if n == 0 && f.entered(rs.Hash)`, `if n < 0 && f.entered(rs.Hash)`},
	{"scale.go", "the pods a smaller size relies on are not stated", `action.Relies = reliance(places, p.rs.Name)`, `action.Relies = nil`},
	{"scale.go", "the ways in that a smaller size relies on are not stated", `action.Sees = f.entrancesSeen()`, `action.Sees = Entrances{}`},
	{"scale.go", "a size relies on pods that the same plan takes away", `serving := min(p.rs.Wanted, p.rs.Available, p.size.wanted)`, `serving := min(p.rs.Wanted, p.rs.Available)`},

	// Steps.
	{"step.go", "steps are taken while somebody has paused the Rollout", ` && !f.ro.Spec.Paused && !d.hastens(f)`, ` && !d.hastens(f)`},
	{"bluegreen.go", "an inconclusive analysis holds no step", `case d.inconclusive():`, `case false:`},
	{"step.go", "a step is complete with pods that are ready, not available", `fresh.Available < f.enough(target.canary):`, `fresh.Ready < f.enough(target.canary):`},
	{"step.go", "a weight does not wait for stable pods that are going", `rs.Wanted == pods && rs.Replicas == pods`, `rs.Wanted == pods`},
	{"step.go", "a weight does not wait for pods of older revisions", `case !f.routed() && f.olderAvailable`, `case false && f.olderAvailable`},
	{"step.go", "a pause lasts longer than its time", `if f.now.Before(end) {`, `if !f.now.After(end) {`},
	{"operate.go", "a pause is up to a second too short", `StartTime: f.stampUp()`, `StartTime: f.stamp()`},
	{"step.go", "an analysis that ended in any way completes its step", `ref.Status == api.AnalysisPhaseSuccessful`, `ref.Status.Completed()`},
	{"step.go", "a run that is not the step's completes it", `d.isStepRun(f, ref.Name) && `, ``},
	{"skip.go", "a step that was completed is taken for one that was skipped", `return after(made.Step, 1, d.lastStep(f))`, `return after(made.Step, 0, d.lastStep(f))`},
	{"rollout.go", "an index that a client wrote is trusted", `index = min(max(*s.CurrentStepIndex, 0), last)`, `index = *s.CurrentStepIndex`},
	{"revision.go", "a new template does not end an abort", `d.status.Abort, d.status.AbortedAt = false, nil`, `d.status.AbortedAt = nil`},
	{"revision.go", "a new template does not end a pause", `	d.unpause()
	d.status.Abort`, `	d.status.Abort`},
	{"revision.go", "a revision that comes back gets no new number", `return highest + 1`, `return max(highest, 1)`},

	// Runs.
	{"runs.go", "a run of an earlier attempt is heard", `if stray || d.superseded(`, `if stray || false && d.superseded(`},
	{"runs.go", "a run of an earlier attempt is taken up again", ` || attemptOf(run) != d.status.Attempt)`, `)`},
	{"runs.go", "a run that ended with an error is not heard", `case api.AnalysisPhaseFailed, api.AnalysisPhaseError:`, `case api.AnalysisPhaseFailed:`},
	{"runs.go", "a run that another controller let pass without a measurement is a success", `if name := unmeasured(run); name != "" {`, `if name := unmeasured(run); name != "" && false {`},
	{"runs.go", "an analysis goes on after an abort", `return !d.aborted() && !d.promoted(f)`, `return !d.promoted(f)`},
	{"runs.go", "a fast rollback analyses", ` && d.fastRollback(f) == ""`, ``},
	{"runs.go", "a run that nobody needs any more goes on", `if !current[run.Name] && !run.Status`, `if false && !current[run.Name] && !run.Status`},
	{"runs.go", "with an invalid spec the runs that measure are cut short", `if *h.ref != nil && d.measuring(f) {`, `if *h.ref != nil && false {`},
	{"runs.go", "a background analysis begins a step late", `active && index >= start &&`, `active && index > start &&`},
	{"runs.go", "a retry does not begin another attempt at an inconclusive analysis", `*h.ref = nil
			again =`, `again =`},
	{"missing.go", "a run that was deleted by hand is waited for for ever", `ref.Status != api.AnalysisPhaseRunning ||`, `ref.Status == api.AnalysisPhaseRunning ||`},
	{"tidy.go", "a ReplicaSet is deleted while it has pods", `if rs.Wanted == 0 && rs.Replicas == 0 && rs.Observed`, `if rs.Wanted == 0 && rs.Observed`},
	{"expire.go", "a run goes before it was heard", `case !ok || d.unheard(run.Name):`, `case !ok:`},

	// Abort and retry.
	{"abort.go", "the cause of an abort is lost", `d.conditionAborted(f, cause)`, `d.conditionAborted(f, "")`},
	{"abort.go", "an abort leaves the pauses", `	d.unpause()
	d.goTo(f, 0)`, `	d.goTo(f, 0)`},
	{"abort.go", "an abort leaves the step where it was", `	d.goTo(f, 0)
	d.forgetSwitch()
	if`, `	d.forgetSwitch()
	if`},
	{"abort.go", "a retry hears the runs of the attempt before", `d.forgetRuns()`, ``},
	{"abort.go", "a retry is no new attempt", `d.status.Attempt++`, ``},
	{"abort.go", "an aborted canary goes while requests still reach it", `stable.Available < f.replicas || f.reach(rs.Hash) > 0`, `stable.Available < f.replicas`},
	{"abort.go", "an aborted canary goes before the stable pods are back", `stable == nil || stable.Available < f.replicas ||`, `stable == nil ||`},
	{"abort.go", "a canary that is to stay for ever after an abort goes", `case forever:`, `case forever && false:`},
	{"operate.go", "a full promotion survives an abort", `d.status.PromoteFull = false // or`, `_ = d.status.PromoteFull // or`},

	// Promotion.
	{"promote.go", "an update is promoted before all pods serve", `fresh.Available < f.enough(f.replicas)`, `fresh.Available == 0`},
	{"promote.go", "a pause does not hold the promotion", `case d.held() || d.step(f) < d.lastStep(f)`, `case d.step(f) < d.lastStep(f)`},
	{"promote.go", "the promotion does not wait for the background analysis", ` || d.awaitBackground(f):`, `:`},
	{"promote.go", "the promotion does not wait for the router", `missing != "" && f.replicas > 0`, `missing != "" && false`},
	{"promote.go", "with pingPong the Services keep their roles", `	d.turnPingPong(f)
	d.makeStable`, `	d.makeStable`},

	// Deadlines and delays.
	{"conditions.go", "the deadline is armed after an abort", `ro.Spec.Paused || s.Abort ||`, `ro.Spec.Paused ||`},
	{"conditions.go", "the deadline is armed when the update is over", `return s.Duration == nil || s.Duration.FinishedAt == nil`, `return true`},
	{"conditions.go", "the deadline is armed while a step measures", `return step.Analysis != nil || step`, `return step`},
	{"conditions.go", "the deadline is armed while an analysis before the switch measures", `if run != nil && !run.Status.Completed() {`, `if run != nil && false {`},
	{"scale.go", "an update that ran out of time is aborted although nobody asked for that", `if f.ro.Spec.ProgressDeadlineAbort && d.updating(f) {`, `if d.updating(f) {`},
	{"scale.go", "progress that was not looked at in time is none", `moved(f.ro.Status, d.status) {`, `false {`},
	{"deadline.go", "a scale-down delay is up to a second too short", `f.stampUp().Add(delay)`, `f.stamp().Add(delay)`},
	{"deadline.go", "a delay that was given once is forgotten", `end := rs.ScaleDownAt`, `end := time.Time{}`},
	{"deadline.go", "a revision that is in use again keeps its time to go", `if !rs.ScaleDownAt.IsZero() {`, `if false {`},
	{"duration.go", "an aborted update is told as promoted", `clock.CompletionStatus == "" || end == api.CompletionAborted`, `clock.CompletionStatus == ""`},

	// Traffic.
	{"traffic.go", "a router that cannot be read is taken to send nothing", `e.asked, e.most = f.whole(), f.whole()`, `e.asked, e.most = 0, 0`},
	{"traffic.go", "of what the router was told and does the smaller counts", `max(asked.Weight, serves.Weight)`, `min(asked.Weight, serves.Weight)`},
	{"traffic.go", "a Service is re-pointed while its entrance has a share", `if e.most == 0 {`, `if e.most >= 0 {`},
	{"traffic.go", "a Service is re-pointed before its target serves", `case serving == 0:
		return false`, `case serving < 0:
		return false`},
	{"traffic.go", "a Service is narrowed to a revision that is not complete", `return serving >= to.Wanted && f.carry(serving) >= f.comes(e)`, `return true`},
	{"traffic.go", "what a re-pointed Service relies on is not stated", `[]Capacity{{ReplicaSet: to.Name, Available: least}}`, `nil`},
	{"traffic.go", "what a share that grows relies on is not stated", `Relies: f.footing(want, stable, canary, places)`, `Relies: nil`},
	{"traffic.go", "a router that cannot be read is told to go forward", `if !back || d.stableCarries(`, `if !back && false || d.stableCarries(`},
	{"traffic.go", "an aborted canary keeps its Service", `if !d.aborted() && (serves ||`, `if (serves ||`},
	{"traffic.go", "a weight that the router has not acknowledged is taken for done", `canary.asked != weight || canary.most != weight || serves.Canary.Weight != weight`, `canary.asked != weight`},
	{"traffic.go", "the status tells what the router was told", `serves, before := f.seen.Routing.Serves,`, `serves, before := f.seen.Routing.Asked,`},
	{"share.go", "more pods may be missing than maxUnavailable", `serving >= f.replicas-unavailable`, `serving >= f.replicas-unavailable-1`},
	{"share.go", "the pods that a share needs are rounded down", ` + int64(whole) - 1)`, `)`},
	{"share.go", "a share that the router still sends is forgotten", `max(of(f.seen.Routing.Asked), of(f.seen.Routing.Serves))`, `of(f.seen.Routing.Asked)`},
	{"share.go", "the weight falls although the stable side cannot take it", `next = max(next, min(spare, canary.asked))`, `_ = spare`},
	{"share.go", "the weight rises without pods", `(!ready || f.ro.Spec.Paused`, `(!ready && false || f.ro.Spec.Paused`},
	{"share.go", "a share stays on a canary whose pods are gone", `next = min(next, d.canaryCarries(f, next, serving))`, `_ = serving`},
	{"share.go", "the experiment's share is given away twice", `f.whole()-total(extra))
	if next`, `f.whole())
	if next`},
	{"share.go", "requests go to a stable entrance that leads elsewhere", `astray := stable.hash != "" && stable.hash != d.status.StableRS`, `astray := false`},
	{"routed.go", "minPodsPerReplicaSet does nothing", `return min(*least, f.replicas)`, `return min(1, f.replicas)`},
	{"share.go", "the pods of the step before are enough for any share", `at >= 0 && share <= f.weightAt(at)`, `at >= 0`},
	{"share.go", "requests are sent to a stable Service that does not exist", `if astray || (stable.closed && stable.service != "") {`, `if astray {`},
	{"step.go", "a step waits for pods to go that requests still reach", `target.canary = max(target.canary, f.keptOf(fresh))`, `target.canary = max(target.canary, 0)`},
	{"traffic.go", "without a stable revision the entrances lead to nobody", `stable.wants, canary.wants = f.hash, f.hash`, `canary.wants = f.hash`},
	{"routed.go", "a size set by hand outlives matchTrafficWeight", `s.Weight == nil {
				return nil`, `s.Weight == nil {
				continue`},
	{"routed.go", "a router that needs a backend with pods gets one without", `count = max(count, 1)`, `_ = count`},
	{"routed.go", "with dynamicStableScale a replaced revision is not drained", ` || d.draining(f) {`, ` {`},
	{"routed.go", "the old version of a routed canary goes at once", `if f.canary.DynamicStableScale || !f.withinLimit(`, `if true || !f.withinLimit(`},
	{"routed.go", "scaleDownDelayRevisionLimit keeps one revision too few", `return kept <= *limit`, `return kept < *limit`},
	{"routed.go", "replicaProgressThreshold is rounded down", `some = partOf(count, t.Value, 100)`, `some = count * t.Value / 100`},
	{"routes.go", "a managed route leads to a canary without pods", ` || fresh.Available == 0 {`, ` {`},
	{"routes.go", "a managed route stays after the step that removes it", `delete(set, r.Name)`, ``},
	{"routes.go", "a managed route comes a step late", `i <= d.step(f)`, `i < d.step(f)`},

	// Blue-green.
	{"bluegreen.go", "the switch does not wait for what comes before it", `case d.cleared(f) && (f.forward ||`, `case (f.forward ||`},
	{"bluegreen.go", "the switch does not wait for all pods", `if serving >= f.replicas {`, `if serving >= f.fewest() {`},
	{"bluegreen.go", "the way back waits for all pods", `if serving >= f.fewest() {`, `if serving >= f.replicas {`},
	{"bluegreen.go", "a switch relies on nothing", `[]Capacity{{ReplicaSet: to.Name, Available: min(serving, f.replicas)}}`, `nil`},
	{"bluegreen.go", "the analysis after the switch is not waited for", `case passed(ref):`, `case ref != nil:`},
	{"bluegreen.go", "the analysis before the switch begins without the preview", `!runs.ScaleUpPreviewCheckPoint && d.previewReady(f) &&`, `!runs.ScaleUpPreviewCheckPoint &&`},
	{"bluegreen.go", "autoPromotionEnabled: false does not pause", `return 0, true`, `return 0, false`},
	{"bluegreen.go", "another revision inherits the way to the switch", `ScaleUpPreviewCheckPoint = false }`, `ScaleUpPreviewCheckPoint = d.status.BlueGreen.ScaleUpPreviewCheckPoint }`},
	{"preview.go", "a preview keeps pods of a Rollout that wants none", `if f.replicas == 0 && (f.forward || d.aborted()) {`, `if false {`},
	{"bluegreen.go", "a Service that others may use is given to too few pods", `foreign = d.crowded(f)`, `foreign = false`},
	{"bluegreen.go", "a pause keeps a Service that was made anew open to all", `to = d.unmoved(f, active)`, `to = nil`},
	{"preview.go", "previewReplicaCount is ignored", `if count == nil || f.replicas == 0`, `if true || f.replicas == 0`},
	{"preview.go", "the revision that the active Service names loses pods", `if d.leadsTo(rs.Hash) {
			size`, `if false {
			size`},
	{"preview.go", "abortScaleDownDelaySeconds: 0 keeps nothing", `case forever:`, `case forever && false:`},
	{"preview.go", "the delay after a switch is the one after an abort", `delayOf(f.blueGreen.ScaleDownDelaySeconds, false)`, `delayOf(f.blueGreen.AbortScaleDownDelaySeconds, false)`},
	{"preview.go", "the old revision goes while the new one does not serve", `min(serving.Wanted, serving.Available) < f.fewest()`, `serving.Wanted < 0`},
	{"preview.go", "new pods are added behind a Service that selects everything", `case d.exposed(f):
		return rs.Wanted`, `case false:
		return rs.Wanted`},

	// Going back, restarts.
	{"rollback.go", "a rollback just beyond the window is fast", `between < window.Revisions`, `between <= window.Revisions`},
	{"rollback.go", "a fast rollback overrides a pause by hand", `!f.forward || f.ro.Spec.Paused {`, `!f.forward {`},
	{"rollback.go", "of two ReplicaSets of one second neither was made first", `rs.firstNumber() < other.firstNumber()`, `false`},
	{"delay.go", "a version that was rejected is gone back to fast", `f.now.Before(fresh.ScaleDownAt) && d.wasStable(f, fresh.Hash)`, `f.now.Before(fresh.ScaleDownAt)`},
	{"restart.go", "a restart takes all pods at once", `spare--`, ``},
	{"restart.go", "a restart in mid-update does not wait for the pods that are to come", `max(f.replicas, wantedOf(places))`, `min(f.replicas, wantedOf(places))`},
	{"restart.go", "what an eviction relies on is not stated", `n > 0 {
					gone`, `n < 0 {
					gone`},
	{"restart.go", "pods that serve are evicted before those that do not", `cmp.Compare(oneIf(a.ready()), oneIf(b.ready())),`, `0,`},

	// Measuring.
	{"analysis.go", "a sample counts for another measurement than it was taken for", `t.Key.N == due.N && sameSecond`, `sameSecond`},
	{"analysis.go", "a dry run ends its run", `if !r.DryRun && r.Phase.Completed()`, `if r.Phase.Completed()`},
	{"analysis.go", "a run that a person ended is judged by what it has", `spec.Terminate && by != api.StoppedByRollout`, `spec.Terminate && by == "nobody"`},
	{"dryrun.go", "a run that was stopped before it measured is a success", `case terminated && t.results == 0:`, `case terminated && t.results < 0:`},
	{"due.go", "an error is measured again an interval later", `key.At = last.FinishedAt.Add(afterError)`, `key.At = last.FinishedAt.Add(orInterval(interval, withoutInterval))`},
	{"job.go", "a Job of somebody else is believed", `case exists && !job.Ours:`, `case exists && !job.Ours && false:`},
	{"job.go", "a Job that was deleted by hand is created again", `case last.Metadata[jobPending] == "":`, `case false:`},
	{"job.go", "a metric without data holds for ever", `return at.Sub(since) >= holdLimit(m)`, `return at.Before(since)`},
	{"job.go", "Jobs outlive the run that waited for them", `unwanted := !job.Ended && !awaited[name] || !known[name]`, `unwanted := !known[name]`},

	// Experiments.
	{"experiment.go", "an experiment that ended before its pods served is a success", `case t.status.AvailableAt == nil:
		return api.AnalysisPhaseInconclusive`, `case false:
		return api.AnalysisPhaseInconclusive`},
	{"experiment.go", "an experiment ends without the analysis it requires", `return "Required AnalysisRuns completed", missing == 0`, `return "Required AnalysisRuns completed", missing < required`},
	{"experiment.go", "the pods of an experiment go at once", `return ended.LastTransitionTime.Add(delay)`, `return ended.LastTransitionTime.Add(0 * delay)`},
	{"experimentpods.go", "an experiment begins before all its pods serve", `running == len(all)`, `running > 0`},
	{"experimentpods.go", "the pods of an experiment never go", `case t.ended():
			t.clear`, `case false:
			t.clear`},
	{"experimentruns.go", "an analysis that came to an error does no harm to its experiment", `return 2`, `return 0`},
	{"experimentruns.go", "a run of an experiment before it was started over counts", `return of == "" || of == t.attempt()`, `return of == of`},
	{"stepexperiment.go", "an experiment's failure is not heard", `if ex == nil || !d.measuring(f) {
		return`, `if ex == nil || true {
		return`},
	{"stepexperiment.go", "an experiment without a successful analysis completes its step", `if name := unproven(ex); name != "" {`, `if name := unproven(ex); name != "" && false {`},
	{"stepexperiment.go", "requests go to pods of an experiment that do not serve", `s.AvailableReplicas == 0 ||`, ``},
	{"stepexperiment.go", "an experiment whose step is over goes on", `if ex.Name != current && !ex`, `if false && !ex`},
	{"stepexperiment.go", "an experiment of an earlier attempt is heard", `ex != nil && d.earlier(ex) {`, `false {`},

	// Taking over from a Deployment.
	{"workload.go", "pods of the Deployment are taken before the finalizer is there", `case to < w.Wanted && f.kept():`, `case to < w.Wanted:`},
	{"workload.go", "what the Deployment's pods are exchanged for is not stated", `reliance(places, "")`, `nil`},
	{"workload.go", "the Deployment gives up its pods before the Rollout's serve", `d.carriesAll(f) && serving >= f.replicas:`, `d.carriesAll(f):`},
	{"workload.go", "the Deployment gives up its pods before the Services lead to the Rollout's", `case d.promoted(f) && d.carriesAll(f) &&`, `case d.promoted(f) &&`},
	{"workload.go", "of R and B the smaller one has to serve in a migration", `max(max(replicas, before)-serving, 0)`, `max(min(replicas, before)-serving, 0)`},
	{"workload.go", "a deleted Rollout goes before the Deployment's pods serve", `restored := w.Wanted >= back && w.Observed && w.Available >= back`, `restored := w.Wanted >= back`},
	{"actions.go", "letting go of a deleted Rollout waits for a workload the server refuses", `if a.Held {`, `if true {`},

	// What is told, and what pods wear.
	{"conditions.go", "an update with old pods left is healthy", `d.step(f) >= d.lastStep(f) && s.Replicas == f.replicas`, `d.step(f) >= d.lastStep(f)`},
	{"conditions.go", "a condition that did not change gets another time", `next.LastTransitionTime = old.LastTransitionTime`, ``},
	{"report.go", "an aborted Rollout is not Degraded", `if trouble := d.trouble(); trouble != "" {`, `if trouble := d.trouble(); trouble != "" && !d.aborted() {`},
	{"report.go", "pods that are ready count as available", `s.AvailableReplicas += rs.Available`, `s.AvailableReplicas += rs.Ready`},
	{"wear.go", "pods keep what only they say they wear", ` && !slices.ContainsFunc(pods[rs.Hash], Pod.marked)`, ``},
	{"wear.go", "a revision that nobody needs any more wears what the stable one does", `return api.PodTemplateMetadata{}`, `return stable`},
	{"apart.go", "the rule that keeps revisions apart outlives the update", `d.status.StableRS == "" || d.promoted(f) {
		return nil`, `d.status.StableRS == "" {
		return nil`},

	// Load tests whose pods begin together, and what is measured during them.
	{"load.go", "the moment a load begins is told and not saved", `		last.Metadata[api.EvidenceLoadStartedAt] = at.UTC().Format(time.RFC3339Nano)
`, ``},
	{"load.go", "a load begins before all its pods are there", `if !job.Assembled {`, `if false {`},
	{"load.go", "pods that were told already are told again", `if job.Assembled && len(job.Untold) > 0 {`, `if job.Assembled {`},
	{"load.go", "what pods were told counts less than what was saved", `at := job.LoadFrom`, `at := loadStart(last)`},
	{"load.go", "pods are told of a moment that is past", `at.Before(a.in.Now.Add(leastLead))`, `at.IsZero()`},
	{"load.go", "each pass tells another moment", `if at = loadStart(last); at`, `if at = (time.Time{}); at`},
	{"load.go", "Jobs of users wait for a place among the load tests", ` || last.Metadata[jobPending] != pendingLoad ||`, ` ||`},
	{"load.go", "a run that is over keeps its place in the queue", `run.Spec.Terminate || run.Status.Phase.Completed() ||`, `run.Spec.Terminate ||`},
	{"load.go", "a report in nobody's words is taken for a load test's", `!own && !m.LoadTests()`, `false && !own && !m.LoadTests()`},
	{"during.go", "a window begins before the load does", `from.Add(time.Second - 1).Truncate(time.Second)`, `from.Truncate(time.Second)`},
	{"during.go", "the end of a window is forgotten", `		w.to = to.Truncate(time.Second)
`, `		_ = to.Truncate(time.Second)
`},
	{"during.go", "what is measured may lie behind the window's end", `about = earlier(about, w.to)`, `_ = w.to`},
	{"during.go", "the window of a phase is taken before it was reported", `if phase != "" {
			return window{} // phases`, `if false {
			return window{} // phases`},
	{"during.go", "the window of a phase is all of the load test", `return phaseWindow(last, name, phase)`, `return inside(from, to, true)`},
	{"during.go", "a load test that can be tried again ends its window", `case !said && load.Phase.Completed():`, `case !said:`},
	{"during.go", "a load test that came to no result has a window", `said := last.Phase == api.AnalysisPhaseSuccessful || last.Phase == api.AnalysisPhaseFailed`, `said := last.Phase != ""`},
	{"during.go", "a metric passes before its load test has ended", `case !w.ended && phase.Completed():
		return api.AnalysisPhaseRunning, ""`, `case !w.ended && phase.Completed():
		return phase, message`},
	{"during.go", "a metric of a load test that was cut short passes", `case !w.ended && stop != judge.GoesOn:`, `case false && stop != judge.GoesOn:`},
	{"during.go", "a metric with nothing measured passes with its load test", `case r.Count == 0:`, `case r.Count < 0:`},
	{"during.go", "a sample that came too late counts", `s.StartedAt.After(w.to)`, `s.StartedAt.IsZero()`},
	{"during.go", "a single measurement of a window is taken without end", `return interval <= 0 || !w.to`, `return interval < 0 || !w.to`},
	{"during.go", "when a load began is overwritten by what its pods say later", `	if metadata[api.EvidenceLoadStartedAt] == "" || reportsItself(m, job) {
		metadata`, `	if !job.LoadFrom.IsZero() {
		metadata`},
}

// equivalents are the faults that change nothing, each with the reason.
var equivalents = map[string]string{
	"an analysis that ended in any way completes its step":  "hearRuns comes first, and aborts or pauses an update whose run did not pass",
	"a run that is not the step's completes it":             "dropStrayRefs comes first, and forgets such a run",
	"the revision that the active Service names loses pods": "each size says the same of it already; this is the last look",
}
