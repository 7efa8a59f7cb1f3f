package decide

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// weights are the columns of the table of target counts.
var weights = []int32{1, 5, 10, 20, 25, 33, 50, 66, 75, 90, 95, 99, 100}

func TestSplitGivesTheCountsOfTheContract(t *testing.T) {
	tests := []struct {
		replicas, surge int32
		want            string
	}{
		{1, 0, "0/1 0/1 0/1 0/1 0/1 0/1 1/0 1/0 1/0 1/0 1/0 1/0 1/0"},
		{1, 1, "1/1 1/1 1/1 1/1 1/1 1/1 1/1 1/1 1/1 1/1 1/1 1/1 1/0"},
		// The reference gives 0/2 at 75 %, 0/5 at 90 % and 0/10 at 95 %: nobody is left empty here.
		{2, 0, "1/1 1/1 1/1 1/1 1/1 1/1 1/1 1/1 1/1 1/1 1/1 1/1 2/0"},
		{2, 1, "1/2 1/2 1/2 1/2 1/2 1/2 1/1 2/1 2/1 2/1 2/1 2/1 2/0"},
		{3, 0, "1/2 1/2 1/2 1/2 1/2 1/2 2/1 2/1 2/1 2/1 2/1 2/1 3/0"},
		{3, 1, "1/3 1/3 1/3 1/3 1/3 1/2 2/2 2/1 3/1 3/1 3/1 3/1 3/0"},
		{4, 0, "1/3 1/3 1/3 1/3 1/3 1/3 2/2 3/1 3/1 3/1 3/1 3/1 4/0"},
		{4, 1, "1/4 1/4 1/4 1/4 1/3 2/3 2/2 3/2 3/1 4/1 4/1 4/1 4/0"},
		{5, 0, "1/4 1/4 1/4 1/4 1/4 2/3 3/2 3/2 4/1 4/1 4/1 4/1 5/0"},
		{5, 2, "1/5 1/5 1/5 1/4 1/4 2/4 3/3 4/2 4/1 5/1 5/1 5/1 5/0"},
		{7, 1, "1/7 1/7 1/7 2/6 2/6 2/5 4/4 5/3 6/2 7/1 7/1 7/1 7/0"},
		{10, 0, "1/9 1/9 1/9 2/8 3/7 3/7 5/5 7/3 8/2 9/1 9/1 9/1 10/0"},
		{10, 3, "1/10 1/10 1/9 2/8 3/8 3/7 5/5 7/4 8/3 9/1 10/1 10/1 10/0"},
		{20, 1, "1/20 1/19 2/18 4/16 5/15 7/14 10/10 14/7 15/5 18/2 19/1 20/1 20/0"},
		{100, 0, "1/99 5/95 10/90 20/80 25/75 33/67 50/50 66/34 75/25 90/10 95/5 99/1 100/0"},
		{100, 25, "1/99 5/95 10/90 20/80 25/75 33/67 50/50 66/34 75/25 90/10 95/5 99/1 100/0"},
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("%d replicas with a surge of %d", test.replicas, test.surge), func(t *testing.T) {
			got := ""
			for i, w := range weights {
				p := split(test.replicas, w, maxWeight, test.surge)
				if i > 0 {
					got += " "
				}
				got += fmt.Sprintf("%d/%d", p.canary, p.stable)
			}
			if got != test.want {
				t.Errorf("split:\n got %s\nwant %s", got, test.want)
			}
			if p := split(test.replicas, 0, maxWeight, test.surge); p != (pair{0, test.replicas}) {
				t.Errorf("weight 0: got %v, want 0/%d", p, test.replicas)
			}
		})
	}
}

func TestSplitKeepsBothSidesAndTheSum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		replicas := rapid.Int32Range(0, 3000).Draw(t, "replicas")
		weight := rapid.Int32Range(-5, 105).Draw(t, "weight")
		surge := rapid.Int32Range(0, 20).Draw(t, "surge")
		p := split(replicas, weight, maxWeight, surge)
		if p.canary < 0 || p.stable < 0 {
			t.Fatalf("negative: %v", p)
		}
		if total := p.canary + p.stable; replicas > 0 && (total < replicas || total > replicas+min(surge, 1)) {
			t.Fatalf("%d pods for %d replicas with a surge of %d", total, replicas, surge)
		}
		if replicas > 1 && weight > 0 && weight < maxWeight && (p.canary == 0 || p.stable == 0) {
			t.Fatalf("a side is empty at %d %%: %v", weight, p)
		}
	})
}
