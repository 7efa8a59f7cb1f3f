package decide

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

func TestMove(t *testing.T) {
	// A side is written wanted(available).
	tests := []struct {
		name                string
		canary, stable      sizes
		target              pair
		surge, unavailable  int32
		replicas            int32
		wantCanary, wantOld int32
	}{
		{"10 % with room to surge moves one pod each way", sizes{0, 0}, sizes{10, 10}, pair{1, 9}, 1, 1, 10, 1, 9},
		{"30 % without missing pods first only surges", sizes{0, 0}, sizes{10, 10}, pair{3, 7}, 3, 0, 10, 3, 10},
		{"30 % once the canary serves shrinks stable", sizes{3, 3}, sizes{10, 10}, pair{3, 7}, 3, 0, 10, 3, 7},
		{"30 % without surge first shrinks stable", sizes{0, 0}, sizes{10, 10}, pair{3, 7}, 0, 5, 10, 0, 7},
		{"30 % without surge then grows the canary", sizes{0, 0}, sizes{7, 7}, pair{3, 7}, 0, 5, 10, 3, 7},
		{"20 % without surge and two missing takes two", sizes{0, 0}, sizes{10, 10}, pair{2, 8}, 0, 2, 10, 0, 8},
		{"50 % with both limits surges and shrinks by what is spare", sizes{0, 0}, sizes{10, 10}, pair{5, 5}, 2, 1, 10, 2, 9},
		{"one replica at 5 % surges", sizes{0, 0}, sizes{1, 1}, pair{1, 1}, 1, 0, 1, 1, 1},
		{"an abort grows stable and drops the canary at once where one may miss", sizes{1, 1}, sizes{4, 4}, pair{0, 5}, 2, 1, 5, 0, 5},
		{"an abort waits for stable where none may miss", sizes{5, 5}, sizes{0, 0}, pair{0, 5}, 2, 0, 5, 5, 2},
		{"an abort drops a canary that never served", sizes{2, 0}, sizes{4, 4}, pair{0, 5}, 2, 1, 5, 0, 5},
		{"stable that never served gives way to the canary", sizes{2, 2}, sizes{10, 0}, pair{2, 8}, 3, 2, 10, 2, 8},
		{"nothing moves while the canary boots", sizes{3, 0}, sizes{10, 10}, pair{3, 7}, 3, 0, 10, 3, 10},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			limit := bounds{ceiling: test.replicas + test.surge, floor: test.replicas - test.unavailable}
			now := fleet{canary: &test.canary, stable: &test.stable}
			next := interlock(now, move(now, test.target, limit), limit.floor)
			got := fmt.Sprintf("%d/%d", next.canary.wanted, next.stable.wanted)
			if want := fmt.Sprintf("%d/%d", test.wantCanary, test.wantOld); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

func drawSizes(t *rapid.T, label string) sizes {
	wanted := rapid.Int32Range(0, 30).Draw(t, label+" wanted")
	return sizes{wanted: wanted, available: rapid.Int32Range(0, 30).Draw(t, label+" available")}
}

func TestMoveNeverTakesPodsThatAreNeeded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		canary, stable := drawSizes(t, "canary"), drawSizes(t, "stable")
		now := fleet{canary: &canary, stable: &stable}
		for i := range rapid.IntRange(0, 3).Draw(t, "older") {
			now.older = append(now.older, drawSizes(t, fmt.Sprint("older", i)))
		}
		replicas := rapid.Int32Range(0, 25).Draw(t, "replicas")
		surge := rapid.Int32Range(0, 8).Draw(t, "surge")
		floor := replicas - min(rapid.Int32Range(0, 8).Draw(t, "unavailable"), replicas)
		target := split(replicas, rapid.Int32Range(0, 100).Draw(t, "weight"), maxWeight, surge)
		before := fmt.Sprint(canary, stable, now.older)

		next := interlock(now, move(now, target, bounds{replicas + surge, floor}), floor)

		if after := fmt.Sprint(canary, stable, now.older); after != before {
			t.Fatalf("the input was edited: %s, then %s", before, after)
		}
		serving := serve(now.sides(), next.sides())
		if least := min(floor, now.available()); serving < least {
			t.Fatalf("%d pods would serve, at least %d must", serving, least)
		}
		if grown := next.total(); grown > max(replicas+surge, now.total()) {
			t.Fatalf("%d pods wanted, at most %d may be", grown, replicas+surge)
		}
	})
}

// TestMoveAlwaysArrives plays the node's part: pods that are wanted become available, and then the
// target must be reached in a bounded number of passes.
func TestMoveAlwaysArrives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		canary, stable := drawSizes(t, "canary"), drawSizes(t, "stable")
		f := fleet{canary: &canary, stable: &stable, older: []sizes{drawSizes(t, "older")}}
		replicas := rapid.Int32Range(1, 25).Draw(t, "replicas")
		surge := rapid.Int32Range(0, 8).Draw(t, "surge")
		unavailable := rapid.Int32Range(0, 8).Draw(t, "unavailable")
		if surge == 0 {
			unavailable = max(unavailable, 1)
		}
		floor := replicas - min(unavailable, replicas)
		target := split(replicas, rapid.Int32Range(0, 100).Draw(t, "weight"), maxWeight, surge)
		for range 200 {
			f.each(func(s *sizes) { s.available = s.wanted })
			f = interlock(f, move(f, target, bounds{replicas + surge, floor}), floor)
		}
		if f.canary.wanted != target.canary || f.stable.wanted != target.stable || f.olderWanted() != 0 {
			t.Fatalf("stuck at %d/%d with %d older, target %d/%d", f.canary.wanted, f.stable.wanted, f.olderWanted(), target.canary, target.stable)
		}
	})
}
