package script

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"sluice.dev/sluice/internal/load/schedule"
)

// DefaultTimeout is how long an answer's headers may take when the script does not say.
const DefaultTimeout = 10 * time.Second

// raw keeps the parts of the configuration that are compiled after the others.
type raw struct {
	// headers and cookies of all requests win over each other in this order, the last the most.
	headers, cookies []placed
	phases           *value
	poisson          bool
	ensure           *value // config.ensure
	ensurePlugin     *value // config.plugins.ensure; nil when it is not declared
	endpoints        endpoints
	// timeoutOnTop says that config.timeout is there, which wins over http.timeout.
	timeoutOnTop bool
}

// placed is a value with its path in the script.
type placed struct {
	*value
	path string
}

var configKeys = keys{
	now: []string{
		"target", "phases", "environments", "variables", "http", "defaults", "timeout", "tls", "plugins", "ensure", "apdex",
		"mode", "statsInterval", "includeFiles", "bundling", "payload", "processor", "engines",
	},
	never: map[string]string{
		"engine":   "this sends HTTP only: leave it out",
		"ws":       "WebSocket scenarios are not run: leave them to a tool that has them",
		"socketio": "Socket.IO scenarios are not run: leave them to a tool that has them",
	},
}

// parts say how each key of the configuration is compiled. Keys without a part
// were used before (environments) or mean nothing here (statsInterval, bundling).
var parts = map[string]func(c *compiler, v *value, s *Script, r *raw){
	"target":    func(c *compiler, v *value, s *Script, _ *raw) { s.Target = c.target(v, "config.target") },
	"phases":    func(_ *compiler, v *value, _ *Script, r *raw) { r.phases = v },
	"variables": func(c *compiler, v *value, s *Script, _ *raw) { s.Variables = c.variables(v, "config.variables") },
	"http":      (*compiler).http,
	"defaults": func(c *compiler, v *value, s *Script, r *raw) {
		c.defaultsOf(v, "config.defaults", s, r)
	},
	"timeout":   func(c *compiler, v *value, s *Script, _ *raw) { s.Timeout = c.timeout(v, "config.timeout") },
	"tls":       func(c *compiler, v *value, s *Script, _ *raw) { c.tls(v, s) },
	"plugins":   (*compiler).plugins,
	"ensure":    func(_ *compiler, v *value, _ *Script, r *raw) { r.ensure = v },
	"apdex":     func(c *compiler, v *value, s *Script, _ *raw) { c.apdex(v, s, "config.apdex") },
	"mode":      func(c *compiler, v *value, _ *Script, r *raw) { r.poisson = c.isPoisson(v, "config.mode") },
	"payload":   func(c *compiler, v *value, s *Script, _ *raw) { s.Payloads = c.payloads(v) },
	"processor": func(c *compiler, v *value, s *Script, _ *raw) { c.processor(v, s) },
	"engines":   func(c *compiler, v *value, _ *Script, _ *raw) { c.engines(v) },
}

func (c *compiler) config(config *value, s *Script) raw {
	r := raw{endpoints: endpoints{stripsQuery: true}, timeoutOnTop: config.get("timeout") != nil}
	s.Timeout = DefaultTimeout
	for _, f := range inOrder(c.fields(config, "config", configKeys)) {
		if part := parts[f.key]; part != nil {
			part(c, f.value, s, &r)
		}
	}
	if config.get("target") == nil {
		c.add(Problem{
			At: config.at, Path: "config.target", Severity: Error, Code: CodeNoTarget,
			Text: "there is no target", Instead: "set it here or with -t",
		})
	}
	if c.options.Insecure {
		s.Insecure = true
	}
	if c.options.Payload != "" && config.get("payload") == nil {
		c.warn(CodeIgnored, Position{File: "--payload"}, "", "ignored, because the script has no config.payload that names the columns")
	}
	if c.options.Solo {
		r.phases = nil
	}
	s.Plan = c.phases(r, config.at)
	c.length = s.Plan.Length()
	return r
}

// inOrder puts what wins behind what it wins over: http.defaults over defaults,
// and config.apdex over plugins.apdex, whatever the order in the file.
func inOrder(fields []field) []field {
	var first, rest []field
	for _, f := range fields {
		if f.key == "defaults" || f.key == "plugins" {
			first = append(first, f)
		} else {
			rest = append(rest, f)
		}
	}
	return append(first, rest...)
}

// engines refuses every engine but http, which has no settings there.
func (c *compiler) engines(v *value) {
	if v.kind != object && v.kind != nothing {
		c.fail(v.at, "config.engines", "must be a map, not %s", v.describe())
	}
	for _, f := range v.fields {
		path := "config.engines." + f.key
		if f.key == "http" {
			c.warn(CodeIgnored, f.at, path, "ignored, as in Artillery: what HTTP requests are sent with stands in config.http")
			continue
		}
		c.refuse(f.at, path, "not supported", "this sends HTTP only: leave engines other than http to a tool that has them")
	}
}

func (c *compiler) isPoisson(v *value, path string) bool {
	switch mode := c.settled(v, path); mode {
	case "poisson":
		return true
	case "uniform":
	default:
		c.fail(v.at, path, "must be uniform or poisson, not %s", v.describe())
	}
	return false
}

func (c *compiler) target(v *value, path string) string {
	target := c.settled(v, path)
	if strings.Contains(target, "{{") {
		return target
	}
	u, err := url.Parse(target)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		c.fail(v.at, path, "must be an address that begins with http:// or https://, not %s", v.describe())
		return target
	}
	if port, err := strconv.Atoi(u.Port()); err == nil && (port < 1 || port > 65535) {
		c.fail(v.at, path, "the port %d is not from 1 to 65535", port)
	}
	c.prefix(v, path, u)
	return target
}

// prefix warns of a target that urls do not fit behind.
func (c *compiler) prefix(v *value, path string, u *url.URL) {
	switch {
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		c.add(Problem{
			At: v.at, Path: path, Severity: Warning, Code: CodeOddTarget, Text: "has a query or a fragment, and what begins with / in a url is put behind it",
			Instead: "write the query in the url of each request",
		})
	case strings.HasSuffix(u.Path, "/"):
		c.add(Problem{
			At: v.at, Path: path, Severity: Warning, Code: CodeOddTarget, Text: "ends with /, and a url such as /a is put behind it as it is: //a is sent",
			Instead: "write it without the last /",
		})
	}
}

func (c *compiler) variables(v *value, path string) map[string]any {
	out := map[string]any{}
	if v.kind == nothing {
		return out
	}
	if v.kind != object {
		c.fail(v.at, path, "must be a map, not %s", v.describe())
		return out
	}
	for _, f := range v.fields {
		c.noPlaceholders(f.value, path+"."+f.key)
		if f.value.kind == list && len(f.value.items) == 0 {
			c.fail(f.value.at, path+"."+f.key, "an empty list has no element to take")
		}
		out[f.key] = f.value.plain()
	}
	return out
}

func (c *compiler) noPlaceholders(v *value, path string) {
	if s, ok := v.scalar.(string); ok {
		c.noneLeft(v, path, s)
	}
	for _, item := range v.items {
		c.noPlaceholders(item, path)
	}
	for _, f := range v.fields {
		c.noPlaceholders(f.value, path+"."+f.key)
	}
}

var phaseKeys = keys{now: []string{"name", "duration", "arrivalRate", "rampTo", "arrivalCount", "pause", "maxVusers", "mode"}}

// phases compiles the arrival plan; a script without phases has one arrival.
func (c *compiler) phases(r raw, at Position) schedule.Plan {
	phases := []schedule.Phase{{Name: "Phase 1", Kind: schedule.Count, Duration: time.Second, Arrivals: 1}}
	before := len(c.problems)
	if v := r.phases; v != nil {
		at = v.at
		phases = nil
		if v.kind != list || len(v.items) == 0 {
			c.add(Problem{
				At: v.at, Path: "config.phases", Code: CodeInvalid, Instead: dash(v),
				Text: "must be a list of at least one phase, not " + v.describe(),
			})
		}
		for i, item := range v.items {
			phases = append(phases, c.phase(item, i, r.poisson))
		}
		unique(phases)
	}
	plan, err := schedule.New(phases)
	if err != nil {
		c.fail(at, "config.phases", "%s", err)
	}
	if len(c.problems) == before {
		c.idle(r.phases, plan)
	}
	return plan
}

// dash says how a map becomes a list of one.
func dash(v *value) string {
	if v.kind != object {
		return ""
	}
	return "put a dash in front of its first key, and indent the others as far"
}

// idle warns of phases in which nobody arrives.
func (c *compiler) idle(phases *value, plan schedule.Plan) {
	if phases == nil || len(phases.items) != len(plan.Windows()) {
		return
	}
	for i, w := range plan.Windows() {
		item := phases.items[i]
		if w.Arrivals > 0 || item.get("pause") != nil {
			continue
		}
		p := Problem{
			At: item.at, Path: index("config.phases", i), Severity: Warning, Code: CodeNoArrivals,
			Text: "no virtual user arrives in this phase", Instead: "write pause if that is meant",
		}
		if w.Kind == schedule.Constant && w.Rate > 0 && w.Duration > 0 {
			p.Text += fmt.Sprintf(": %g per second are less than one in %s", w.Rate, w.Duration)
			p.Instead = "make it longer, or write arrivalCount: 1"
		}
		c.add(p)
	}
}
