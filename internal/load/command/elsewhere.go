package command

import (
	"fmt"
	"strings"

	"sluice.dev/sluice/internal/load/script"
)

// elsewhere is the first address of a script's load that names a host of its own, or "": no target that is
// given moves it.
func elsewhere(s *script.Script) string {
	for _, scenario := range s.Scenarios {
		if address := elsewhereIn(scenario.Steps, s.Target); address != "" {
			return address
		}
	}
	return ""
}

func elsewhereIn(steps []script.Step, target string) string {
	for _, step := range steps {
		address := ""
		switch {
		case step.Request != nil:
			if source := step.Request.URL.Source(); strings.Contains(source, "://") && !below(source, target) {
				address = source
			}
		case step.Loop != nil:
			address = elsewhereIn(step.Loop.Steps, target)
		case step.Parallel != nil:
			address = elsewhereIn(step.Parallel.Steps, target)
		}
		if address != "" {
			return address
		}
	}
	return ""
}

// below says whether an address begins with the target, and not only with the same letters.
func below(address, target string) bool {
	rest, ok := strings.CutPrefix(address, strings.TrimSuffix(target, "/"))
	return ok && (rest == "" || strings.ContainsRune("/?#", rune(rest[0])))
}

// moved refuses a comparison of a script that does not follow its target, and returns a warning where a target is
// given that parts of the script do not follow.
func (p plan) moved(f flags) (warning string, err error) {
	for _, s := range p.scripts {
		address := elsewhere(s)
		switch {
		case address == "":
		case f.compareTarget != "":
			return "", fmt.Errorf("--compare-target: the script sends to %s, whatever the target is, so both sides would be the same; write its path alone", address)
		case f.target != "":
			return fmt.Sprintf("the script sends to %s, whatever --target says; write its path alone", address), nil
		}
	}
	return "", nil
}
