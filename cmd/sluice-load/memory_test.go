package main

import "testing"

func TestTheMoreIsInUseTheLessGarbageMayLie(t *testing.T) {
	for _, tt := range []struct {
		used       uint64
		most, want int
	}{
		{0, 400, 400},
		{4 << 20, 400, 400},
		{16 << 20, 400, 400},
		{16 << 20, 200, 200},
		{64 << 20, 400, 100},
		{80 << 20, 400, 80},
		{1 << 30, 400, 50},
	} {
		if got := percentFor(tt.used, tt.most); got != tt.want {
			t.Errorf("with %d MiB in use and %d at most: %d, want %d", tt.used>>20, tt.most, got, tt.want)
		}
	}
}
