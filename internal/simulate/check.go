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
			if m.Provider.Job != nil {
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
	c := &complaints{}
	plot := s.Scenario
	c.header(plot)
	versions := []string{versionOld, versionNew}
	for _, e := range plot.Events {
		if e.Apply != "" && !slices.Contains(versions, e.Apply) {
			versions = append(versions, e.Apply)
		}
	}
	version := func(path, name string) {
		if name != "" && !slices.Contains(versions, name) {
			c.unknown(path, "version", name, versions)
		}
	}
	for i, rule := range plot.Pods {
		version(fmt.Sprintf("pods[%d].version", i), rule.Version)
		if rule.Startup == 0 && !rule.Never {
			c.add(fmt.Sprintf("pods[%d]", i), "says nothing", "write startup: 90s, or never: true")
		}
	}
	reads, jobs := s.Metrics()
	for i, series := range plot.Metrics {
		path := fmt.Sprintf("metrics[%d]", i)
		version(path+".version", series.Version)
		c.series(path, series, reads, jobs)
	}
	for i, plan := range plot.Jobs {
		path := fmt.Sprintf("jobs[%d]", i)
		version(path+".version", plan.Version)
		if plan.Metric != "" && !slices.Contains(jobs, plan.Metric) {
			c.unknown(path+".metric", "metric with a Job", plan.Metric, jobs)
		}
	}
	for i, e := range plot.Events {
		c.event(fmt.Sprintf("events[%d]", i), e, version, s.Rollout)
	}
	c.rest(plot, s.Rollout)
	if r := s.Rollout.Spec.Replicas; r != nil {
		c.pods("", "spec.replicas of the Rollout", *r)
	}
	return *c
}

func (c *complaints) header(plot Scenario) {
	if plot.APIVersion != "" && plot.APIVersion != ScenarioAPIVersion {
		c.add("apiVersion", fmt.Sprintf("is %q", plot.APIVersion), "write "+ScenarioAPIVersion)
	}
	if plot.Kind != "" && plot.Kind != ScenarioKind {
		c.add("kind", fmt.Sprintf("is %q", plot.Kind), "write "+ScenarioKind)
	}
}

func (c *complaints) series(path string, s Series, reads, jobs []string) {
	switch {
	case s.Name == "":
		c.add(path+".name", "is missing", "write the name of a metric: "+strings.Join(reads, ", "))
	case slices.Contains(jobs, s.Name):
		c.add(path+".name", fmt.Sprintf("%s is measured by a Job", s.Name), "say under jobs what it comes to")
	case !slices.Contains(reads, s.Name):
		c.unknown(path+".name", "metric", s.Name, reads)
	}
	if s.Is == nil && len(s.Values) == 0 {
		c.add(path, "has no values", "write is: 0.01, or values with at and is")
	}
	for i, point := range s.Values {
		at := fmt.Sprintf("%s.values[%d]", path, i)
		if point.Is.blank() {
			c.add(at+".is", "is missing", errValue.Error())
		}
		if i > 0 && point.At <= s.Values[i-1].At {
			c.add(at+".at", fmt.Sprintf("is %s and must come after the one before, %s", point.At, s.Values[i-1].At), "")
		}
		if point.Ramp && (i == 0 || !point.Is.single || !s.Values[i-1].Is.single) {
			c.add(at+".ramp", "needs two numbers: this one and the one before", "")
		}
	}
}

func (v Value) blank() bool { return v.Word == "" && v.Numbers == nil && v.Tree == nil }

func (c *complaints) event(path string, e Happening, version func(path, name string), ro *api.Rollout) {
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
	for name, loss := range map[string]*Loss{"crash": e.Crash, "evict": e.Evict, "nodeLoss": e.NodeLoss} {
		if loss != nil {
			version(path+"."+name+".version", loss.Version)
			if loss.Pods < 0 {
				c.add(path+"."+name+".pods", fmt.Sprintf("is %d and cannot be negative", loss.Pods), "")
			}
		}
	}
	if e.Scale != nil {
		c.pods(path+".scale", "it", *e.Scale)
	}
	if e.Router != nil {
		c.router(path+".router", ro)
	}
	steps := 0
	if canary := ro.Spec.Strategy.Canary; canary != nil {
		steps = len(canary.Steps)
	}
	if int(e.At.Step) > steps {
		c.add(path+".at", fmt.Sprintf("is step %d, and the rollout has %s", e.At.Step, count(steps, "step")), "")
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

func (c *complaints) router(path string, ro *api.Rollout) {
	if canary := ro.Spec.Strategy.Canary; canary == nil || canary.TrafficRouting == nil {
		c.add(path, "there is no traffic router: spec.strategy.canary.trafficRouting is not set", "leave it out")
	}
}

func (c *complaints) rest(plot Scenario, ro *api.Rollout) {
	if plot.Router != nil {
		c.router("router", ro)
	}
	if a := plot.Autoscaler; a != nil {
		switch {
		case a.PerPod <= 0:
			c.add("autoscaler.perPod", "must be more than 0: the load that one pod should carry", "")
		case a.Max < 1 || a.Max < a.Min:
			c.add("autoscaler.max", fmt.Sprintf("is %d and must be at least 1, and at least min", a.Max), "")
		case a.Max > maxPods:
			c.pods("autoscaler.max", "it", a.Max)
		case len(a.Load) == 0:
			c.add("autoscaler.load", "is missing", "write the load over time: [{at: 0s, is: 100}]")
		}
	}
	f := plot.Faults
	for name, n := range map[string]int{"conflicts": f.Conflicts, "crashes": f.Crashes, "losses": f.Losses, "repeats": f.Repeats} {
		if n < 0 || n == 1 {
			c.add("faults."+name, fmt.Sprintf("is %d: nothing could ever be written", n), "write 2 or more, for every second time or less often")
		}
	}
	if f.Stale < 0 || f.Stale >= maxPast {
		c.add("faults.stale", fmt.Sprintf("is %d and must be 0 to %d", f.Stale, maxPast-1), "")
	}
	if e := plot.Expect; e != nil && e.Ends != "" {
		if known := []string{EndsAborted, EndsPaused, EndsPromoted, EndsReverted}; !slices.Contains(known, e.Ends) {
			c.unknown("expect.ends", "end", e.Ends, known)
		}
	}
}
