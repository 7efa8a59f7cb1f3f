package script

import (
	"slices"
	"strings"

	"sluice.dev/sluice/internal/load/series"
	"sluice.dev/sluice/internal/load/verdict"
)

// unchecked says of expectations that nothing checks them, because their plugin is not declared.
func (c *compiler) unchecked(s *Script) {
	if s.Expect != nil || len(c.expects) == 0 {
		return
	}
	if c.options.Enforce {
		s.Expect = &ExpectPlugin{Format: "pretty"}
		c.add(Problem{
			At: c.expects[0].at, Severity: Advice, Code: CodeExpectNotLoaded,
			Text:    "expectations are checked here; elsewhere, without --enforce, none would be, because plugins.expect is not declared",
			Instead: "add config.plugins.expect: {}",
		})
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
		p.Code = CodeNoGates
		p.Text = "the script has no gates of its own, and without one Artillery passes whatever goes wrong; sluice-load adds one on errors unless told not to"
		c.add(p)
	case !verdict.LimitsServerErrors(s.Checks):
		p.Code = CodeBlindToErrors
		p.Text = "no gate limits the share of 5xx answers: with these alone, a server that answers with such an error at once may pass"
		c.add(p)
	}
	if c.errorRate != nil && !verdict.LimitsServerErrors(s.Checks) {
		c.add(Problem{
			At: c.errorRate.at, Path: "maxErrorRate", Severity: Advice, Code: CodeBlindErrorRate, Instead: "gate on errors.rate",
			Text: "counts virtual users that end early, which a 5xx answer does not make them do",
		})
	}
}

// missing says what a script must have so that its runs have a metric, or "".
func (c *compiler) missing(metric string, s *Script) string {
	begins := func(prefixes ...string) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(metric, p) })
	}
	switch {
	case begins(series.ExpectOK, series.ExpectFailed) && s.Expect == nil:
		return "add config.plugins.expect: {}"
	case begins(series.DNS, series.TCP, series.TLS, series.Total) && !s.Extended:
		return "add config.http.extendedMetrics: true"
	}
	return ""
}

// measured adds what only some scripts' runs have to the metrics that gates may name.
func (c *compiler) measured(s *Script) {
	if s.Extended {
		for _, name := range []string{series.DNS, series.TCP, series.TLS, series.Total} {
			c.catalogue.AddHistogram(name)
		}
	}
	if s.Expect != nil {
		for _, name := range []string{series.ExpectOK, series.ExpectFailed} {
			c.catalogue.AddCounter(name)
			for _, kind := range expectations {
				c.catalogue.AddCounter(name + "." + kind)
			}
		}
	}
}
