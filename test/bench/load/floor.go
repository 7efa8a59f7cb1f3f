package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// bare is what a thread comes to that does nothing but wake in time, and perhaps
// send a request and wait for its answer. No generator can do better on the same
// machine, so a target below it says something about the machine.
type bare struct {
	P50, P99, P999 time.Duration // how late it woke
	Count          int
}

// wakeUp is the program of that thread.
func wakeUp(url, rate, duration string) error {
	perSecond, err := strconv.Atoi(rate)
	if err != nil {
		return err
	}
	lasts, err := time.ParseDuration(duration)
	if err != nil {
		return err
	}
	exchange := func() error { return nil }
	if url != "" {
		c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			return err
		}
		defer c.Close()
		request, answer := []byte("GET / HTTP/1.1\r\nHost: bare\r\n\r\n"), make([]byte, 4096)
		exchange = func() error {
			if _, err := c.Write(request); err != nil {
				return err
			}
			_, err := c.Read(answer)
			return err
		}
	}
	runtime.LockOSThread()
	var late []time.Duration
	begun := time.Now()
	for n := range int(lasts.Seconds() * float64(perSecond)) {
		due := begun.Add(time.Duration(n) * time.Second / time.Duration(perSecond))
		if wait := time.Until(due); wait > 0 {
			pause := unix.NsecToTimespec(wait.Nanoseconds())
			_ = unix.Nanosleep(&pause, nil) // a signal wakes it early, which is not late
		}
		late = append(late, time.Since(due))
		if err := exchange(); err != nil {
			return err
		}
	}
	slices.Sort(late)
	at := func(p int) time.Duration { return late[len(late)*p/1000] }
	return json.NewEncoder(os.Stdout).Encode(bare{P50: at(500), P99: at(990), P999: at(999), Count: len(late)})
}

// bare runs that thread beside what is measured.
func (b *bench) bare(cpu int, url string, rate int, lasts time.Duration) (bare, spent, error) {
	self, err := os.Executable()
	if err != nil {
		return bare{}, spent{}, err
	}
	var out bytes.Buffer
	cmd := exec.Command(self, "bare", url, strconv.Itoa(rate), lasts.String())
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	used, err := b.runOn(cpu, cmd)
	if err != nil {
		return bare{}, used, err
	}
	var got bare
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		return bare{}, used, fmt.Errorf("the bare thread printed %q: %w", out.String(), err)
	}
	return got, used, nil
}
