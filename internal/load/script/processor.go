package script

import "sluice.dev/sluice/internal/load/template"

func (c *compiler) processor(v *value, _ *Script) {
	c.refuse(v.at, "config.processor", "not supported", "")
}

func lookupFake(string) (template.Function, bool) { return nil, false }
