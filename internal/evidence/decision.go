// Package evidence keeps why a decision was taken: bounded, redacted.
package evidence

import (
	"encoding/json"
	"slices"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/judge"
)

// MaxDecision is the size of one decision as JSON, in bytes.
const MaxDecision = 1024

// Trim cuts a text to at most limit bytes at the end of a character.
func Trim(text string, limit int) string { return judge.Trim(text, limit) }

// Append adds a decision to those a Rollout remembers, oldest first. A decision that says the same
// as the newest one is not added: passes repeat themselves, decisions do not. When there are too many
// the oldest goes, but half of the room is for those that are pinned: their newest stay longer. The
// given slice is not changed.
func Append(decisions []api.Decision, d api.Decision, pinned func(api.Decision) bool) []api.Decision {
	d = fit(d)
	if n := len(decisions); n > 0 && repeats(decisions[n-1], d) {
		return decisions
	}
	kept := slices.Clone(decisions)
	for len(kept) >= api.MaxDecisions {
		oldest := leastWorth(kept, pinned)
		kept = slices.Delete(kept, oldest, oldest+1)
	}
	return append(kept, d)
}

// leastWorth is the oldest decision that is not among the newest pinned ones.
func leastWorth(decisions []api.Decision, pinned func(api.Decision) bool) (oldest int) {
	room := api.MaxDecisions / 2
	for i, d := range slices.Backward(decisions) {
		if pinned(d) && room > 0 {
			room--
			continue
		}
		oldest = i
	}
	return oldest
}

func repeats(last, d api.Decision) bool {
	return last.Reason == d.Reason && last.Message == d.Message && last.Revision == d.Revision
}

// fit cuts a decision to its size: evidence beyond the first goes before texts are cut shorter.
func fit(d api.Decision) api.Decision {
	for limit := MaxDecision / 2; ; limit /= 2 {
		short := cut(d, limit)
		for {
			if size(short) <= MaxDecision || limit == 0 {
				return short
			}
			if len(short.Evidence) <= 1 {
				break
			}
			short.Evidence = short.Evidence[:len(short.Evidence)-1]
		}
	}
}

// cut shortens every text of a decision; those of its evidence to half as much.
func cut(d api.Decision, limit int) api.Decision {
	d.Reason = Trim(d.Reason, limit)
	d.Message = Trim(d.Message, limit)
	d.Revision = Trim(d.Revision, limit)
	evidence := d.Evidence
	d.Evidence = nil
	for _, e := range evidence {
		half := limit / 2
		e.Run = Trim(e.Run, half)
		e.Metric = Trim(e.Metric, half)
		e.Phase = api.AnalysisPhase(Trim(string(e.Phase), half))
		e.Value = Trim(e.Value, half)
		e.Condition = Trim(e.Condition, half)
		e.Threshold = Trim(e.Threshold, half)
		e.Limit = Trim(e.Limit, half)
		e.Message = Trim(e.Message, half)
		d.Evidence = append(d.Evidence, e)
	}
	return d
}

// size is how long something is as JSON.
func size(value any) int {
	text, err := json.Marshal(value)
	if err != nil {
		return 0 // texts and numbers only: it cannot fail
	}
	return len(text)
}
