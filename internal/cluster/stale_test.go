package cluster

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestWhatIsStale(t *testing.T) {
	soon, late := &Stale{After: time.Millisecond}, &Stale{After: time.Second}
	broken := errors.New("broken")
	cases := []struct {
		name  string
		err   error
		stale bool
		after time.Duration
	}{
		{"no error", nil, false, 0},
		{"a stale view", soon, true, time.Millisecond},
		{"a wrapped one", fmt.Errorf("acting: %w", late), true, time.Second},
		{"two in different chains: the sooner one counts", errors.Join(late, soon), true, time.Millisecond},
		{"a fault", broken, false, 0},
		{"a fault beside a stale view is a fault", errors.Join(soon, broken), false, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			after, stale := IsStale(c.err)
			if stale != c.stale || after != c.after {
				t.Errorf("got %v after %s", stale, after)
			}
		})
	}
}
