package script

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"sluice.dev/sluice/internal/load/gate"
	"sluice.dev/sluice/internal/load/series"
)

var ensureKeys = keys{now: []string{"thresholds", "conditions", "maxErrorRate", "min", "max", "median", "p95", "p99"}}

// ensure compiles the gates. Artillery runs them only when the plugin is
// declared. Without it they are computed and shown, but decide nothing, unless
// enforcing them is asked for.
func (c *compiler) ensure(r raw, s *Script) {
	settings, path := r.ensurePlugin, "config.plugins.ensure"
	loaded := r.ensurePlugin != nil
	if r.ensure != nil {
		if loaded && len(r.ensurePlugin.fields) > 0 {
			c.warn(CodeIgnored, r.ensurePlugin.at, path, "ignored, because config.ensure is there too")
		}
		settings, path = r.ensure, "config.ensure"
	}
	if settings == nil {
		return
	}
	c.ensured = settings
	for _, f := range c.fields(settings, path, ensureKeys) {
		where := path + "." + f.key
		switch f.key {
		case "thresholds":
			c.thresholds(f.value, where, s)
		case "conditions":
			c.conditions(f.value, where, s)
		case "maxErrorRate":
			c.errorRate = f.value
			c.maxErrorRate(f.value, where, s)
		default:
			c.legacy(f, where, s)
		}
	}
	if !loaded {
		c.notLoaded(settings, path, s)
	}
}

var leadingInteger = regexp.MustCompile(`^\s*[-+]?\d+`)

// legacy reads p95: 200 and the like, whose limit is cut to a whole number as parseInt cuts it.
func (c *compiler) legacy(f field, path string, s *Script) {
	limit := *f.value
	if n := strings.TrimSpace(leadingInteger.FindString(asText(limit.scalar))); n != "" {
		if whole, known := asNumber(f.value); known && cutFar(whole) {
			c.add(Problem{
				At: f.value.at, Path: path, Severity: Warning, Code: CodeOddLimit,
				Text:    asText(limit.scalar) + " is cut to " + n + ", as by Artillery: whole milliseconds count here",
				Instead: "write thresholds: [" + series.ResponseTime + "." + f.key + ": " + asText(limit.scalar) + "]",
			})
		}
		limit.scalar = n
	}
	c.threshold(field{key: series.ResponseTime + "." + f.key, at: f.at, value: &limit}, path, s)
}

// cutFar says that a limit loses more than people would notice when it is cut to a whole number.
func cutFar(limit float64) bool { return math.Abs(limit-math.Trunc(limit)) > 0.05*math.Abs(limit) }

// notLoaded makes gates whose plugin is not declared count only when asked to.
func (c *compiler) notLoaded(settings *value, path string, s *Script) {
	if c.options.Enforce {
		c.add(Problem{
			At: settings.at, Path: path, Severity: Advice, Code: CodeEnsureNotLoaded,
			Text:    "is enforced here; elsewhere, without --enforce, nothing would be, because plugins.ensure is not declared",
			Instead: "add config.plugins.ensure: {}",
		})
		return
	}
	for i := range s.Checks {
		s.Checks[i].Strict = false
	}
	c.add(Problem{
		At: settings.at, Path: path, Severity: Warning, Code: CodeEnsureNotLoaded,
		Text:    "shown, but not enforced, because plugins.ensure is not declared",
		Instead: "add config.plugins.ensure: {}, or run with --enforce",
	})
}

func (c *compiler) thresholds(v *value, path string, s *Script) {
	if v.kind != list {
		c.fail(v.at, path, "must be a list of metric: limit, not %s", v.describe())
		return
	}
	for i, item := range v.items {
		if c.full() {
			return
		}
		if item.kind != object || len(item.fields) == 0 {
			c.fail(item.at, index(path, i), "must be metric: limit, not %s", item.describe())
			continue
		}
		for _, f := range item.fields {
			if c.full() {
				return
			}
			c.threshold(f, index(path, i)+"."+f.key, s)
		}
	}
}

func (c *compiler) threshold(f field, path string, s *Script) {
	before := len(c.problems)
	limit := c.number(f.value, path)
	known := len(c.problems) == before
	check, err := gate.Threshold(f.key, limit, c.catalogue)
	if err != nil {
		c.badGate(f.at, path, err, s)
	} else if known {
		c.keep(check, f.at, path, s)
		c.upper(f, path, limit)
	}
}

// upper warns of an upper bound on what is better the larger it is.
func (c *compiler) upper(f field, path string, limit float64) {
	better := []string{series.Apdex, series.Achieved, series.RequestRate, series.Requests, series.Responses, series.VUsersCompleted, series.Codes + "200", series.Codes + "2xx"}
	if slices.Contains(better, f.key) {
		c.add(Problem{
			At: f.at, Path: path, Severity: Warning, Code: CodeOddLimit, Text: fmt.Sprintf("a threshold is an upper bound: the test fails when %s is %s or more", f.key, asText(limit)),
			Instead: fmt.Sprintf("if at least that much is wanted, write conditions: [{expression: \"%s >= %s\"}]", f.key, asText(limit)),
		})
	}
}

// keep adds a gate, and says which of its metrics only a processor can make.
func (c *compiler) keep(check gate.Check, at Position, path string, s *Script) {
	for _, name := range check.Custom() {
		// A histogram's name is followed by what is asked of it.
		if bare := name[:max(0, strings.LastIndexByte(name, '.'))]; !c.mayBeSet(name) && (bare == "" || !c.mayBeSet(bare)) {
			c.warn(CodeUnknownMetric, at, path, "no run has the metric %s, and the processor's text does not name it", name)
		}
	}
	if s.Apdex == 0 && slices.Contains(check.Names(), series.Apdex) {
		c.add(Problem{
			At: at, Path: path, Severity: Warning, Code: CodeUnknownMetric,
			Text: "nothing scores apdex, so the gate is never met", Instead: "add config.apdex: {threshold: 500}",
		})
	}
	for _, d := range check.Doubts() {
		c.add(Problem{At: at, Path: path, Severity: Warning, Code: CodeOddLimit, Text: d.Text, Instead: d.Instead})
	}
	s.Checks = append(s.Checks, check)
}

func (c *compiler) badGate(at Position, path string, err error, s *Script) {
	p := Problem{At: at, Path: path, Code: CodeInvalid, Text: err.Error()}
	var unknown gate.UnknownMetricError
	if errors.As(err, &unknown) {
		p.Code, p.Text, p.Instead = CodeUnknownMetric, unknown.Text(), unknown.Instead()
		if needs := c.missing(unknown.Name, s); needs != "" {
			p.Instead = needs
		}
	}
	c.add(p)
}

var conditionKeys = keys{now: []string{"expression", "strict"}}

func (c *compiler) conditions(v *value, path string, s *Script) {
	if v.kind != list {
		c.fail(v.at, path, "must be a list of expressions, not %s", v.describe())
		return
	}
	for i, item := range v.items {
		if c.full() {
			return
		}
		c.condition(item, index(path, i), s)
	}
}

func (c *compiler) condition(v *value, path string, s *Script) {
	if v.kind == scalar {
		c.add(Problem{
			At: v.at, Path: path, Code: CodeInvalid, Text: "must be a map, not " + v.describe(),
			Instead: fmt.Sprintf("write expression: %q", asText(v.scalar)),
		})
		return
	}
	var expression *value
	strict := true
	for _, f := range c.fields(v, path, conditionKeys) {
		if f.key == "strict" {
			strict = c.boolean(f.value, path+".strict")
		} else {
			expression = f.value
		}
	}
	if expression == nil {
		if v.kind == object {
			c.fail(v.at, path, "the condition has no expression")
		}
		return
	}
	check, err := gate.Condition(c.settled(expression, path+".expression"), c.catalogue)
	if err != nil {
		c.badGate(expression.at, path+".expression", err, s)
		return
	}
	check.Strict = strict
	c.keep(check, expression.at, path+".expression", s)
}

func (c *compiler) maxErrorRate(v *value, path string, s *Script) {
	limit := c.number(v, path)
	if limit < 0 || limit > 100 {
		c.fail(v.at, path, "must be a percentage from 0 to 100, not %s", v.describe())
		return
	}
	check, err := gate.MaxErrorRate(limit, c.catalogue)
	if err != nil {
		c.fail(v.at, path, "%s", err)
		return
	}
	s.Checks = append(s.Checks, check)
}
