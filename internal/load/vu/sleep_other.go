//go:build !linux

package vu

import "time"

func sleep(d time.Duration) { time.Sleep(d) }
