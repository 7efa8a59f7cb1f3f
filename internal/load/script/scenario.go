package script

import (
	"fmt"
	"strconv"
	"strings"

	"sluice.dev/sluice/internal/load/series"
	"sluice.dev/sluice/internal/load/suggest"
)

// Bounds that keep tables and reports small.
const (
	maxScenarios = 500
	maxSteps     = 5000
	maxEndpoints = 200
)

var scenarioKeys = keys{
	now:   []string{"name", "weight", "flow", "engine"},
	later: []string{"beforeScenario", "afterScenario", "beforeRequest", "afterResponse", "onError", "variables"},
}

// flow compiles the steps of all scenarios; it shares the endpoints between them.
type flow struct {
	*compiler
	naming    endpoints
	namespace string
	known     map[string]*series.Endpoint
	crowded   bool
	steps     int
}

func (c *compiler) scenarios(v *value, s *Script, naming endpoints) {
	if len(v.items) > maxScenarios {
		c.fail(v.at, "scenarios", "%d scenarios are more than %d", len(v.items), maxScenarios)
		return
	}
	f := &flow{compiler: c, naming: naming, namespace: s.Namespace, known: map[string]*series.Endpoint{}}
	var weights int64
	for i, item := range v.items {
		scenario := f.scenario(item, i)
		weights += scenario.Weight
		s.Scenarios = append(s.Scenarios, scenario)
		c.catalogue.AddScenario(scenario.Name)
	}
	if weights == 0 {
		c.fail(v.at, "scenarios", "every scenario has weight 0, so none can be picked")
	}
	if f.steps > maxSteps {
		c.fail(v.at, "scenarios", "%d steps are more than %d", f.steps, maxSteps)
	}
}

func (f *flow) scenario(v *value, i int) Scenario {
	path := index("scenarios", i)
	out := Scenario{Name: strconv.Itoa(i), Weight: 1}
	var steps *value
	for _, field := range f.fields(v, path, scenarioKeys) {
		where := path + "." + field.key
		switch field.key {
		case "name":
			out.Name = f.text(field.value, where)
		case "weight":
			out.Weight = f.whole(field.value, where, 0, 1_000_000)
		case "engine":
			if engine := f.text(field.value, where); engine != "http" {
				f.fail(field.value.at, where, "%s: not supported; this runs http only", engine)
			}
		case "flow":
			steps = field.value
		}
	}
	if steps == nil || steps.kind != list {
		f.fail(v.at, path+".flow", "a scenario needs a list of steps")
		return out
	}
	out.Steps = f.list(steps, path+".flow", nil)
	return out
}

// list compiles steps; a list among them, as anchors make, stands for its own steps.
func (f *flow) list(v *value, path string, steps []Step) []Step {
	for i, item := range v.items {
		if f.steps++; f.steps > maxSteps {
			return steps
		}
		if item.kind == list {
			steps = f.list(item, index(path, i), steps)
			continue
		}
		if step, ok := f.step(item, index(path, i)); ok {
			steps = append(steps, step)
		}
	}
	return steps
}

var (
	verbs      = []string{"get", "post", "put", "patch", "delete", "head", "options", "trace"}
	stepsLater = []string{"loop", "parallel", "log", "function", "count", "over", "whileTrue"}
)

func (f *flow) step(v *value, path string) (Step, bool) {
	if v.kind != object || len(v.fields) == 0 {
		f.fail(v.at, path, "a step must be a map such as get: {url: /}, not %s", v.describe())
		return Step{}, false
	}
	first := v.fields[0]
	for _, extra := range v.fields[1:] {
		if contains(stepsLater, extra.key) || extra.key == "jitter" {
			f.fail(extra.at, dotted(path, extra.key), "not supported yet")
			continue
		}
		f.fail(extra.at, dotted(path, extra.key), "a step has one key, and this one already has %s", first.key)
	}
	where := dotted(path, first.key)
	switch verb := strings.ToLower(first.key); {
	case first.key == "think":
		return f.think(first.value, where), true
	case contains(verbs, verb):
		return Step{Request: f.request(strings.ToUpper(verb), first, where)}, true
	case contains(stepsLater, first.key):
		f.fail(first.at, where, "not supported yet")
	default:
		f.fail(first.at, where, "unknown step%s", suggest.Hint(first.key, append(append([]string{"think"}, verbs...), stepsLater...)))
	}
	return Step{}, false
}

func (f *flow) think(v *value, path string) Step {
	t := f.template(v, path)
	if !t.IsStatic() {
		return Step{Think: &Think{Text: t}}
	}
	d, ok := ParseSeconds(t.Source())
	if !ok {
		f.fail(v.at, path, "must be seconds or a text such as 500ms, not %s", v.describe())
	}
	if n, isFloat := v.scalar.(float64); isFloat && n != float64(int64(n)) {
		f.warn(v.at, path, "%s is taken as %s; Artillery would not pause at all", t.Source(), d)
	}
	return Step{Think: &Think{Fixed: d, Text: t}}
}

// endpoint names a request's series after its un-templated path and its name.
func (f *flow) endpoint(url, name string) *series.Endpoint {
	if name == "" && f.naming.ignoresUnnamed {
		return nil
	}
	label := pathOf(url)
	if f.naming.stripsQuery {
		label, _, _ = strings.Cut(label, "?")
	}
	switch {
	case name != "" && f.naming.onlyNames:
		label = name
	case name != "":
		label = fmt.Sprintf("%s (%s)", label, name)
	}
	if e, known := f.known[label]; known {
		return e
	}
	if len(f.known) >= maxEndpoints {
		if !f.crowded {
			f.crowded = true
			f.warn(Position{File: f.options.File}, "", "only the first %d endpoints have series of their own", maxEndpoints)
		}
		return nil
	}
	e := series.NewEndpoint(f.namespace, label)
	f.known[label] = &e
	f.catalogue.AddEndpoint(e)
	return &e
}

// pathOf cuts scheme and host off an address.
func pathOf(url string) string {
	_, rest, absolute := strings.Cut(url, "://")
	if !absolute {
		return url
	}
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		return rest[i:]
	}
	return "/"
}
