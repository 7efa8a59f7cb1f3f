package httpx

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// Whoever uses a connection at the moment at which the server closes it loses a request that nobody
// has done wrong. Servers say when that will be.
func TestAConnectionIsGivenUpBeforeTheServerClosesIt(t *testing.T) {
	tests := []struct {
		hint string
		idle time.Duration
		ok   bool
	}{
		{"", 0, true},
		{"timeout=5", 4 * time.Second, true},
		{"timeout=5, max=100", 4 * time.Second, true},
		{"max=100, Timeout = 30", 29 * time.Second, true},
		{"timeout=1", 0, false},
		{"timeout=0", -time.Second, false},
		{"timeout=soon", 0, true},
		{"timeout=99999999999999999999", 0, true},
		{"max=3", 0, true},
	}
	for _, tt := range tests {
		h := http.Header{}
		if tt.hint != "" {
			h.Set("Keep-Alive", tt.hint)
		}
		if idle, ok := idleFor(h); idle != tt.idle || ok != tt.ok {
			t.Errorf("Keep-Alive: %s: %s, %t, want %s, %t", tt.hint, idle, ok, tt.idle, tt.ok)
		}
	}
}

func TestAnIdleConnectionIsReplacedWhenItsTimeIsOver(t *testing.T) {
	var hint atomic.Pointer[string]
	var connections atomic.Int64
	address := raw(t, func(string) string {
		return "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nKeep-Alive: timeout=" + *hint.Load() + "\r\n\r\n"
	})
	for text, want := range map[string]int64{"2": 2, "60": 1, "1": 3} {
		hint.Store(&text)
		connections.Store(0)
		f := NewFactory(Options{Timeout: 5 * time.Second})
		c := f.NewClient()
		seen := map[*conn]bool{}
		for i := range 3 {
			if _, err := do(t, c, Request{Method: "GET", URL: address}); err != nil {
				t.Fatal(err)
			}
			kept := c.wire.(*line).kept
			for _, one := range kept {
				seen[one] = true
			}
			if len(kept) == 0 {
				connections.Add(1)
			} else if i == 1 {
				kept[0].since = kept[0].since.Add(-1500 * time.Millisecond) // as if the user had thought so long
			}
		}
		if got := connections.Load() + int64(len(seen)); got != want {
			t.Errorf("timeout=%s: %d connections, want %d", text, got, want)
		}
		c.Close()
	}
}

// A server that says "just a moment" has not answered.
func TestTheFirstByteIsTheAnswersOwn(t *testing.T) {
	const late = 60 * time.Millisecond
	server := hinting(t, late)
	for _, ours := range []bool{true, false} {
		f := NewFactory(Options{Timeout: 5 * time.Second})
		c := f.NewClient()
		if !ours {
			c.wire = newRoundTripper(f, 1, maxIdle)
		}
		for range 2 {
			hops, err := do(t, c, Request{Method: "GET", URL: server})
			if err != nil || len(hops) != 1 || hops[0].Code != 200 {
				t.Fatalf("ours %t: %v, %v", ours, hops, err)
			}
			if took := hops[0].FirstByte.Sub(hops[0].Wrote); took < late {
				t.Errorf("ours %t: the answer took %s by its first byte, and at least %s", ours, took, late)
			}
		}
		c.Close()
	}
}

// A server may refuse a body before it has read it; how long the answer took is then next to nothing.
func TestAnAnswerBeforeTheEndOfTheRequestTakesNoTime(t *testing.T) {
	server := refusing(t)
	body := []byte(strings.Repeat("x", 8<<20))
	for _, ours := range []bool{true, false} {
		for range 10 {
			f := NewFactory(Options{Timeout: 5 * time.Second})
			c := f.NewClient()
			if !ours {
				c.wire = newRoundTripper(f, 1, maxIdle)
			}
			hops, _ := do(t, c, Request{Method: "POST", URL: server, Body: body})
			for _, h := range hops {
				if took := h.FirstByte.Sub(h.Wrote); h.Code > 0 && (took < 0 || took > time.Minute) {
					t.Errorf("ours %t: an answer of %d took %s", ours, h.Code, took)
				}
			}
			c.Close()
		}
	}
}
