package httpx

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestANameIsLookedUpOnceForAll(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(server.Close)
	f := NewFactory(Options{Timeout: 5 * time.Second})
	var asked atomic.Int64
	f.book.resolve = func(context.Context, string) ([]netip.Addr, error) {
		asked.Add(1)
		time.Sleep(20 * time.Millisecond)
		// The first address refuses, as ::1 does where a server listens on IPv4 only.
		return []netip.Addr{netip.MustParseAddr("127.0.0.2"), netip.MustParseAddr("127.0.0.1")}, nil
	}
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(server.URL, "http://"))
	var users sync.WaitGroup
	for range 20 {
		users.Go(func() {
			c := f.NewClient()
			defer c.Close()
			if _, err := do(t, c, Request{Method: "GET", URL: "http://shop.test:" + port + "/"}); err != nil {
				t.Error(err)
			}
		})
	}
	users.Wait()
	if n := asked.Load(); n != 1 {
		t.Errorf("20 users had the name looked up %d times", n)
	}
}

func TestANameThatIsNotThere(t *testing.T) {
	f := NewFactory(Options{Timeout: 5 * time.Second})
	f.book.resolve = func(_ context.Context, host string) ([]netip.Addr, error) {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	c := f.NewClient()
	defer c.Close()
	hops, err := do(t, c, Request{Method: "GET", URL: "http://nobody.test/"})
	var classified *Error
	if !errors.As(err, &classified) || classified.Class != DNS || len(hops) != 1 {
		t.Errorf("%d hops and %v, want class dns", len(hops), err)
	}
}
