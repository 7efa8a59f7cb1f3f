package simulate

import "sluice.dev/sluice/internal/decide"

// script is a fate that was written down: every n-th write, action or observation goes wrong.
type script struct {
	faults         Faults
	writes, acts   int
	conflicts, rep int
	// hit says that something has gone wrong since it was last reset, so that a pass comes again.
	hit bool
}

func (s *script) every(n int, count *int) bool {
	*count++
	if n <= 0 || *count%n != 0 {
		return false
	}
	s.hit = true
	return true
}

// Crash implements Fate.
func (s *script) Crash() bool { return s.every(s.faults.Crashes, &s.writes) }

// Conflict implements the part of a fate that refuses writes.
func (s *script) Conflict() bool { return s.every(s.faults.Conflicts, &s.conflicts) }

// Lose implements Fate.
func (s *script) Lose(decide.Action) bool { return s.every(s.faults.Losses, &s.acts) }

// Repeat implements Fate.
func (s *script) Repeat() bool { return s.every(s.faults.Repeats, &s.rep) }

// Stale implements Fate.
func (s *script) Stale() int { return s.faults.Stale }

// none says that nothing ever goes wrong.
func (f Faults) none() bool { return f == Faults{} }
