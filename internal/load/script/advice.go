package script

import (
	"sluice.dev/sluice/internal/load/verdict"
)

// unchecked says of expectations that nothing checks them, because their plugin is not declared.
func (c *compiler) unchecked(s *Script) {
	if s.Expect != nil || len(c.expects) == 0 {
		return
	}
	if c.options.Enforce {
		s.Expect = &ExpectPlugin{Format: "pretty"}
		return
	}
	c.add(Problem{
		At: c.expects[0].at, Severity: Warning, Code: CodeExpectNotLoaded,
		Text:    "not one of the expectations is checked, because plugins.expect is not declared",
		Instead: "add config.plugins.expect: {}, or run with --enforce",
	})
}

// advise says what the script's gates do not see.
func (c *compiler) advise(s *Script) {
	at := Position{File: c.options.File}
	if c.ensured != nil {
		at = c.ensured.at
	}
	p := Problem{At: at, Severity: Advice, Instead: "add to config.ensure.conditions: expression: \"errors.rate <= 0.01\""}
	switch {
	case len(s.Checks) == 0:
		p.Code, p.Text = CodeNoGates, "the script has no gates, so only the default ones judge it: errors do not fail a script in Artillery"
		c.add(p)
	case !verdict.SeesServerErrors(s.Checks):
		p.Code, p.Text = CodeBlindToErrors, "no gate looks at 5xx answers: a server that answers 500 at once passes"
		c.add(p)
	}
}
