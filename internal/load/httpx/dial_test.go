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

// A resolver that fails for a moment is not what is tested.
func TestAnAddressIsUsedOnWhileItCannotBeLookedUp(t *testing.T) {
	b := newBook()
	home := []netip.Addr{netip.MustParseAddr("10.0.0.1")}
	var broken atomic.Bool
	answered := make(chan struct{}, 10)
	b.resolve = func(context.Context, string) ([]netip.Addr, error) {
		defer func() { answered <- struct{}{} }()
		if broken.Load() {
			return nil, &net.DNSError{Err: "server misbehaving", IsTemporary: true}
		}
		return home, nil
	}
	ask := func() error {
		got, err := b.lookup(t.Context(), "shop.test")
		if err == nil && (len(got) != 1 || got[0] != home[0]) {
			t.Errorf("looked up %v", got)
		}
		return err
	}
	age := func(by time.Duration) {
		b.mu.Lock()
		defer b.mu.Unlock()
		e := b.entries["shop.test"]
		e.at, e.until = e.at.Add(-by), e.until.Add(-by)
	}
	settled := func() {
		<-answered
		b.mu.Lock()
		e := b.entries["shop.test"]
		b.mu.Unlock()
		<-e.ready
	}
	if err := ask(); err != nil {
		t.Fatal(err)
	}
	settled()
	broken.Store(true)
	for range 4 { // 6, 12, 18 and 24 s after the only answer
		age(keepNames + time.Second)
		if err := ask(); err != nil {
			t.Fatalf("while the resolver was away: %v", err)
		}
		settled()
	}
	age(keepNames + 2*time.Second)
	if err := ask(); err == nil {
		t.Errorf("an address of more than %s ago was used", keepOld)
	}
	settled()
	broken.Store(false)
	age(keepFailure)
	if err := ask(); err != nil {
		t.Errorf("a failure was kept for more than %s: %v", keepFailure, err)
	}
}

// Where looking a name up takes too long, connecting has not even begun.
func TestALookUpThatTakesTooLongIsOfClassDNS(t *testing.T) {
	f := NewFactory(Options{Timeout: 30 * time.Millisecond})
	end := make(chan struct{})
	t.Cleanup(func() { close(end) })
	f.book.resolve = func(context.Context, string) ([]netip.Addr, error) {
		<-end
		return nil, errors.New("late")
	}
	c := f.NewClient()
	defer c.Close()
	hops, _ := do(t, c, Request{Method: "GET", URL: "http://slow.test/"})
	if len(hops) != 1 || classOfHop(hops[0]) != DNS {
		t.Errorf("%v, want class dns", hops)
	}
}

// The pods behind a headless Service are the target all of them, and not the first alone.
func TestConnectionsAreSpreadOverTheAddressesOfAName(t *testing.T) {
	var port string
	reached := map[string]*atomic.Int64{}
	for _, ip := range []string{"127.0.0.1", "127.0.0.2", "127.0.0.3"} {
		listener, err := net.Listen("tcp", net.JoinHostPort(ip, port0(port)))
		if err != nil {
			t.Skipf("this machine has no address %s: %v", ip, err)
		}
		_, port, _ = net.SplitHostPort(listener.Addr().String())
		n := &atomic.Int64{}
		reached[ip] = n
		server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { n.Add(1) })}
		go func() { _ = server.Serve(listener) }()
		t.Cleanup(func() { _ = server.Close() })
	}
	f := NewFactory(Options{Timeout: 5 * time.Second})
	f.book.resolve = func(context.Context, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("127.0.0.2"), netip.MustParseAddr("127.0.0.3"), netip.MustParseAddr("::1")}, nil
	}
	for range 9 {
		c := f.NewClient()
		if _, err := do(t, c, Request{Method: "GET", URL: "http://shop.test:" + port + "/"}); err != nil {
			t.Fatal(err)
		}
		c.Close()
	}
	for ip, n := range reached {
		if n.Load() != 3 {
			t.Errorf("%s got %d of 9 connections, want 3", ip, n.Load())
		}
	}
}

func port0(port string) string {
	if port == "" {
		return "0"
	}
	return port
}
