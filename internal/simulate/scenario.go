package simulate

// Scenario is what happens while a version is rolled out, and what should come of it. Times count from the
// moment the new version is applied. A version is called old (it serves before), new (the manifest), or by
// the name that an event gives to a later one.
type Scenario struct {
	APIVersion string       `json:"apiVersion"`
	Kind       string       `json:"kind"`
	Metadata   ScenarioMeta `json:"metadata,omitempty"`
	// Description says what the scenario is about.
	Description string `json:"description,omitempty"`
	// Lasts is how long is watched; by default until nothing more would happen, at most a day.
	Lasts *Duration `json:"lasts,omitempty"`
	// Pods says how long pods need to be available.
	Pods []Startup `json:"pods,omitempty"`
	// Metrics are the answers of metric servers; Jobs what Jobs come to. The last that fits counts.
	Metrics []Series  `json:"metrics,omitempty"`
	Jobs    []JobPlan `json:"jobs,omitempty"`
	// Autoscaler changes spec.replicas with the load.
	Autoscaler *Autoscaler `json:"autoscaler,omitempty"`
	// Router is how the traffic router behaves from the beginning.
	Router *RouterPlan `json:"router,omitempty"`
	// Faults are those of the API server, its caches and the controller.
	Faults Faults `json:"faults,omitempty"`
	// ReapplyEvery is how often the manifest is applied again, as GitOps tools do; 0 is never.
	ReapplyEvery Duration `json:"reapplyEvery,omitempty"`
	// PromoteAfter is when somebody ends each pause that has no duration; 0 is never.
	PromoteAfter Duration `json:"promoteAfter,omitempty"`
	// Events happen once each.
	Events []Happening `json:"events,omitempty"`
	// Expect is what must hold; without it the version must end as promoted.
	Expect *Expect `json:"expect,omitempty"`
}

// APIVersion and kind of a scenario.
const (
	ScenarioAPIVersion = "sluice.dev/v1alpha1"
	ScenarioKind       = "Scenario"
)

// ScenarioMeta names a scenario.
type ScenarioMeta struct {
	Name string `json:"name,omitempty"`
}

// Startup is how long the pods of a version need.
type Startup struct {
	// Version whose pods these are; "" is every version.
	Version string `json:"version,omitempty"`
	// Startup is the time from a pod's creation until it is ready. What minReadySeconds asks for comes on top.
	Startup Duration `json:"startup,omitempty"`
	// Never says that they do not become ready at all.
	Never bool `json:"never,omitempty"`
}

// Series is what a metric is over time. Before its first value the metric is assumed to pass.
type Series struct {
	// Name of the metric in its analysis template.
	Name string `json:"name"`
	// Version that is measured; "" is every version.
	Version string `json:"version,omitempty"`
	// Is holds all the time; Values hold from their moments on.
	Is     *Value  `json:"is,omitempty"`
	Values []Point `json:"values,omitempty"`
}

// Point is a value from a moment on.
type Point struct {
	At Duration `json:"at"`
	Is Value    `json:"is"`
	// Ramp says that the value comes to this evenly from the one before, and holds it from then on.
	Ramp bool `json:"ramp,omitempty"`
}

// JobPlan is what the Jobs of a metric come to.
type JobPlan struct {
	// Metric whose Jobs these are; "" is every metric with a Job.
	Metric  string `json:"metric,omitempty"`
	Version string `json:"version,omitempty"`
	// Takes is how long a Job runs, 30s by default; Never says that it does not end.
	Takes Duration `json:"takes,omitempty"`
	Never bool     `json:"never,omitempty"`
	// ExitCode of its container, and Report, the JSON object it wrote as termination message.
	ExitCode int32          `json:"exitCode,omitempty"`
	Report   map[string]any `json:"report,omitempty"`
}

// Autoscaler is a HorizontalPodAutoscaler of the Rollout: it looks every 15 s and changes spec.replicas so
// that each pod carries perPod of the load, with the usual tolerance of 10 % and 5 minutes before it
// scales down.
type Autoscaler struct {
	Min    int32       `json:"min,omitempty"` // 1 by default
	Max    int32       `json:"max"`
	PerPod float64     `json:"perPod"`
	Load   []LoadPoint `json:"load"`
}

// LoadPoint is the load from a moment on, in the unit of perPod.
type LoadPoint struct {
	At Duration `json:"at"`
	Is float64  `json:"is"`
}

// RouterPlan is how the traffic router behaves.
type RouterPlan struct {
	// Lag is how long it takes until it does what it was told.
	Lag Duration `json:"lag,omitempty"`
	// Refuses says that it takes no change, Never that it takes them and does nothing.
	Refuses bool `json:"refuses,omitempty"`
	Never   bool `json:"never,omitempty"`
}

// String is what the router does from now on.
func (r *RouterPlan) String() string {
	switch {
	case r.Refuses:
		return "takes no change from now on"
	case r.Never:
		return "takes every change from now on and does nothing"
	case r.Lag > 0:
		return "needs " + r.Lag.String() + " for a change from now on"
	}
	return "does at once what it is told from now on"
}

// Faults are those around the controller. A number n means every n-th time; 0 is never.
type Faults struct {
	// Conflicts: the write is refused because the object has changed.
	Conflicts int `json:"conflicts,omitempty"`
	// Crashes: the controller dies before the write, and starts again at once.
	Crashes int `json:"crashes,omitempty"`
	// Losses: the write is lost without an error. Repeats: it arrives twice.
	Losses  int `json:"losses,omitempty"`
	Repeats int `json:"repeats,omitempty"`
	// Stale is how many changes everything that is read lies behind.
	Stale int `json:"stale,omitempty"`
}

// Happening is one thing that happens at a moment.
type Happening struct {
	At Moment `json:"at"`
	// Do is a command: promote, promote-full, skip, abort, retry, pause, resume, restart, undo.
	Do string `json:"do,omitempty"`
	// Apply applies another version under this name; one that there was is applied again.
	Apply string `json:"apply,omitempty"`
	// Reapply applies the manifest again as it is.
	Reapply bool `json:"reapply,omitempty"`
	// Scale sets spec.replicas.
	Scale *int32 `json:"scale,omitempty"`
	// Crash lets pods fail, Evict takes them away, NodeLoss takes the pods of a node, whatever their version.
	Crash    *Loss `json:"crash,omitempty"`
	Evict    *Loss `json:"evict,omitempty"`
	NodeLoss *Loss `json:"nodeLoss,omitempty"`
	// Router changes how the router behaves.
	Router *RouterPlan `json:"router,omitempty"`
	// Outage is for how long no controller runs.
	Outage Duration `json:"outage,omitempty"`
}

// Loss is which pods are lost.
type Loss struct {
	// Version whose pods these are; "" is the new one, and every version for a node.
	Version string `json:"version,omitempty"`
	// Pods is how many; by default all of the version, and a third of all pods for a node.
	Pods int32 `json:"pods,omitempty"`
	// For is how long they stay away; by default crashed pods do not come back, and those of a node are
	// replaced after 5 minutes. Evicted pods are replaced at once.
	For Duration `json:"for,omitempty"`
}

// Expect is what must hold for a scenario to be as expected. What is not given is not checked.
type Expect struct {
	// Ends is how it must end: promoted, aborted, paused or reverted; Within is how soon.
	Ends   string   `json:"ends,omitempty"`
	Within Duration `json:"within,omitempty"`
	// Because is a text that the reason of the end contains.
	Because string `json:"because,omitempty"`
	// Decisions are reasons of decisions that must have been taken.
	Decisions []string `json:"decisions,omitempty"`
	// MinAvailable is the fewest pods that may serve the requests, as they are divided, at any time.
	MinAvailable *int32 `json:"minAvailable,omitempty"`
	// Unserved is for how long there may be requests that nobody could serve.
	Unserved *Duration `json:"unserved,omitempty"`
	// MaxWeight is the largest share of the requests, in percent, that the new version may have got.
	MaxWeight *int32 `json:"maxWeight,omitempty"`
	// SafeWithin is how soon an abort at any step must have ended.
	SafeWithin Duration `json:"safeWithin,omitempty"`
}

// The ways in which an update ends.
const (
	EndsPromoted   = "promoted"
	EndsAborted    = "aborted"
	EndsPaused     = "paused"
	EndsReverted   = "reverted" // the old version was applied again
	EndsUnfinished = "unfinished"
)
