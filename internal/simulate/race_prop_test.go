package simulate

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	api "sluice.dev/sluice/api/v1alpha1"
)

// TestLawsOfTwoCommands sends two commands at two moments of the seed's update, by clients that may have
// read a while ago. Whatever comes of it, the laws hold and the world comes to rest.
func TestLawsOfTwoCommands(t *testing.T) {
	all := commands()
	rapid.Check(t, func(rt *rapid.T) {
		first := all[rapid.IntRange(0, len(all)-1).Draw(rt, "first command")]
		second := all[rapid.IntRange(0, len(all)-1).Draw(rt, "second command")]
		r := newRace(t, rapid.IntRange(0, 80).Draw(rt, "moment"), first, rapid.IntRange(0, 9).Draw(rt, "first reads old"), rapid.Bool().Draw(rt, "first names the version"))
		then, lag := rapid.IntRange(1, 40).Draw(rt, "moments between"), rapid.IntRange(0, 9).Draw(rt, "second reads old")
		versioned := rapid.Bool().Draw(rt, "second names the version")
		r.h.skipped = true // the ends are told elsewhere, one command at a time
		sendFirst := r.fate.act
		r.fate.act = func() {
			sendFirst()
			r.fate.at += then
			r.fate.act = func() { r.command(second, lag, versioned) }
		}
		r.settle(command{})
		if r.h.broken == "" {
			for _, request := range append(first.after, second.after...) {
				if err := send(r.w, request); err != nil {
					rt.Fatal(err)
				}
			}
			r.settle(command{})
		}
		if r.h.broken != "" {
			rt.Fatalf("%q, then %q: %s; it ended as %s", first.name, second.name, r.h.broken, r.end())
		}
	})
}

// TestCommandsToWhatIsOver sends commands to what is over: a promoted and an aborted rollout.
func TestCommandsToWhatIsOver(t *testing.T) {
	for _, aborted := range []bool{false, true} {
		for _, c := range commands() {
			name := c.name + " to a promoted rollout"
			if aborted {
				name = c.name + " to an aborted rollout"
			}
			t.Run(name, func(t *testing.T) {
				r := newRace(t, -1, c, 0, false)
				r.h.skipped = true
				if aborted {
					r.play(10 * time.Second)
					if err := send(r.w, abort()); err != nil {
						t.Fatal(err)
					}
				}
				r.play(10 * time.Minute)
				before := r.w.Rollout().Status
				r.command(c, 0, false)
				r.settle(c)
				if r.h.broken != "" {
					t.Fatal(r.h.broken)
				}
				if s := r.w.Rollout().Status; !aborted && c.name != "undo" && s.StableRS == before.StableRS && s.Phase != api.RolloutPhaseHealthy {
					t.Errorf("a promoted rollout became %s: %s", s.Phase, s.Message)
				}
			})
		}
	}
}
