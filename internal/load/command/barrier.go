package command

import (
	"bytes"
	"fmt"
	"time"
)

const (
	// glance is how often the start file is looked at.
	glance = 20 * time.Millisecond
	// lateStart is how long ago a start may have been: what was due since then is sent late.
	lateStart = time.Second
	// maxStart bounds how much of a start file is read.
	maxStart = 256
)

// barrier waits for the start file to say when to start. It returns why the
// run cannot start, or "".
func (s *session) barrier() (at time.Time, stopped stop, why string) {
	if s.flags.startFile == "" {
		return time.Time{}, stop{}, ""
	}
	ticker := time.NewTicker(glance)
	defer ticker.Stop()
	deadline := time.NewTimer(s.flags.startWithin)
	defer deadline.Stop()
	for {
		at, why = readStart(s.flags.startFile)
		if why == "" {
			return startOf(at, time.Now())
		}
		select {
		case sig := <-s.env.Signals:
			stopped = stopOf(sig)
			return at, stopped, fmt.Sprintf("stopped by %s while it waited for its start", stopped.word)
		case <-deadline.C:
			return at, stop{}, fmt.Sprintf("nobody said within %s when to start: %s", s.flags.startWithin, why)
		case <-ticker.C:
		}
	}
}

// readStart reads the start; why says what keeps it from being one.
func readStart(file string) (at time.Time, why string) {
	data, err := readFile(file, "the start file", maxStart)
	if err != nil {
		return at, err.Error()
	}
	text := string(bytes.TrimSpace(data))
	if text == "" {
		return at, "the start file " + file + " is empty"
	}
	at, err = time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return at, fmt.Sprintf("the start file %s holds %q, which is not a time such as 2026-08-06T13:27:30.5Z", file, text)
	}
	return at, ""
}

// startOf puts a wall time on this process's own clock, which later changes of
// the wall clock do not move.
func startOf(at, now time.Time) (time.Time, stop, string) {
	wait := at.Sub(now.Round(0))
	if wait < -lateStart {
		return at, stop{}, fmt.Sprintf("the start was %s ago when this generator came to read it", -wait.Round(time.Millisecond))
	}
	return now.Add(wait), stop{}, ""
}
