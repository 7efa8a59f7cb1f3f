package httpx

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

// The transport would send a GET again on another connection, and nobody would hear of the first.
func TestARequestThatWentOutIsNotSentAgain(t *testing.T) {
	for _, pool := range []int{0, 3} {
		var broken atomic.Int64
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/break" {
				return
			}
			broken.Add(1)
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			if err := conn.(*net.TCPConn).SetLinger(0); err != nil {
				t.Error(err)
			}
			_ = conn.Close()
		}))
		defer server.Close()
		f := NewFactory(Options{Timeout: 5 * time.Second, Pool: pool})
		defer f.Close()
		for range 5 {
			c := f.NewClient()
			if _, err := do(t, c, Request{Method: "GET", URL: server.URL + "/"}); err != nil {
				t.Fatal(err)
			}
			hops, err := do(t, c, Request{Method: "GET", URL: server.URL + "/break"})
			var e *Error
			if !errors.As(err, &e) || e.Class != ConnReset || len(hops) != 1 {
				t.Errorf("pool %d: %d hops, %v", pool, len(hops), err)
			}
			if _, err := do(t, c, Request{Method: "GET", URL: server.URL + "/"}); err != nil {
				t.Errorf("pool %d: the next request: %v", pool, err)
			}
			c.Close()
		}
		if n := broken.Load(); n != 5 {
			t.Errorf("pool %d: the server saw %d requests, 5 were sent", pool, n)
		}
	}
}

func TestAQueryIsEscapedAsBrowsersDo(t *testing.T) {
	for query, want := range map[string]string{
		"":                       "",
		"a=1&b=%20x":             "a=1&b=%20x",
		"q=red \"shoes\"&r='<>'": "q=red%20%22shoes%22&r=%27%3C%3E%27",
		"q=é\t":                  "q=%C3%A9%09",
		"q={a}|b\\^`[x]":         "q={a}|b\\^`[x]",
	} {
		if got := escaped(query); got != want {
			t.Errorf("%q is %q, want %q", query, got, want)
		}
	}
	got := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got <- r.URL.Query().Get("q") }))
	defer server.Close()
	c := NewFactory(Options{Timeout: 5 * time.Second}).NewClient()
	defer c.Close()
	if _, err := do(t, c, Request{Method: "GET", URL: server.URL + "/s?q=red shoes (new)"}); err != nil {
		t.Fatal(err)
	}
	if q := <-got; q != "red shoes (new)" {
		t.Errorf("the server read %q", q)
	}
}
