package cluster

import (
	"errors"
	"fmt"
	"time"
)

// Stale says that a pass looked at an older world than there is. It is no fault: the pass has
// ended without deciding further, and another one is due.
type Stale struct {
	// What was found to be older than known.
	What string
	// After is when to look again if no event comes first.
	After time.Duration
}

// Error implements error.
func (s *Stale) Error() string { return s.What }

// IsStale reports whether every fault in err is a Stale, and when to look again.
func IsStale(err error) (time.Duration, bool) {
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) {
		return soonest(joined.Unwrap())
	}
	var stale *Stale
	if !errors.As(err, &stale) {
		return 0, false
	}
	return stale.After, true
}

func soonest(errs []error) (time.Duration, bool) {
	after := time.Duration(-1)
	for _, err := range errs {
		next, ok := IsStale(err)
		if !ok {
			return 0, false
		}
		if after < 0 || next < after {
			after = next
		}
	}
	return after, after >= 0
}

// ErrGone says that the object of the pass does not exist any more, or is being deleted.
var ErrGone = errors.New("object is gone")

// ErrLeft says that the object of the pass is left exactly as it is, to whoever can carry it out.
var ErrLeft = errors.New("object is left as it is")

const (
	// atOnce is the wait before a pass is repeated on a view that has just been refreshed.
	atOnce = 5 * time.Millisecond
	// patience is how long a pass waits for a cache to show what was written before it asks the
	// server what became of it.
	patience = time.Second
)

func lookAgain(format string, args ...any) error {
	return &Stale{What: fmt.Sprintf(format, args...), After: atOnce}
}
