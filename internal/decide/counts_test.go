package decide

import (
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/intstr"
	"pgregory.net/rapid"

	api "sluice.dev/sluice/api/v1alpha1"
)

// weights are the columns of the contract's table of target counts.
var weights = []int32{1, 5, 10, 20, 25, 33, 50, 66, 75, 90, 95, 99, 100}

// emptied are the cells in which the reference leaves the canary without a pod: no candidate of its
// arithmetic survives. Here both sides keep one.
var emptied = map[string]string{"2/75": "0/2", "5/90": "0/5", "10/95": "0/10"}

func TestSplitGivesTheCountsOfTheContract(t *testing.T) {
	any := []int32{0, 1, 3, 25}
	surging := []int32{1, 2, 5}
	rows := []struct {
		replicas int32
		surges   []int32
		want     string
	}{
		{1, []int32{0}, "0/1 0/1 0/1 0/1 0/1 0/1 1/0 1/0 1/0 1/0 1/0 1/0 1/0"},
		{1, surging, "1/1 1/1 1/1 1/1 1/1 1/1 1/1 1/1 1/1 1/1 1/1 1/1 1/0"},
		{2, []int32{0}, "1/1 1/1 1/1 1/1 1/1 1/1 1/1 1/1 1/1 1/1 1/1 1/1 2/0"},
		{2, surging, "1/2 1/2 1/2 1/2 1/2 1/2 1/1 2/1 2/1 2/1 2/1 2/1 2/0"},
		{3, []int32{0}, "1/2 1/2 1/2 1/2 1/2 1/2 2/1 2/1 2/1 2/1 2/1 2/1 3/0"},
		{3, surging, "1/3 1/3 1/3 1/3 1/3 1/2 2/2 2/1 3/1 3/1 3/1 3/1 3/0"},
		{4, []int32{0}, "1/3 1/3 1/3 1/3 1/3 1/3 2/2 3/1 3/1 3/1 3/1 3/1 4/0"},
		{4, surging, "1/4 1/4 1/4 1/4 1/3 2/3 2/2 3/2 3/1 4/1 4/1 4/1 4/0"},
		{5, []int32{0}, "1/4 1/4 1/4 1/4 1/4 2/3 3/2 3/2 4/1 4/1 4/1 4/1 5/0"},
		{5, surging, "1/5 1/5 1/5 1/4 1/4 2/4 3/3 4/2 4/1 5/1 5/1 5/1 5/0"},
		{7, surging, "1/7 1/7 1/7 2/6 2/6 2/5 4/4 5/3 6/2 7/1 7/1 7/1 7/0"},
		{10, []int32{0}, "1/9 1/9 1/9 2/8 3/7 3/7 5/5 7/3 8/2 9/1 9/1 9/1 10/0"},
		{10, surging, "1/10 1/10 1/9 2/8 3/8 3/7 5/5 7/4 8/3 9/1 10/1 10/1 10/0"},
		{20, surging, "1/20 1/19 2/18 4/16 5/15 7/14 10/10 14/7 15/5 18/2 19/1 20/1 20/0"},
		{100, any, "1/99 5/95 10/90 20/80 25/75 33/67 50/50 66/34 75/25 90/10 95/5 99/1 100/0"},
	}
	for _, row := range rows {
		for _, surge := range row.surges {
			for i, want := range strings.Fields(row.want) {
				name := fmt.Sprintf("%d replicas with a surge of %d at %d %% are %s", row.replicas, surge, weights[i], want)
				if theirs := emptied[fmt.Sprintf("%d/%d", row.replicas, weights[i])]; theirs != "" && surge == 0 {
					name += ", where the reference has " + theirs
				}
				t.Run(name, func(t *testing.T) {
					p := split(row.replicas, weights[i], maxWeight, surge)
					if got := fmt.Sprintf("%d/%d", p.canary, p.stable); got != want {
						t.Errorf("got %s, want %s", got, want)
					}
				})
			}
			if p := split(row.replicas, 0, maxWeight, surge); p != (pair{0, row.replicas}) {
				t.Errorf("%d replicas at weight 0: got %v, want 0/%d", row.replicas, p, row.replicas)
			}
		}
	}
	if p := split(0, 50, maxWeight, 1); p != (pair{}) {
		t.Errorf("no replicas: got %v, want 0/0", p)
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

// TestLimits tells how maxSurge and maxUnavailable are read; the first six rows are the contract's.
func TestLimits(t *testing.T) {
	number := func(n int32) *intstr.IntOrString { v := intstr.FromInt32(n); return &v }
	text := func(s string) *intstr.IntOrString { v := intstr.FromString(s); return &v }
	tests := []struct {
		name               string
		replicas           int32
		surge, unavailable *intstr.IntOrString
		want               string
	}{
		{"the defaults of 1", 1, nil, nil, "1/0"},
		{"the defaults of 2", 2, nil, nil, "1/0"},
		{"the defaults of 3", 3, nil, nil, "1/0"},
		{"the defaults of 4", 4, nil, nil, "1/1"},
		{"the defaults of 5", 5, nil, nil, "2/1"},
		{"the defaults of 10", 10, nil, nil, "3/2"},
		{"numbers are taken as they are", 10, number(4), number(3), "4/3"},
		{"percentages round surge up and unavailable down", 7, text("10%"), text("40%"), "1/2"},
		{"a text without a percent sign is a percentage", 8, text("50"), text("25"), "4/2"},
		{"both of 0 let one pod be missing", 3, number(0), number(0), "0/1"},
		{"both that round to 0 let one pod be missing", 3, number(0), text("10%"), "0/1"},
		{"no more may be missing than there are", 2, number(1), number(5), "1/2"},
		{"what cannot be read is 0", 4, text("many"), number(1), "0/1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := facts{replicas: test.replicas, canary: api.CanaryStrategy{MaxSurge: test.surge, MaxUnavailable: test.unavailable}}
			surge, unavailable := f.limits()
			if got := fmt.Sprintf("%d/%d", surge, unavailable); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

// TestTarget tells what takes the place of the step's weight.
func TestTarget(t *testing.T) {
	tests := []struct {
		name   string
		change func(*scene)
		want   pair
	}{
		{"the step's weight splits the pods", func(*scene) {}, pair{1, 3}},
		{"a step without a weight keeps that of the last one", func(s *scene) { s.step(2) }, pair{1, 3}},
		{"before the first weight there is none", func(s *scene) {
			s.canary().Steps = append([]api.CanaryStep{{Pause: &api.RolloutPause{}}}, s.canary().Steps...)
			s.rehash()
		}, pair{0, 4}},
		{"promote --full is all of it", func(s *scene) { s.Rollout.Status.PromoteFull = true }, pair{4, 0}},
		{"no stable revision is all of it", func(s *scene) { s.Rollout.Status.StableRS = "" }, pair{4, 0}},
		{"a stable ReplicaSet that is gone is all of it", func(s *scene) { s.Observed.ReplicaSets = s.Observed.ReplicaSets[:1] }, pair{4, 0}},
		{"all steps done is all of it", func(s *scene) { s.step(4) }, pair{4, 0}},
		{"no steps at all is all of it", func(s *scene) { s.canary().Steps = nil; s.rehash() }, pair{4, 0}},
		{"an abort is nothing", func(s *scene) { s.Rollout.Status.Abort = true }, pair{0, 4}},
		{"no replicas are none on either side", func(s *scene) { s.replicas(0) }, pair{0, 0}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newScene()
			test.change(s)
			f := look(s.RolloutInput)
			d := &draft{status: trusted(s.Rollout.Status, f)}
			if got := d.target(f); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
