package script

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"sluice.dev/sluice/internal/load/suggest"
	"sluice.dev/sluice/internal/load/template"
)

// within compiles with further variables that placeholders may name.
func (c *compiler) within(names []string, compile func()) {
	var added []string
	for _, name := range names {
		if _, known := c.names[name]; !known && name != "" {
			c.names[name] = ""
			added = append(added, name)
		}
	}
	compile()
	for _, name := range added {
		delete(c.names, name)
	}
}

// texts finds the captures below a value, and notes whose variables are texts. What JSON holds may be a list.
func (c *compiler) texts(v *value) {
	for _, item := range v.items {
		c.texts(item)
	}
	for _, f := range v.fields {
		if f.key != "capture" {
			c.texts(f.value)
			continue
		}
		for _, item := range listOf(f.value) {
			as := item.get("as")
			if as == nil || as.kind != scalar {
				continue
			}
			for _, by := range []Extractor{ByRegexp, ByHeader, BySelector, ByXPath} {
				if why, said := c.single[asText(as.scalar)]; item.get(string(by)) != nil && (!said || why != "") {
					c.single[asText(as.scalar)] = "it is captured by " + string(by)
				}
			}
			if item.get(string(ByJSON)) != nil {
				c.single[asText(as.scalar)] = ""
			}
		}
	}
}

// captured lists the variables that the captures below a value set.
func captured(v *value) []string {
	var names []string
	if v == nil {
		return nil
	}
	for _, item := range v.items {
		names = append(names, captured(item)...)
	}
	for _, f := range v.fields {
		if f.key == "capture" {
			for _, item := range listOf(f.value) {
				if as := item.get("as"); as != nil && as.kind == scalar {
					root, _, _ := strings.Cut(asText(as.scalar), ".")
					names = append(names, asText(as.scalar), root)
				}
			}
			continue
		}
		names = append(names, captured(f.value)...)
	}
	return names
}

// parse compiles a text's placeholders. What it calls is one of the built-in
// functions, or one of the fake-data plugin's where that is loaded.
func (c *compiler) parse(source string) (template.Text, error) {
	return template.ParseWith(source, c.fakeFunctions())
}

// fakeFunctions are those of the fake-data plugin, nil where it is not loaded.
func (c *compiler) fakeFunctions() template.Functions {
	if !c.fakes {
		return nil
	}
	return faked
}

// template compiles a text with placeholders and refuses names that nothing defines.
func (c *compiler) template(v *value, path string) template.Text {
	source := c.text(v, path)
	t, err := c.parse(source)
	if err != nil {
		c.unreadable(v, path, err)
		return template.Literal(source)
	}
	for _, p := range t.Paths() {
		c.checkName(v, path, p)
	}
	return t
}

// unreadable says why a text's placeholders cannot be compiled.
func (c *compiler) unreadable(v *value, path string, err error) {
	p := Problem{At: v.at, Path: path, Severity: Error, Code: CodeInvalid, Text: err.Error()}
	var unknown template.UnknownFunctionError
	if errors.As(err, &unknown) {
		p.Code = CodeUnknownFunction
		if _, known := faked(unknown.Name); known {
			p.Instead = "it is one of the plugin fake-data: add config.plugins.fake-data"
		} else if c.open {
			p.Instead = "what a processor makes is reached through a variable: set it in a beforeRequest hook"
		} else {
			p.Instead = c.near(unknown.Name, c.functionNames)
		}
	}
	c.add(p)
}

// checkName refuses a variable that nothing sets; with a processor, which may
// set it, that is a warning.
func (c *compiler) checkName(v *value, path string, name []string) {
	root, known := c.names[name[0]]
	if !known {
		c.unknown(v, path, name[0])
		return
	}
	env := name[0] == "$env" || name[0] == "$processEnvironment"
	if !env || len(name) < 2 {
		return
	}
	if _, set := root.(map[string]any)[name[1]]; !set {
		c.add(Problem{At: v.at, Path: path, Code: CodeUnknownVariable, Text: "the environment variable " + name[1] + " is not set"})
	}
}

// unknown refuses a variable, or warns of it.
func (c *compiler) unknown(v *value, path, name string) {
	p := Problem{At: v.at, Path: path, Severity: Error, Code: CodeUnknownVariable, Text: "unknown variable " + name}
	if c.open {
		p.Severity = Warning
		p.Text += ": only the processor could set it, and its text does not name it; \"undefined\" is sent"
	}
	if !c.mayBeSet(name) {
		p.Instead = c.nearest(name)
		c.add(p)
	}
}

// settled reads a text of the configuration, in which no placeholder may be left.
func (c *compiler) settled(v *value, path string) string {
	s := c.text(v, path)
	c.noneLeft(v, path, s)
	return s
}

// noneLeft refuses a text of the configuration in which a placeholder is left.
func (c *compiler) noneLeft(v *value, path, s string) {
	if !strings.Contains(s, "{{") {
		return
	}
	t, err := c.parse(s)
	if err != nil {
		c.unreadable(v, path, err)
		return
	}
	env := c.builtins()
	for _, name := range t.Paths() {
		if _, known := template.Resolve(env, name); !known && len(name) == 2 && (name[0] == "$env" || name[0] == "$processEnvironment") {
			c.add(Problem{At: v.at, Path: path, Code: CodeUnknownVariable, Text: "the environment variable " + name[1] + " is not set"})
			return
		}
	}
	c.add(Problem{
		At: v.at, Path: path, Code: CodeUnknownVariable,
		Text: s + " names what the configuration does not know; it may use $env.NAME, $environment, $testId and what -v gives",
	})
}

// hasPlaceholders says whether any text directly in a map has one.
func hasPlaceholders(v *value) bool {
	return slices.ContainsFunc(v.fields, func(f field) bool {
		s, isText := f.value.scalar.(string)
		return isText && strings.Contains(s, "{{")
	})
}

// function reads the name of one of the processor's functions.
func (c *compiler) function(v *value, path string) string {
	name := c.text(v, path)
	if v.kind == scalar {
		c.checkFunction(v, path, name)
	}
	return name
}

// checkFunction warns of a function that the processor does not have: its call counts as an error.
func (c *compiler) checkFunction(v *value, path, name string) {
	switch {
	case !c.open:
		c.warn(CodeUnknownHook, v.at, path, "there is no function %s, because config.processor is not set; each call counts as an error", name)
	case !c.program.Has(name):
		c.warn(CodeUnknownHook, v.at, path, "the processor exports no function %s%s; each call counts as an error", name, suggest.Hint(name, c.program.Functions()))
	}
}

// functions reads a function's name or a list of them.
func (c *compiler) functions(v *value, path string) []string {
	var names []string
	for _, item := range listOf(v) {
		names = append(names, c.function(item, path))
	}
	return names
}

// nearest is what to write instead of an unknown variable, or "".
func (c *compiler) nearest(name string) string {
	return c.near(name, func() []string { return slices.Sorted(maps.Keys(c.names)) })
}
