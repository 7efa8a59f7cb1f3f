package httpx

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"
)

// What a hop leaves behind for the next one must not reach into it: neither its
// bound in time, nor its moments, nor its headers.
func TestHopsOfOneUserDoNotReachIntoEachOther(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		pause, _ := time.ParseDuration(r.Header.Get("Pause"))
		time.Sleep(pause)
		_, _ = io.WriteString(w, r.Header.Get("Name"))
	}))
	t.Cleanup(server.Close)
	c := NewFactory(Options{Timeout: 150 * time.Millisecond}).NewClient()
	defer c.Close()
	steps := []struct {
		name, pause string
		bytes       int64
		class       Class
	}{
		{"a", "100ms", 1, ""},
		{"bb", "100ms", 2, ""}, // the clock of the first hop would ring in the middle of this one
		{"bb", "0s", 2, ""},
		{"late", "400ms", 0, ResponseTimeout},
		{"bb", "100ms", 2, ""},
		{"ccc", "100ms", 3, ""},
	}
	for i, step := range steps {
		hops, _ := do(t, c, Request{Method: "GET", URL: server.URL, Headers: []Header{{"Name", step.name}, {"Pause", step.pause}}})
		h := hops[0]
		if class := classOfHop(h); class != step.class || h.Bytes != step.bytes {
			t.Errorf("request %d: %d bytes and the error %q, want %d and %q", i, h.Bytes, class, step.bytes, step.class)
		}
		if h.Err == nil && (h.Wrote.Before(h.Sent) || h.FirstByte.Before(h.Wrote) || h.Done.Before(h.FirstByte)) {
			t.Errorf("request %d: sent %s, on its way %s, answered %s, done %s", i, h.Sent, h.Wrote, h.FirstByte, h.Done)
		}
	}
}

func classOfHop(h Hop) Class {
	if h.Err == nil {
		return ""
	}
	return h.Err.Class
}

// A user who thinks longer than a request may take is not timed out by its last request's clock.
func TestAThinkingUserIsNotTimedOut(t *testing.T) {
	server, connections := shop(t)
	c := NewFactory(Options{Timeout: 30 * time.Millisecond}).NewClient()
	defer c.Close()
	for range 3 {
		if hops, err := do(t, c, Request{Method: "GET", URL: server.URL + "/echo"}); err != nil || hops[0].Code != http.StatusOK {
			t.Fatalf("%+v, %v", hops, err)
		}
		time.Sleep(80 * time.Millisecond)
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("%d connections were made, want 1", n)
	}
}

func TestAddressesAreKeptWithinBounds(t *testing.T) {
	var a addresses
	for i := range maxAddresses + 10 {
		address, ok := a.parse("http://shop.example/" + strconv.Itoa(i))
		if !ok || address.Path != "/"+strconv.Itoa(i) {
			t.Fatalf("address %d is %v, %t", i, address, ok)
		}
	}
	if n := a.n.Load(); n != maxAddresses {
		t.Errorf("%d addresses are kept, want %d", n, maxAddresses)
	}
	first, _ := a.parse("http://shop.example/7")
	again, _ := a.parse("http://shop.example/7")
	if first != again {
		t.Error("an address was parsed twice")
	}
	if _, ok := a.parse("ftp://shop.example/"); ok {
		t.Error("an address of another protocol was taken")
	}
}

func TestARequestWithCookiesOrARedirectLeavesTheKeptHeadersAlone(t *testing.T) {
	server, _ := shop(t)
	c := NewFactory(Options{Timeout: 5 * time.Second}).NewClient()
	defer c.Close()
	headers := []Header{{"X-User", "7"}, {"Host", "shop.example"}}
	for _, path := range []string{"/login", "/echo", "/echo"} {
		if _, err := do(t, c, Request{Method: "GET", URL: server.URL + path, Headers: headers}); err != nil {
			t.Fatal(err)
		}
	}
	if h := c.head(headers); len(h.header) != 1 || h.header.Get("X-User") != "7" || h.host != "shop.example" {
		t.Errorf("the kept headers are %v for host %q", h.header, h.host)
	}
	if h := c.head([]Header{{"X-User", "8"}}); h.header.Get("X-User") != "8" || h.host != "" {
		t.Errorf("other headers are %v for host %q", h.header, h.host)
	}
}
