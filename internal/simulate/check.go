package simulate

import (
	"fmt"
	"slices"
	"strings"

	api "sluice.dev/sluice/api/v1alpha1"
)

// Complaint is something wrong with a scenario, at a path in it.
type Complaint struct {
	Path    string
	Message string
	Fix     string
	// Word is a name that does not exist, and Known those that do, when that is the mistake.
	Word  string
	Known []string
}

// Error makes a Complaint usable as an error.
func (c *Complaint) Error() string {
	text := c.Message
	if c.Path != "" {
		text = c.Path + ": " + text
	}
	return strings.TrimSuffix(text+"; "+c.Fix, "; ")
}

// complaints collects what is wrong.
type complaints []Complaint

func (c *complaints) add(path, message, fix string) {
	*c = append(*c, Complaint{Path: path, Message: message, Fix: fix})
}

func (c *complaints) unknown(path, what, word string, known []string) {
	*c = append(*c, Complaint{Path: path, Message: fmt.Sprintf("there is no %s %q", what, word), Word: word, Known: known})
}

// Metrics are the names of the metrics of a setup, those with a Job apart.
func (s Setup) Metrics() (reads, jobs []string) {
	for _, template := range s.Templates {
		for _, m := range template.Metrics {
			if m.Provider.ByJob() {
				jobs = append(jobs, m.Name)
			} else {
				reads = append(reads, m.Name)
			}
		}
	}
	slices.Sort(reads)
	slices.Sort(jobs)
	return slices.Compact(reads), slices.Compact(jobs)
}

// Check says what is wrong with the scenario of a setup: everything, not the first.
func (s Setup) Check() []Complaint {
	c := &checked{rollout: s.Rollout, versions: s.Scenario.versions()}
	c.reads, c.jobs = s.Metrics()
	plot := s.Scenario
	c.header(plot)
	for i, rule := range plot.Pods {
		c.startup(fmt.Sprintf("pods[%d]", i), rule)
	}
	for i, series := range plot.Metrics {
		path := fmt.Sprintf("metrics[%d]", i)
		c.series(path, series)
		if first := slices.IndexFunc(plot.Metrics[:i], series.covers); first >= 0 && i < len(plot.Metrics)-s.short {
			c.add(path, fmt.Sprintf("is about the same metric and version as metrics[%d], which would mean nothing", first), "put all values into one of them")
		}
	}
	for i, plan := range plot.Jobs {
		path := fmt.Sprintf("jobs[%d]", i)
		c.version(path+".version", plan.Version)
		if plan.Metric != "" && !slices.Contains(c.jobs, plan.Metric) {
			c.unknown(path+".metric", "metric with a Job", plan.Metric, c.jobs)
		}
	}
	for i, e := range plot.Events {
		c.event(fmt.Sprintf("events[%d]", i), e)
	}
	c.rest(plot)
	return c.complaints
}

// checked is a scenario while it is checked, with the names that may stand in it.
type checked struct {
	complaints
	rollout     *api.Rollout
	versions    []string
	reads, jobs []string
}

// versions are the names of all versions there will be.
func (s Scenario) versions() []string {
	all := []string{versionOld, versionNew}
	for _, e := range s.Events {
		if e.Apply != "" && !slices.Contains(all, e.Apply) {
			all = append(all, e.Apply)
		}
	}
	return all
}

func (c *checked) version(path, name string) {
	if name != "" && !slices.Contains(c.versions, name) {
		c.unknown(path, "version", name, c.versions)
	}
}

func (c *complaints) header(plot Scenario) {
	if plot.APIVersion != "" && plot.APIVersion != ScenarioAPIVersion {
		c.add("apiVersion", fmt.Sprintf("is %q", plot.APIVersion), "write "+ScenarioAPIVersion)
	}
	if plot.Kind != "" && plot.Kind != ScenarioKind {
		c.add("kind", fmt.Sprintf("is %q", plot.Kind), "write "+ScenarioKind)
	}
}

func (c *checked) series(path string, s Series) {
	c.version(path+".version", s.Version)
	switch {
	case s.Name == "":
		c.add(path+".name", "is missing", "write the name of a metric: "+strings.Join(c.reads, ", "))
	case slices.Contains(c.jobs, s.Name):
		c.add(path+".name", fmt.Sprintf("%s is measured by a Job", s.Name), "say under jobs what it comes to")
	case !slices.Contains(c.reads, s.Name):
		c.unknown(path+".name", "metric", s.Name, c.reads)
	}
	if s.Is == nil && len(s.Values) == 0 {
		c.add(path, "has no values", "write is: 0.01, or values with at and is")
	}
	before := (*Point)(nil)
	for i := range s.Values {
		c.point(fmt.Sprintf("%s.values[%d]", path, i), s.Values[i], before)
		before = &s.Values[i]
	}
}

func (c *checked) point(path string, p Point, before *Point) {
	if p.Is.blank() {
		c.add(path+".is", "is missing", errValue.Error())
	}
	if before != nil && p.At <= before.At {
		c.add(path+".at", fmt.Sprintf("is %s and must come after the one before, %s", p.At, before.At), "")
	}
	if p.Ramp && (before == nil || !p.Is.single || !before.Is.single) {
		c.add(path+".ramp", "needs two numbers: this one and the one before", "")
	}
}

func (v Value) blank() bool { return v.Word == "" && v.Numbers == nil && v.Tree == nil }

func (c *checked) event(path string, e Happening) {
	said := e.says()
	switch len(said) {
	case 0:
		c.add(path, "says nothing that happens", "write do, apply, reapply, scale, crash, evict, nodeLoss, router or outage")
	case 1:
	default:
		c.add(path, "says several things: "+strings.Join(said, ", "), "make each of them an event of its own")
	}
	if known := Commands(); e.Do != "" && !slices.Contains(known, e.Do) {
		c.unknown(path+".do", "command", e.Do, known)
	}
	c.loss(path+".crash", e.Crash)
	c.loss(path+".evict", e.Evict)
	c.loss(path+".nodeLoss", e.NodeLoss)
	if e.Scale != nil {
		c.pods(path+".scale", "it", *e.Scale)
	}
	if e.Router != nil {
		c.router(path + ".router")
	}
	steps := 0
	if canary := c.rollout.Spec.Strategy.Canary; canary != nil {
		steps = len(canary.Steps)
	}
	if int(e.At.Step) > steps {
		c.add(path+".at", fmt.Sprintf("is step %d, and the rollout has %s", e.At.Step, count(steps, "step")), "")
	}
}

func (c *checked) loss(path string, l *Loss) {
	if l == nil {
		return
	}
	c.version(path+".version", l.Version)
	if l.Pods < 0 {
		c.add(path+".pods", fmt.Sprintf("is %d and cannot be negative", l.Pods), "")
	}
}

// maxPods is how many pods are played at most: each of them is looked at.
const maxPods = 5000

func (c *complaints) pods(path, what string, n int32) {
	if n < 0 || n > maxPods {
		c.add(path, fmt.Sprintf("%s is %d, and 0 to %d pods can be simulated", what, n, maxPods), "")
	}
}

// says are the things that happen in an event.
func (e Happening) says() (all []string) {
	for _, thing := range []struct {
		name  string
		there bool
	}{
		{"do", e.Do != ""}, {"apply", e.Apply != ""}, {"reapply", e.Reapply}, {"scale", e.Scale != nil}, {"crash", e.Crash != nil},
		{"evict", e.Evict != nil}, {"nodeLoss", e.NodeLoss != nil}, {"router", e.Router != nil}, {"outage", e.Outage > 0},
	} {
		if thing.there {
			all = append(all, thing.name)
		}
	}
	return all
}

func (c *checked) router(path string) {
	if canary := c.rollout.Spec.Strategy.Canary; canary == nil || canary.TrafficRouting == nil {
		c.add(path, "there is no traffic router: spec.strategy.canary.trafficRouting is not set", "leave it out")
	}
}

func (c *checked) rest(plot Scenario) {
	if plot.Router != nil {
		c.router("router")
	}
	if plot.Autoscaler != nil {
		c.autoscaler(*plot.Autoscaler)
	}
	if plot.Lasts != nil && *plot.Lasts <= 0 {
		c.add("lasts", "is 0s, so that nothing would be seen", "write a time such as 10m, or leave it out")
	}
	c.faults(plot.Faults)
	if plot.Expect != nil {
		c.expect(*plot.Expect)
	}
	if r := c.rollout.Spec.Replicas; r != nil {
		c.pods("", "spec.replicas of the Rollout", *r)
	}
}

func (c *checked) autoscaler(a Autoscaler) {
	switch {
	case a.PerPod <= 0:
		c.add("autoscaler.perPod", "must be more than 0: the load that one pod should carry", "")
	case a.Max < 1 || a.Max < a.Min:
		c.add("autoscaler.max", fmt.Sprintf("is %d and must be at least 1, and at least min", a.Max), "")
	case len(a.Load) == 0:
		c.add("autoscaler.load", "is missing", "write the load over time: [{at: 0s, is: 100}]")
	default:
		c.pods("autoscaler.max", "it", a.Max)
	}
	for i, load := range a.Load {
		if load.Is < 0 {
			c.add(fmt.Sprintf("autoscaler.load[%d].is", i), fmt.Sprintf("is %s, and a load cannot be negative", shortNumber(load.Is)), "")
		}
	}
}
