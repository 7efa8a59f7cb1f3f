package script

import (
	"path/filepath"
	"strings"

	"sluice.dev/sluice/internal/load/template"
)

// prepare applies the environment, the target, the flags and the overrides, in
// Artillery's order, and fills the configuration's placeholders in.
func (c *compiler) prepare(root *value) *value {
	config := root.get("config")
	if config == nil || config.kind == nothing {
		config = &value{at: root.at, kind: object}
	}
	if config.kind != object {
		c.fail(config.at, "config", "must be a map, not %s", config.describe())
		return root
	}
	config = c.environment(config)
	if c.options.Target != "" {
		config = config.set("target", &value{at: Position{File: "--target"}, kind: scalar, scalar: c.options.Target})
	}
	root = root.set("config", config)
	root = merge(root, c.flagJSON("--overrides", c.options.Overrides))
	config = root.get("config")
	if config.kind != object {
		c.fail(config.at, "config", "must be a map, not %s", config.describe())
		return root
	}
	given := c.flagJSON("--variables", c.options.Variables)
	if len(given.fields) > 0 {
		config = config.set("variables", assign(config.get("variables"), given))
	}
	return root.set("config", expand(config, c.configScope(given)))
}

// environment lays the chosen environment over the configuration.
func (c *compiler) environment(config *value) *value {
	name, environments := c.options.Environment, config.get("environments")
	c.unchosen(environments, name)
	if name == "" {
		return config
	}
	chosen := environments.get(name)
	if chosen == nil {
		var known []string
		if environments != nil {
			for _, f := range environments.fields {
				known = append(known, f.key)
			}
		}
		c.add(Problem{
			// Artillery warns and sends the load to the target of nobody's choice.
			At: config.at, Path: "config.environments", Severity: Error, Code: CodeUnknownEnvironment,
			Text: "no environment is called " + name, Instead: oneOfThem(name, known),
		})
		return config
	}
	if chosen.kind != object {
		c.fail(chosen.at, "config.environments."+name, "must be a map, not %s", chosen.describe())
		return config
	}
	return merge(config, chosen)
}

// oneOfThem says which environment may have been meant, or which there are.
func oneOfThem(name string, known []string) string {
	switch near := hint(name, known); {
	case near != "":
		return near
	case len(known) == 0:
		return "the script has no config.environments"
	}
	return "there is " + strings.Join(known, ", ")
}

// unchosen warns of keys that no configuration has in the environments that are not looked at: when one of them is
// chosen, the script is refused.
func (c *compiler) unchosen(environments *value, chosen string) {
	if environments == nil {
		return
	}
	for _, e := range environments.fields {
		for _, f := range e.value.fields {
			if e.key == chosen || configKeys.has(f.key) {
				continue
			}
			path := dotted("config.environments", e.key)
			c.add(Problem{
				At: f.at, Path: dotted(path, f.key), Severity: Warning, Code: CodeUnknownKey,
				Text: "unknown key: with this environment the script is refused", Instead: c.instead(f.key, path, configKeys),
			})
		}
	}
}

// flagJSON reads a flag's JSON map; an empty flag is an empty map.
func (c *compiler) flagJSON(flag, text string) *value {
	empty := &value{at: Position{File: flag}, kind: object}
	if strings.TrimSpace(text) == "" {
		return empty
	}
	v, problem := read(flag, []byte(text))
	if problem != nil {
		c.fail(Position{File: flag}, "", "reading JSON: %s", problem)
		return empty
	}
	if v.kind != object {
		c.fail(v.at, "", "must be a JSON map, not %s", v.describe())
		return empty
	}
	return v
}

// assign replaces variable by variable, not deeper.
func assign(base, over *value) *value {
	if base == nil || base.kind != object {
		return over
	}
	return lay(base, over, func(_, over *value) *value { return over })
}

// builtins are the variables that every placeholder may name.
func (c *compiler) builtins() map[string]any {
	env := map[string]any{}
	for _, entry := range c.options.Environ {
		if name, v, ok := strings.Cut(entry, "="); ok {
			env[name] = v
		}
	}
	var environment any
	if c.options.Environment != "" {
		environment = c.options.Environment
	}
	return map[string]any{
		"$env": env, "$processEnvironment": env, "$environment": environment, "$testId": c.options.TestID,
		"$scenarioFile": c.options.File, "$dirname": filepath.Dir(c.options.File),
	}
}

func (c *compiler) configScope(given *value) *template.Scope {
	vars := c.builtins()
	for _, f := range given.fields {
		vars[f.key] = f.value.plain()
	}
	return &template.Scope{Vars: vars, Rand: c.random}
}

// expand fills in the placeholders that the configuration's scope knows. What
// it does not know stays: a default header may name a virtual user's variable,
// and everywhere else the compiler refuses what is left.
func expand(v *value, s *template.Scope) *value {
	out := *v
	switch v.kind {
	case list:
		out.items = make([]*value, len(v.items))
		for i, item := range v.items {
			out.items[i] = expand(item, s)
		}
	case object:
		out.fields = make([]field, len(v.fields))
		for i, f := range v.fields {
			if f.key != "environments" {
				f.value = expand(f.value, s)
			}
			out.fields[i] = f
		}
	case scalar:
		return expandText(v, s)
	case nothing:
	}
	return &out
}

func expandText(v *value, s *template.Scope) *value {
	source, ok := v.scalar.(string)
	if !ok {
		return v
	}
	t, err := template.Parse(source)
	if err != nil || t.IsStatic() {
		return v
	}
	for _, path := range t.Paths() {
		if _, known := template.Resolve(s.Vars, path); !known {
			return v
		}
	}
	return wrap(v.at, t.Value(s))
}
