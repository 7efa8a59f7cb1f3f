package view

import (
	"fmt"
	"time"

	api "sluice.dev/sluice/api/v1alpha1"
)

// endings are how an update can have ended, for people.
var endings = map[api.CompletionStatus]string{
	api.CompletionPromoted:       "promoted",
	api.CompletionFastPromoted:   "promoted in full by hand",
	api.CompletionAborted:        "aborted",
	api.CompletionSuperseded:     "superseded",
	api.CompletionRolledBack:     "rolled back",
	api.CompletionFastRolledBack: "rolled back without steps",
}

// duration is how long the latest update took, or has taken so far, how it ended, and how much of that it
// waited for people; "" when nobody has counted.
func (s Scene) duration() string {
	d := s.Rollout.Status.Duration
	if d == nil || d.RolloutStartedAt == nil {
		return ""
	}
	end, how := s.Now, "so far"
	if d.FinishedAt != nil {
		end = d.FinishedAt.Time
		if how = endings[d.CompletionStatus]; how == "" {
			how = string(d.CompletionStatus)
		}
	}
	text := fmt.Sprintf("%s, %s", length(end.Sub(d.RolloutStartedAt.Time)), how)
	waited := time.Duration(d.TotalManualPauseDurationSeconds) * time.Second
	if d.ManualPauseStartedAt != nil {
		waited += max(end.Sub(d.ManualPauseStartedAt.Time), 0)
	}
	if waited >= time.Second {
		text += fmt.Sprintf("; %s of it waiting for people", length(waited))
	}
	return text
}
