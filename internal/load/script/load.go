package script

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"

	"sluice.dev/sluice/internal/load/series"
	"sluice.dev/sluice/internal/load/suggest"
	"sluice.dev/sluice/internal/load/template"
)

// Load reads and compiles a script. The error, if any, is Problems: all that is wrong.
func Load(data []byte, o Options) (*Script, error) {
	if ext := strings.ToLower(filepath.Ext(o.File)); ext == ".js" || ext == ".ts" || ext == ".mjs" || ext == ".cjs" {
		return nil, Problems{{At: Position{File: o.File}, Text: "scripts written in JavaScript or TypeScript: not supported; use YAML"}}
	}
	root, err := read(o.File, data)
	if err != nil {
		return nil, asProblems(err)
	}
	c := &compiler{options: o, catalogue: series.NewCatalogue()}
	root = c.prepare(root)
	if err := c.err(); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(data)
	s := &Script{Digest: hex.EncodeToString(sum[:6]), Catalogue: c.catalogue}
	c.compile(root, s)
	s.Warnings = c.warnings
	if err := c.err(); err != nil {
		return nil, err
	}
	return s, nil
}

func asProblems(err error) error {
	if p, ok := err.(Problem); ok {
		return Problems{p}
	}
	return err
}

// compiler turns values into a Script and collects what is wrong on the way.
type compiler struct {
	findings
	options   Options
	catalogue *series.Catalogue
	// names are the variables that placeholders of requests may use.
	names map[string]any
}

var (
	rootKeys   = keys{now: []string{"config", "scenarios"}, later: []string{"before", "after"}}
	configKeys = keys{
		now: []string{"target", "phases", "environments", "variables", "http", "defaults", "timeout", "tls", "plugins",
			"ensure", "apdex", "mode", "statsInterval"},
		later: []string{"payload", "processor", "engines", "engine", "ws", "socketio", "includeFiles", "bundling"},
	}
)

// prepare applies the environment, the target and the overrides, in Artillery's
// order, and fills the configuration's placeholders in.
func (c *compiler) prepare(root *value) *value {
	if root.kind != object {
		c.fail(root.at, "", "a script must be a map with config and scenarios, not %s", root.describe())
		return root
	}
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
		return root
	}
	given := c.flagJSON("--variables", c.options.Variables)
	if len(given.fields) > 0 {
		config = config.set("variables", assign(config.get("variables"), given))
	}
	scope := c.configScope(given)
	return root.set("config", expand(config, scope))
}

// environment lays the chosen environment over the configuration.
func (c *compiler) environment(config *value) *value {
	name := c.options.Environment
	if name == "" {
		return config
	}
	environments := config.get("environments")
	chosen := environments.get(name)
	if chosen == nil {
		var known []string
		if environments != nil {
			for _, f := range environments.fields {
				known = append(known, f.key)
			}
		}
		c.warn(config.at, "config.environments", "no environment is called %s%s", name, suggest.Hint(name, known))
		return config
	}
	if chosen.kind != object {
		c.fail(chosen.at, "config.environments."+name, "must be a map, not %s", chosen.describe())
		return config
	}
	return merge(config, chosen)
}

// flagJSON reads a flag's JSON map; an empty flag is an empty map.
func (c *compiler) flagJSON(flag, text string) *value {
	empty := &value{at: Position{File: flag}, kind: object}
	if strings.TrimSpace(text) == "" {
		return empty
	}
	v, err := read(flag, []byte(text))
	if err != nil {
		c.fail(Position{File: flag}, "", "reading JSON: %s", err)
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
	for _, f := range over.fields {
		base = base.set(f.key, f.value)
	}
	return base
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
	return &template.Scope{Vars: vars, Rand: rand.New(rand.NewPCG(c.options.Seed, 0))}
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

func (c *compiler) compile(root *value, s *Script) {
	s.HideEndpoints = true
	s.Namespace = "plugins.metrics-by-endpoint"
	var config, scenarios *value
	for _, f := range c.fields(root, "", rootKeys) {
		if f.key == "config" {
			config = f.value
		} else {
			scenarios = f.value
		}
	}
	r := c.config(config, s)
	s.Builtins = c.builtins()
	s.Builtins["target"] = s.Target
	c.names = map[string]any{"$uuid": ""}
	for name, v := range s.Builtins {
		c.names[name] = v
	}
	for name, v := range s.Variables {
		c.names[name] = v
	}
	s.Headers = c.defaultHeaders(r)
	if scenarios == nil || scenarios.kind != list || len(scenarios.items) == 0 {
		at := root.at
		if scenarios != nil {
			at = scenarios.at
		}
		c.fail(at, "scenarios", "a script must have a list of at least one scenario")
		return
	}
	c.scenarios(scenarios, s, r.endpoints)
	c.ensure(r, s)
}

// template compiles a text with placeholders and refuses names that nothing defines.
func (c *compiler) template(v *value, path string) template.Text {
	source := c.text(v, path)
	t, err := template.Parse(source)
	if err != nil {
		c.fail(v.at, path, "%s", err)
		return template.Literal(source)
	}
	for _, p := range t.Paths() {
		c.checkName(v, path, p)
	}
	return t
}

func (c *compiler) checkName(v *value, path string, name []string) {
	root, known := c.names[name[0]]
	if !known {
		c.fail(v.at, path, "unknown variable %s%s", name[0], suggest.Hint(name[0], slices.Sorted(maps.Keys(c.names))))
		return
	}
	env := name[0] == "$env" || name[0] == "$processEnvironment"
	if !env || len(name) < 2 {
		return
	}
	if _, set := root.(map[string]any)[name[1]]; !set {
		c.fail(v.at, path, "the environment variable %s is not set", name[1])
	}
}

// settled reads a text of the configuration, in which no placeholder may be left.
func (c *compiler) settled(v *value, path string) string {
	s := c.text(v, path)
	if strings.Contains(s, "{{") {
		c.fail(v.at, path, "%s", c.leftover(s))
	}
	return s
}

func (c *compiler) leftover(s string) string {
	t, err := template.Parse(s)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%s names what the configuration does not know; it may use $env.NAME, $environment, $testId and what -v gives", t.Source())
}
