package script

import (
	"sluice.dev/sluice/internal/load/gate"
	"sluice.dev/sluice/internal/load/series"
)

var ensureKeys = keys{now: []string{"thresholds", "conditions", "maxErrorRate", "min", "max", "median", "p95", "p99"}}

// ensure compiles the gates. Artillery runs them only when the plugin is
// declared; a script that states gates wants them, so we run them always.
func (c *compiler) ensure(r raw, s *Script) {
	settings, path := r.ensurePlugin, "config.plugins.ensure"
	if r.ensure != nil {
		if r.ensurePlugin == nil {
			c.warn(r.ensure.at, "config.ensure", "checked here; Artillery would not, because plugins.ensure is not declared")
		} else if len(r.ensurePlugin.fields) > 0 {
			c.warn(r.ensurePlugin.at, path, "ignored, because config.ensure is there too")
		}
		settings, path = r.ensure, "config.ensure"
	}
	if settings == nil {
		return
	}
	for _, f := range c.fields(settings, path, ensureKeys) {
		where := path + "." + f.key
		switch f.key {
		case "thresholds":
			c.thresholds(f.value, where, s)
		case "conditions":
			c.conditions(f.value, where, s)
		case "maxErrorRate":
			c.maxErrorRate(f.value, where, s)
		default:
			c.threshold(field{key: series.ResponseTime + "." + f.key, at: f.at, value: f.value}, where, s)
		}
	}
}

func (c *compiler) thresholds(v *value, path string, s *Script) {
	if v.kind != list {
		c.fail(v.at, path, "must be a list of metric: limit, not %s", v.describe())
		return
	}
	for i, item := range v.items {
		if item.kind != object || len(item.fields) == 0 {
			c.fail(item.at, index(path, i), "must be metric: limit, not %s", item.describe())
			continue
		}
		for _, f := range item.fields {
			c.threshold(f, index(path, i)+"."+f.key, s)
		}
	}
}

func (c *compiler) threshold(f field, path string, s *Script) {
	limit := c.number(f.value, path)
	check, err := gate.Threshold(f.key, limit, c.catalogue)
	if err != nil {
		c.fail(f.at, path, "%s", err)
		return
	}
	s.Checks = append(s.Checks, check)
}

var conditionKeys = keys{now: []string{"expression", "strict"}}

func (c *compiler) conditions(v *value, path string, s *Script) {
	if v.kind != list {
		c.fail(v.at, path, "must be a list of expressions, not %s", v.describe())
		return
	}
	for i, item := range v.items {
		c.condition(item, index(path, i), s)
	}
}

func (c *compiler) condition(v *value, path string, s *Script) {
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
		c.fail(expression.at, path+".expression", "%s", err)
		return
	}
	check.Strict = strict
	s.Checks = append(s.Checks, check)
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
