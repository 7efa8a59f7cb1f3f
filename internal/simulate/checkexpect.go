package simulate

import (
	"fmt"
	"slices"
)

// covers says that another series is about the same, so that of the two only the last would count.
func (s Series) covers(other Series) bool {
	return s.Name != "" && s.Name == other.Name && s.Version == other.Version
}

func (c *checked) expect(e Expect) {
	if known := []string{EndsAborted, EndsPaused, EndsPromoted, EndsReverted}; e.Ends != "" && !slices.Contains(known, e.Ends) {
		c.unknown("expect.ends", "end", e.Ends, known)
	}
	if n := e.MinAvailable; n != nil && *n < 0 {
		c.add("expect.minAvailable", fmt.Sprintf("is %d, and there are never fewer than 0 pods", *n), "write a number of pods")
	}
	if n := e.MaxWeight; n != nil && (*n < 0 || *n > 100) {
		c.add("expect.maxWeight", fmt.Sprintf("is %d and must be 0 to 100", *n), "write it in percent")
	}
}

func (c *checked) faults(f Faults) {
	for _, fault := range []struct {
		name     string
		n, least int
		because  string
	}{
		{"conflicts", f.Conflicts, 3, "an action is two writes, so that none would ever succeed"},
		{"crashes", f.Crashes, 3, "an action is two writes, so that none would ever succeed"},
		{"losses", f.Losses, 2, "nothing could ever be written"},
		{"repeats", f.Repeats, 2, "everything would always be written twice"},
	} {
		if fault.n != 0 && fault.n < fault.least {
			c.add("faults."+fault.name, fmt.Sprintf("is %d: %s", fault.n, fault.because), fmt.Sprintf("write %d or more, for every time of so many", fault.least))
		}
	}
	if f.Stale < 0 || f.Stale >= maxPast {
		c.add("faults.stale", fmt.Sprintf("is %d and must be 0 to %d", f.Stale, maxPast-1), "")
	}
}

func (c *checked) startup(path string, rule Startup) {
	c.version(path+".version", rule.Version)
	switch {
	case rule.Startup == 0 && !rule.Never:
		c.add(path, "says nothing", "write startup: 90s, or never: true")
	case rule.Startup > 0 && rule.Never:
		c.add(path, "says startup and never, and pods that never start need no time", "leave one of them out")
	}
}
