package script

import (
	"errors"
	"path"
	"slices"
	"strings"

	"sluice.dev/sluice/internal/load/fake"
	"sluice.dev/sluice/internal/load/js"
	"sluice.dev/sluice/internal/load/template"
)

// processor compiles the JavaScript beside the script. What its functions set
// nobody can know before, so unknown variables and metrics are warnings from here on.
func (c *compiler) processor(v *value, s *Script) {
	const where = "config.processor"
	name := c.settled(v, where)
	c.open = true
	c.catalogue.Open()
	switch ext := strings.ToLower(path.Ext(name)); {
	case slices.Contains([]string{".ts", ".mts", ".cts", ".tsx"}, ext):
		c.refuse(v.at, where, "a processor in TypeScript: not supported", "compile it to JavaScript and name that file")
		return
	case c.options.Read == nil:
		c.file(v, where, name, 0)
		return
	}
	program, err := js.Load(name, c.remember)
	if err != nil {
		c.badProcessor(v, where, err)
		return
	}
	s.Functions, c.program = program, program
}

// remember reads a file for the processor and keeps its text.
func (c *compiler) remember(name string) ([]byte, error) {
	data, err := c.options.Read(name)
	if err == nil {
		c.sources = append(c.sources, string(data))
	}
	return data, err
}

// mayBeSet says whether the processor's text has a name, and so may set the variable or count the metric.
func (c *compiler) mayBeSet(name string) bool {
	return slices.ContainsFunc(c.sources, func(text string) bool { return strings.Contains(text, name) })
}

// badProcessor reports each of a processor's errors in its own file.
func (c *compiler) badProcessor(v *value, where string, err error) {
	var all js.Errors
	if !errors.As(err, &all) {
		c.fail(v.at, where, "%s", err)
		return
	}
	for _, one := range all {
		at := Position{File: one.File, Line: one.Line, Column: one.Column}
		if one.Line == 0 {
			at = v.at
		}
		c.add(Problem{At: at, Path: where, Code: CodeProcessor, Text: one.Text})
	}
}

// faked finds a function of the fake-data plugin, also where it is not loaded.
func faked(name string) (template.Function, bool) {
	if !strings.HasPrefix(name, "$") {
		return nil, false
	}
	function, known := fake.Lookup(name)
	return template.Function(function), known
}

// functionNames are what a placeholder may call.
func (c *compiler) functionNames() []string {
	names := []string{"$randomNumber", "$randomString"}
	if c.fakes {
		names = append(names, fake.Names()...)
	}
	return names
}
