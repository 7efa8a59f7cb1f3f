package script

import (
	"fmt"
	"strings"
	"time"

	"sluice.dev/sluice/internal/load/schedule"
)

// phaseFields are the keys one phase has.
type phaseFields struct {
	name, duration, rate, rampTo, count, pause *value
	maxVUsers                                  int
	poisson                                    bool
	index                                      uint64
}

func (c *compiler) phase(v *value, i int, poisson bool) schedule.Phase {
	path := index("config.phases", i)
	p := phaseFields{poisson: poisson, index: uint64(i)}
	before := len(c.problems)
	for _, f := range c.fields(v, path, phaseKeys) {
		c.phaseField(f, dotted(path, f.key), &p)
	}
	out := schedule.Phase{Name: fmt.Sprintf("Phase %d", i+1), MaxVUsers: p.maxVUsers}
	if len(c.problems) > before && hasPlaceholders(v) {
		return out
	}
	if p.name != nil {
		out.Name = c.settled(p.name, path+".name")
	}
	c.arrivals(v, path, p, &out)
	return out
}

func (c *compiler) phaseField(f field, path string, p *phaseFields) {
	if s, isText := f.value.scalar.(string); isText && strings.Contains(s, "{{") {
		c.noneLeft(f.value, path, s)
		return
	}
	switch f.key {
	case "name":
		p.name = f.value
	case "duration":
		p.duration = f.value
	case "arrivalRate":
		p.rate = f.value
	case "rampTo":
		p.rampTo = f.value
	case "arrivalCount":
		p.count = f.value
	case "pause":
		p.pause = f.value
	case "mode":
		p.poisson = c.isPoisson(f.value, path)
	case "maxVusers":
		p.maxVUsers = int(c.whole(f.value, path, 1, 10_000_000))
	}
}

// arrivals decides which kind of phase the keys describe.
func (c *compiler) arrivals(v *value, path string, p phaseFields, out *schedule.Phase) {
	if why := p.contradiction(); why != "" {
		c.fail(v.at, path, "%s", why)
		return
	}
	if p.pause != nil {
		out.Duration = c.seconds(p.pause, path+".pause")
		return
	}
	out.Duration = c.seconds(p.duration, path+".duration")
	if p.rate != nil {
		out.Kind = schedule.Constant
		if p.poisson {
			out.Kind = schedule.Poisson
			out.Seed = c.seed + p.index
		}
		out.Rate = c.rate(p.rate, path+".arrivalRate")
	}
	if p.rampTo != nil {
		out.Kind = schedule.Ramp
		out.RampTo = c.rate(p.rampTo, path+".rampTo")
		if out.Duration%time.Second != 0 {
			c.warn(CodeRampFraction, p.duration.at, path+".duration", "a ramp changes its rate once per whole second; the rest of %s has no arrivals", out.Duration)
		}
	}
	if p.count != nil {
		out.Kind = schedule.Count
		out.Arrivals = c.whole(p.count, path+".arrivalCount", 0, schedule.MaxArrivals)
	}
}

// contradiction says what keeps the keys from describing one phase, or "".
func (p phaseFields) contradiction() string {
	rated := p.rate != nil || p.rampTo != nil
	switch {
	case p.pause != nil && (p.duration != nil || rated || p.count != nil):
		return "a pause has no duration and no arrivals of its own"
	case p.pause != nil:
		return ""
	case p.count == nil && !rated:
		return "a phase needs arrivalRate, arrivalCount or pause"
	case p.count != nil && rated:
		return "a phase has either arrivalCount or arrivalRate"
	case p.duration == nil:
		return "the phase has no duration"
	}
	return ""
}

func (c *compiler) rate(v *value, path string) float64 {
	n := c.number(v, path)
	if n < 0 || n > schedule.MaxRate {
		c.fail(v.at, path, "must be from 0 to %d per second, not %s", schedule.MaxRate, v.describe())
		return 0
	}
	return n
}

// unique tells phases of the same name apart, so that results can be asked for by name.
func unique(phases []schedule.Phase) {
	taken := map[string]bool{}
	for i := range phases {
		name := phases[i].Name
		for n := 2; taken[phases[i].Name]; n++ {
			phases[i].Name = fmt.Sprintf("%s (%d)", name, n)
		}
		taken[phases[i].Name] = true
	}
}

func index(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }
