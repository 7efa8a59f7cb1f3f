package simulate

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// repointed tells which Services of a canary lead to another version than before.
func (t *tape) repointed(p *player, now State) {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(now.Services)) {
		if before := t.state.Services[name]; t.state.Pods != nil && before != now.Services[name] {
			all = append(all, fmt.Sprintf("Service %s leads to version %s", name, now.Services[name]))
		}
	}
	if len(all) > 0 {
		t.add(p, RowMoves, strings.Join(all, ", ")+".", "")
	}
}

// experiment tells when pods of experiments come, become available, or are gone.
func (t *tape) experiment(p *player, now State) {
	if sameJSON(t.state.Experiment, now.Experiment) {
		return
	}
	if now.Experiment == nil {
		t.add(p, RowMoves, "The pods of the experiment are gone.", "")
		return
	}
	t.add(p, RowMoves, fmt.Sprintf("%d of %s of the experiment are available.", now.Experiment.Available, count(int(now.Experiment.Wanted), "pod")), "")
}
