package main

import "sync/atomic"

// spun keeps the compiler from leaving the loop out.
var spun atomic.Uint64

// spin computes for some ten microseconds.
func spin() {
	x := spun.Load() + 1
	for range 5000 {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	spun.Store(x)
}
