package result

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOdditiesOfTheAnswers(t *testing.T) {
	type codes = map[string]int64
	tests := []struct {
		name        string
		own, stable codes
		want        []string
	}{
		{"good answers are worth no word", codes{"200": 10}, nil, nil},
		{"nor is no answer", nil, nil, nil},
		{"some answers of 4xx may be meant", codes{"200": 1, "404": 99}, nil, nil},
		{"nothing but 4xx is not", codes{"404": 9, "400": 1}, nil,
			[]string{"all of the 10 answers were 4xx (9 × 404, 1 × 400): what was measured is how quickly the target says no"}},
		{"two versions that answer alike", codes{"200": 98, "201": 2}, codes{"200": 52}, nil},
		{"one that fails now and then", codes{"200": 98, "500": 2}, codes{"200": 100}, nil},
		{"one that does not know the path", codes{"404": 10}, codes{"200": 10}, []string{
			"all of the 10 answers were 4xx (10 × 404): what was measured is how quickly the target says no",
			"the two versions answered differently: the canary 10 × 404, the stable one 10 × 200; their times cannot be compared",
		}},
		{"one that sends elsewhere", codes{"302": 5, "200": 5}, codes{"200": 10},
			[]string{"the two versions answered differently: the canary 5 × 200, 5 × 302, the stable one 10 × 200; their times cannot be compared"}},
		{"one without any answer", nil, codes{"200": 10}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := Result{Codes: tt.own}
			if tt.stable != nil {
				r.Stable = &Side{Codes: tt.stable}
			}
			if diff := cmp.Diff(tt.want, r.Oddities()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestWhenAPhaseWasHasNoRatio(t *testing.T) {
	phases := []Phase{{Name: "Burn", From: 5, To: 25, Requests: 10}}
	r := Result{Phases: phases, Stable: &Side{Phases: phases}}
	ratio := r.Tree()["ratio"].(map[string]any)["phases"].(map[string]any)["Burn"]
	if diff := cmp.Diff(map[string]any{"requests": 1.0}, ratio); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
