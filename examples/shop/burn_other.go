//go:build !linux

package main

import (
	"context"
	"time"
)

// burn uses the processor for d by the wall clock: only Linux's clock for threads is used here, and the shop's image is for Linux.
func burn(ctx context.Context, d time.Duration) error {
	for begun := time.Now(); time.Since(begun) < d; spin() {
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}
