package script

import (
	"regexp"
	"strconv"
	"strings"

	"sluice.dev/sluice/internal/load/series"
	"sluice.dev/sluice/internal/load/template"
)

// Bounds that keep tables and reports small.
const (
	maxScenarios = 500
	maxSteps     = 5000
	maxEndpoints = 200
)

var scenarioKeys = keys{now: []string{
	"name", "weight", "flow", "engine", "variables",
	"beforeScenario", "afterScenario", "beforeRequest", "afterResponse", "onError",
}}

// flow compiles the steps of all scenarios; it shares the endpoints between them.
type flow struct {
	*compiler
	naming    endpoints
	namespace string
	// address is the target.
	address string
	known   map[string]*series.Endpoint
	crowded bool
	steps   int
	// uncounted steps have no endpoints: those of before and after.
	uncounted bool
}

func (c *compiler) newFlow(s *Script, naming endpoints) *flow {
	return &flow{compiler: c, naming: naming, namespace: s.Namespace, address: s.Target, known: map[string]*series.Endpoint{}}
}

func (f *flow) scenarios(v *value, s *Script) {
	if len(v.items) > maxScenarios {
		f.fail(v.at, "scenarios", "%d scenarios are more than %d", len(v.items), maxScenarios)
		return
	}
	for i, item := range v.items {
		scenario := f.scenario(item, index("scenarios", i), i)
		s.Scenarios = append(s.Scenarios, scenario)
		f.catalogue.AddScenario(scenario.Name)
	}
	if f.options.Scenario != "" {
		s.Scenarios = f.chosen(v, s.Scenarios)
	}
	var weights int64
	for _, scenario := range s.Scenarios {
		weights += scenario.Weight
	}
	if weights == 0 {
		f.fail(v.at, "scenarios", "every scenario has weight 0, so none can be picked")
	}
	if f.steps > maxSteps {
		f.fail(v.at, "scenarios", "%d steps are more than %d", f.steps, maxSteps)
	}
}

// chosen picks the one scenario that --scenario-name means: the one of that
// name, else the one whose name the pattern matches.
func (f *flow) chosen(v *value, all []Scenario) []Scenario {
	wanted := f.options.Scenario
	var exact, matching []Scenario
	pattern, err := regexp.Compile(wanted)
	for _, s := range all {
		if s.Name == wanted {
			exact = append(exact, s)
		}
		if err == nil && pattern.MatchString(s.Name) {
			matching = append(matching, s)
		}
	}
	if len(exact) > 0 {
		matching = exact
	}
	if len(matching) != 1 {
		names := make([]string, len(all))
		for i, s := range all {
			names[i] = s.Name
		}
		f.add(Problem{
			At: v.at, Path: "scenarios", Code: CodeInvalid, Instead: "there are " + strings.Join(names, ", "),
			Text: "--scenario-name " + wanted + " means " + strconv.Itoa(len(matching)) + " scenarios, and must mean one",
		})
		return all
	}
	matching[0].Weight = 1
	return matching
}

func (f *flow) scenario(v *value, path string, i int) Scenario {
	out := Scenario{Name: strconv.Itoa(i), Weight: 1}
	var steps *value
	for _, field := range f.fields(v, path, scenarioKeys) {
		where := dotted(path, field.key)
		switch field.key {
		case "name":
			out.Name = f.text(field.value, where)
		case "weight":
			out.Weight = f.weight(field.value, where)
		case "engine":
			f.engine(field.value, where)
		case "variables":
			out.Variables = f.variables(field.value, where)
		case "flow":
			steps = field.value
		default:
			f.hooks(field, where, &out)
		}
	}
	if steps == nil || steps.kind != list {
		f.fail(v.at, path+".flow", "a scenario needs a list of steps")
		return out
	}
	if len(steps.items) == 0 {
		f.warn(CodeEmpty, steps.at, path+".flow", "has no steps: the users of this scenario send nothing")
	}
	names := captured(steps)
	f.texts(steps)
	for name := range out.Variables {
		names = append(names, name)
	}
	f.within(names, func() { out.Steps = f.list(steps, path+".flow", nil) })
	return out
}

func (f *flow) hooks(field field, path string, to *Scenario) {
	names := f.functions(field.value, path)
	switch field.key {
	case "beforeScenario":
		to.Before = names
	case "afterScenario":
		to.After = names
	case "beforeRequest":
		to.BeforeRequest = names
	case "afterResponse":
		to.AfterResponse = names
	case "onError":
		to.OnError = names
	}
}

func (f *flow) engine(v *value, path string) {
	if engine := f.text(v, path); v.kind == scalar && engine != "http" {
		f.refuse(v.at, path, engine+": not supported", "this sends HTTP only: leave engine out, or run the scenario with a tool for "+engine)
	}
}

// weight reads a number, which may be a placeholder for what the configuration
// knows; it is cut to a whole one.
func (f *flow) weight(v *value, path string) int64 {
	if v.kind == scalar {
		v = expand(v, &template.Scope{Vars: f.names, Rand: f.random})
	}
	n, ok := asNumber(v)
	if !ok || n < 0 || n > 1_000_000 {
		f.fail(v.at, path, "must be a whole number from 0 to 1000000, not %s", v.describe())
		return 1
	}
	if n > 0 && n < 1 {
		f.add(Problem{
			At: v.at, Path: path, Severity: Warning, Code: CodeOddWeight, Text: asText(v.scalar) + " is cut to 0, so the scenario is never picked",
			Instead: "write whole numbers: 1 and 3 for a quarter and three quarters",
		})
	}
	return int64(n)
}

var onceKeys = keys{now: []string{"engine", "flow", "name"}}

// once compiles what runs one time, before or after the load.
func (f *flow) once(v *value, path string) *Scenario {
	out := &Scenario{Name: path, Weight: 1}
	var steps *value
	for _, field := range f.fields(v, path, onceKeys) {
		where := dotted(path, field.key)
		switch field.key {
		case "engine":
			f.engine(field.value, where)
		case "name":
			out.Name = f.text(field.value, where)
		case "flow":
			steps = field.value
		}
	}
	if steps == nil || steps.kind != list {
		f.fail(v.at, path+".flow", "needs a list of steps")
		return out
	}
	f.texts(steps)
	f.uncounted = true
	f.within(captured(steps), func() { out.Steps = f.list(steps, path+".flow", nil) })
	f.uncounted = false
	return out
}
