package vu

import (
	"context"
	"testing"
	"time"
)

func TestThePacerIsNeverEarly(t *testing.T) {
	for _, p := range []pacer{{exact: true}, {exact: false}} {
		for _, wait := range []time.Duration{-time.Second, 0, 300 * time.Microsecond, 2 * time.Millisecond, 12 * time.Millisecond} {
			at := time.Now().Add(wait)
			if !p.until(t.Context(), at) {
				t.Errorf("exact %t: waiting %s was given up", p.exact, wait)
			}
			if early := time.Until(at); early > 0 {
				t.Errorf("exact %t: %s early for a wait of %s", p.exact, early, wait)
			}
		}
	}
}

func TestThePacerStopsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	begin := time.Now()
	if (pacer{exact: true}).until(ctx, begin.Add(time.Hour)) {
		t.Error("an hour went by")
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("stopping took %s", took)
	}
}
