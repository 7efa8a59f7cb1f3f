package simulate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// whatIf is a short form: what it is called, what its value is, and what it adds to a scenario.
type whatIf struct {
	name  string
	value string // what may follow the equals sign, "" for nothing; in brackets when it may be left out
	at    bool   // it happens at a moment
	says  string
	add   func(s *Scenario, a argument) error
}

// argument is what a short form was given.
type argument struct {
	value string
	at    Moment
	timed bool // a moment was given
}

// ShortForm is a way to say something in short, and what it means.
type ShortForm struct{ Form, Says string }

// WhatIfs lists the short forms for people.
func WhatIfs() []ShortForm {
	all := []ShortForm{
		{"METRIC=VALUE[@TIME]", "a metric of the new version has this value: 5%, 0.2, 250ms, " + strings.Join(ValueWords(), ", ")},
		{"METRIC=RESULT", "its Job comes to this: fail, pass, never, inconclusive, or an exit code"},
		{"COMMAND@MOMENT", "somebody gives this command: " + strings.Join(Commands(), ", ")},
	}
	for _, w := range whatIfs() {
		if !slices.Contains(Commands(), w.name) {
			all = append(all, ShortForm{w.form(), w.says})
		}
	}
	return all
}

func (w whatIf) form() string {
	text := w.name
	switch {
	case strings.HasPrefix(w.value, "["):
		text += "[=" + w.value[1:]
	case w.value != "":
		text += "=" + w.value
	}
	if w.at {
		text += "@MOMENT"
	}
	return text
}

// whatIfs are the short forms, sorted by their names.
func whatIfs() []whatIf {
	all := []whatIf{
		{"apply", "NAME", true, "another version is applied, under this name", func(s *Scenario, a argument) error {
			return s.event(Happening{At: a.at, Apply: a.value})
		}},
		{"conflicts", "N", false, "every N-th write is refused because the object has changed", faultOf(func(f *Faults) *int { return &f.Conflicts })},
		{"crash", "[N]", true, "pods of the new version crash and do not come back", lossOf(func(e *Happening, l *Loss) { e.Crash = l })},
		{"crashes", "N", false, "the controller dies before every N-th write", faultOf(func(f *Faults) *int { return &f.Crashes })},
		{"evict", "[N]", true, "pods of the new version are evicted", lossOf(func(e *Happening, l *Loss) { e.Evict = l })},
		{"hpa", "N", true, "an autoscaler sets spec.replicas", scaleTo},
		{"job", "RESULT", false, "the same for every Job of the new version", func(s *Scenario, a argument) error {
			return s.job("", a.value)
		}},
		{"job-takes", "TIME", false, "how long every Job runs", lengthOf(func(s *Scenario, d Duration) {
			s.Jobs = append(s.Jobs, JobPlan{Takes: d})
		})},
		{"losses", "N", false, "every N-th write is lost without an error", faultOf(func(f *Faults) *int { return &f.Losses })},
		{"never-ready", "", false, "pods of the new version do not become ready", func(s *Scenario, _ argument) error {
			s.Pods = append(s.Pods, Startup{Version: versionNew, Never: true})
			return nil
		}},
		{"node-loss", "[N]", true, "a node dies with N pods, or a third of all", lossOf(func(e *Happening, l *Loss) { e.NodeLoss = l })},
		{"outage", "TIME", true, "no controller runs for so long", func(s *Scenario, a argument) error {
			d, err := ParseDuration(a.value)
			if err != nil || d == 0 {
				return errDuration
			}
			return s.event(Happening{At: a.at, Outage: d})
		}},
		{"promote-after", "TIME", false, "somebody ends each pause without a duration after so long", lengthOf(func(s *Scenario, d Duration) { s.PromoteAfter = d })},
		{"reapply", "", true, "the manifest is applied again as it is", func(s *Scenario, a argument) error {
			return s.event(Happening{At: a.at, Reapply: true})
		}},
		{"reapply-every", "TIME", false, "GitOps applies the manifest again and again", lengthOf(func(s *Scenario, d Duration) { s.ReapplyEvery = d })},
		{"repeats", "N", false, "every N-th write arrives twice", faultOf(func(f *Faults) *int { return &f.Repeats })},
		{"router", "HOW", false, "the traffic router refuses every change, never does what it takes, or works; @MOMENT may follow", routed},
		{"router-lag", "TIME", false, "the traffic router needs so long for a change", lengthOf(func(s *Scenario, d Duration) { s.router().Lag = d })},
		{"scale", "N", true, "spec.replicas is set", scaleTo},
		{"slow-start", "TIME", false, "pods of the new version need so long to be ready", lengthOf(func(s *Scenario, d Duration) {
			s.Pods = append(s.Pods, Startup{Version: versionNew, Startup: d})
		})},
		{"stale", "N", false, "everything that is read lies N changes behind", faultOf(func(f *Faults) *int { return &f.Stale })},
	}
	for _, name := range Commands() {
		all = append(all, whatIf{name, "", true, "somebody gives this command", func(s *Scenario, a argument) error {
			return s.event(Happening{At: a.at, Do: name})
		}})
	}
	slices.SortFunc(all, func(a, b whatIf) int { return strings.Compare(a.name, b.name) })
	return all
}

func (s *Scenario) event(e Happening) error {
	s.Events = append(s.Events, e)
	return nil
}

func (s *Scenario) router() *RouterPlan {
	if s.Router == nil {
		s.Router = &RouterPlan{}
	}
	return s.Router
}

func faultOf(field func(*Faults) *int) func(*Scenario, argument) error {
	return func(s *Scenario, a argument) error {
		n, err := strconv.Atoi(a.value)
		if err != nil {
			return fmt.Errorf("write a whole number")
		}
		if n == 0 {
			return fmt.Errorf("0 is never, as without it: leave it out")
		}
		*field(&s.Faults) = n
		return nil
	}
}

func lossOf(set func(*Happening, *Loss)) func(*Scenario, argument) error {
	return func(s *Scenario, a argument) error {
		loss := &Loss{}
		if a.value != "" {
			n, err := strconv.ParseInt(a.value, 10, 32)
			if err != nil || n < 1 {
				return fmt.Errorf("write how many pods, or nothing")
			}
			loss.Pods = int32(n)
		}
		e := Happening{At: a.at}
		set(&e, loss)
		return s.event(e)
	}
}

func lengthOf(set func(*Scenario, Duration)) func(*Scenario, argument) error {
	return func(s *Scenario, a argument) error {
		d, err := ParseDuration(a.value)
		if err != nil || d == 0 {
			return errDuration
		}
		set(s, d)
		return nil
	}
}

func scaleTo(s *Scenario, a argument) error {
	n, err := strconv.ParseInt(a.value, 10, 32)
	if err != nil || n < 0 {
		return fmt.Errorf("write a number of pods")
	}
	replicas := int32(n)
	return s.event(Happening{At: a.at, Scale: &replicas})
}

func routed(s *Scenario, a argument) error {
	plan := RouterPlan{}
	switch a.value {
	case "refuses":
		plan.Refuses = true
	case "never":
		plan.Never = true
	case "works":
	default:
		return fmt.Errorf("write router=refuses, router=never or router=works")
	}
	if a.timed {
		return s.event(Happening{At: a.at, Router: &plan})
	}
	plan.Lag = s.router().Lag
	*s.router() = plan
	return nil
}

// job adds what a Job comes to; metric is "" for all.
func (s *Scenario) job(metric, value string) error {
	plan := JobPlan{Metric: metric, Version: versionNew}
	switch value {
	case wordFail:
		plan.ExitCode = 1
	case wordPass:
	case "never":
		plan.Never = true
	case wordInconclusive:
		plan.Report = map[string]any{"inconclusive": true}
	default:
		code, err := strconv.ParseInt(value, 10, 32)
		if err != nil {
			return fmt.Errorf("write fail, pass, never, inconclusive or an exit code")
		}
		plan.ExitCode = int32(code)
	}
	for _, old := range s.Jobs {
		if old.Takes > 0 && (old.Metric == "" || old.Metric == metric) {
			plan.Takes = old.Takes
		}
	}
	s.Jobs = append(s.Jobs, plan)
	return nil
}

// WhatIf adds a short form such as error-rate=5%@2m to the scenario.
func (s *Setup) WhatIf(text string) error {
	rest, moment, timed := strings.Cut(text, "@")
	name, value, valued := strings.Cut(rest, "=")
	a := argument{value: value, timed: timed}
	fault := func(fix string) error {
		return &Complaint{Message: fmt.Sprintf("--what-if %s cannot be understood", text), Fix: fix}
	}
	if timed {
		at, err := ParseMoment(moment)
		if err != nil {
			return fault(err.Error())
		}
		a.at = at
	}
	reads, jobs := s.Metrics()
	switch {
	case slices.Contains(reads, name):
		return s.answers(name, a, fault)
	case slices.Contains(jobs, name):
		if err := s.Scenario.job(name, value); err != nil || timed {
			return fault("write " + name + "=fail, pass, never, inconclusive or an exit code, without a moment")
		}
		return nil
	}
	all := whatIfs()
	i := slices.IndexFunc(all, func(w whatIf) bool { return w.name == name })
	if i < 0 {
		known := slices.Concat(reads, jobs)
		for _, w := range all {
			known = append(known, w.name)
		}
		return &Complaint{Message: fmt.Sprintf("--what-if %s: there is nothing called %q", text, name), Word: name, Known: known}
	}
	if !all[i].fits(valued, timed) {
		return fault("write " + all[i].form())
	}
	if err := all[i].add(&s.Scenario, a); err != nil {
		return fault(err.Error())
	}
	return nil
}

// fits says that a value and a moment are there where they must be, and only where they may be.
func (w whatIf) fits(valued, timed bool) bool {
	optional := strings.HasPrefix(w.value, "[")
	switch {
	case valued && w.value == "", !valued && w.value != "" && !optional:
		return false
	}
	return w.at == timed || w.name == "router"
}

func (s *Setup) answers(name string, a argument, fault func(string) error) error {
	value, err := ParseValue(a.value)
	switch {
	case err != nil:
		return fault(err.Error())
	case !a.at.timed():
		return fault("a metric changes at a time, such as " + name + "=" + a.value + "@2m")
	}
	s.short++
	s.Scenario.Metrics = append(s.Scenario.Metrics, Series{Name: name, Version: versionNew, Values: []Point{{At: a.at.After, Is: value}}})
	return nil
}
