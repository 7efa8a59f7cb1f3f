package decide

import "testing"

func TestInterlock(t *testing.T) {
	s := func(wanted, available int32) *sizes { return &sizes{wanted, available} }
	cases := []struct {
		name                       string
		canary, stable             *sizes // now
		toCanary, toStable         int32
		heldAtCanary, heldAtStable int32
	}{
		{"one may be missing", s(0, 0), s(5, 5), 1, 4, 1, 4},
		{"two may not", s(1, 0), s(5, 5), 1, 3, 1, 4},
		{"pods that do not serve may always go", s(2, 2), s(3, 1), 2, 2, 2, 2},
		{"what serves stays while there is too little", s(2, 2), s(3, 1), 1, 3, 2, 3},
		{"both sides at once are counted together", s(3, 3), s(2, 2), 2, 1, 2, 2},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			now := fleet{canary: c.canary, stable: c.stable}
			next := fleet{canary: s(c.toCanary, 0), stable: s(c.toStable, 0)}
			got := interlock(now, next, 4)
			if got.canary.wanted != c.heldAtCanary || got.stable.wanted != c.heldAtStable {
				t.Errorf("%d/%d, want %d/%d", got.canary.wanted, got.stable.wanted, c.heldAtCanary, c.heldAtStable)
			}
		})
	}
}
