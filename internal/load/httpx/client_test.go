package httpx

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// shop answers like a small application; it also counts its connections.
func shop(t *testing.T) (*httptest.Server, *atomic.Int64) {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s|%s|%s", r.Method, r.Header.Get("Cookie"), r.Header.Get("Authorization"), r.Header.Get("Content-Type"), body)
	})
	mux.HandleFunc("/to", func(w http.ResponseWriter, r *http.Request) {
		code, err := strconv.Atoi(r.URL.Query().Get("code"))
		if err != nil {
			code = http.StatusFound
		}
		w.Header().Set("Location", r.URL.Query().Get("at"))
		w.WriteHeader(code)
	})
	mux.HandleFunc("/loop", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop", http.StatusFound) })
	mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "s1", Path: "/"})
	})
	mux.HandleFunc("/slow", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/broken", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte("only this"))
	})
	mux.HandleFunc("/cut", func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_ = conn.Close()
		}
	})
	var connections atomic.Int64
	server := httptest.NewUnstartedServer(mux)
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	return server, &connections
}

func do(t *testing.T, c *Client, r Request) ([]Hop, error) {
	t.Helper()
	var hops []Hop
	err := c.Do(t.Context(), r, func(h Hop) { hops = append(hops, h) })
	return hops, err
}

func mustParse(t *testing.T, address string) *url.URL {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func codesOf(hops []Hop) []int {
	var out []int
	for _, h := range hops {
		out = append(out, h.Code)
	}
	return out
}

func TestRedirectsAreHopsOfTheirOwn(t *testing.T) {
	server, _ := shop(t)
	var got string
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = fmt.Sprintf("%s %q %q %q %s", r.Method, r.Header.Get("Authorization"), r.Header.Get("Cookie"), r.Header.Get("Content-Type"), body)
	}))
	t.Cleanup(other.Close)
	tests := []struct {
		name string
		code int
		want string
	}{
		{"303 becomes a GET without a body", 303, `GET "" "" "" `},
		{"302 sends the request again", 302, `POST "" "" "text/plain" hello`},
		{"307 sends the request again", 307, `POST "" "" "text/plain" hello`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := NewFactory(Options{Timeout: 5 * time.Second}).NewClient()
			defer c.Close()
			hops, err := do(t, c, Request{
				Method: "POST", URL: fmt.Sprintf("%s/to?code=%d&at=%s", server.URL, tt.code, other.URL), Body: []byte("hello"), FollowsRedirects: true,
				Headers: []Header{{"Authorization", "secret"}, {"Cookie", "a=b"}, {"Content-Type", "text/plain"}},
			})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]int{tt.code, 200}, codesOf(hops)); diff != "" {
				t.Errorf("hops (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("what another host got; credentials stay behind (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRedirectsCanBeLeftAlone(t *testing.T) {
	server, _ := shop(t)
	c := NewFactory(Options{Timeout: 5 * time.Second}).NewClient()
	defer c.Close()
	hops, err := do(t, c, Request{Method: "GET", URL: server.URL + "/loop"})
	if err != nil || len(hops) != 1 || hops[0].Code != 302 {
		t.Errorf("hops = %v, %v, want one 302", codesOf(hops), err)
	}
}

func TestRedirectsThatGoNowhereEnd(t *testing.T) {
	server, _ := shop(t)
	c := NewFactory(Options{Timeout: 5 * time.Second}).NewClient()
	defer c.Close()
	tests := []struct {
		name, path string
		hops       int
		class      Class
	}{
		{"a loop ends after ten", "/loop", 11, RedirectLimit},
		{"an address of another kind", "/to?code=302&at=ftp://x/", 1, Protocol},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			hops, err := do(t, c, Request{Method: "GET", URL: server.URL + tt.path, FollowsRedirects: true})
			var classified *Error
			if !errors.As(err, &classified) || classified.Class != tt.class || len(hops) != tt.hops {
				t.Errorf("%d hops and %v, want %d and %s", len(hops), err, tt.hops, tt.class)
			}
		})
	}
}

func TestAUserKeepsItsConnectionAndItsCookies(t *testing.T) {
	server, connections := shop(t)
	f := NewFactory(Options{Timeout: 5 * time.Second})
	for user := range 2 {
		c := f.NewClient()
		for _, path := range []string{"/echo", "/login", "/echo"} {
			if _, err := do(t, c, Request{Method: "GET", URL: server.URL + path}); err != nil {
				t.Fatal(err)
			}
		}
		if got := c.jar.header(mustParse(t, server.URL+"/echo")); got != "session=s1" {
			t.Errorf("user %d sends the cookies %q", user, got)
		}
		c.Close()
	}
	if n := connections.Load(); n != 2 {
		t.Errorf("two users made %d connections, want one each", n)
	}
}

func TestTheClocksAreOrdered(t *testing.T) {
	server, _ := shop(t)
	c := NewFactory(Options{Timeout: 5 * time.Second}).NewClient()
	defer c.Close()
	hops, err := do(t, c, Request{Method: "POST", URL: server.URL + "/echo", Body: []byte("x")})
	if err != nil {
		t.Fatal(err)
	}
	h := hops[0]
	if h.Wrote.Before(h.Sent) || h.FirstByte.Before(h.Wrote) || h.Done.Before(h.FirstByte) || h.Bytes == 0 {
		t.Errorf("sent %v, wrote %v, first byte %v, done %v, %d bytes", h.Sent, h.Wrote, h.FirstByte, h.Done, h.Bytes)
	}
}

func TestErrorsHaveClasses(t *testing.T) {
	server, _ := shop(t)
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(secure.Close)
	free := httptest.NewServer(nil)
	free.Close()
	tests := []struct {
		name, url string
		want      Class
		node      string
		hops      int
	}{
		{"nobody listens", free.URL, ConnRefused, "ECONNREFUSED", 1},
		{"no answer in time", server.URL + "/slow", ResponseTimeout, "ETIMEDOUT", 1},
		{"the connection is cut", server.URL + "/cut", ConnReset, "ECONNRESET", 1},
		{"the body is cut", server.URL + "/broken", ConnReset, "ECONNRESET", 1},
		{"an unknown certificate", secure.URL, TLS, "EPROTO", 1},
		{"TLS where there is none", strings.Replace(server.URL, "http:", "https:", 1), TLS, "EPROTO", 1},
		{"HTTP where there is TLS", strings.Replace(secure.URL, "https:", "http:", 1), "", "", 1},
		{"no address at all", "products", Script, "ERR_INVALID_URL", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			timeout := 10 * time.Second
			if tt.want == ResponseTimeout {
				timeout = 300 * time.Millisecond
			}
			c := NewFactory(Options{Timeout: timeout}).NewClient()
			defer c.Close()
			hops, err := do(t, c, Request{Method: "GET", URL: tt.url})
			var classified *Error
			errors.As(err, &classified)
			if classified == nil {
				classified = &Error{}
			}
			if classified.Class != tt.want || len(hops) != tt.hops {
				t.Errorf("error = %v and %d hops, want class %q and %d", err, len(hops), tt.want, tt.hops)
			}
			if tt.want != "" && classified.Class.Node() != tt.node {
				t.Errorf("Artillery's name is %s, want %s", classified.Class.Node(), tt.node)
			}
		})
	}
}

func TestClassesOfTransportErrors(t *testing.T) {
	dial := func(err error) error { return &net.OpError{Op: "dial", Err: err} }
	tests := []struct {
		name  string
		err   error
		cause error
		want  Class
	}{
		{"no file descriptor left", dial(syscall.EMFILE), nil, Local},
		{"no port left", dial(syscall.EADDRNOTAVAIL), nil, Local},
		{"no route", dial(syscall.EHOSTUNREACH), nil, Unreachable},
		{"an unknown name", dial(&net.DNSError{IsNotFound: true}), nil, DNS},
		{"the kernel gave up connecting", dial(syscall.ETIMEDOUT), nil, ConnTimeout},
		{"we gave up connecting", context.Canceled, errNoConnection, ConnTimeout},
		{"the body stalled", context.Canceled, errBodyStalled, BodyTimeout},
		{"something that is no HTTP", errors.New("malformed HTTP response"), nil, Protocol},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := classify(tt.err, tt.cause); got.Class != tt.want {
				t.Errorf("class = %s, want %s", got.Class, tt.want)
			}
		})
	}
}

func TestAnInsecureClientTakesAnyCertificate(t *testing.T) {
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(secure.Close)
	c := NewFactory(Options{Timeout: 5 * time.Second, Insecure: true}).NewClient()
	defer c.Close()
	hops, err := do(t, c, Request{Method: "GET", URL: secure.URL})
	if err != nil || hops[0].Code != 404 {
		t.Errorf("hops = %v, %v", codesOf(hops), err)
	}
}

func TestAStoppedRunCountsNothing(t *testing.T) {
	server, _ := shop(t)
	c := NewFactory(Options{Timeout: 5 * time.Second}).NewClient()
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	hops := 0
	if err := c.Do(ctx, Request{Method: "GET", URL: server.URL + "/slow"}, func(Hop) { hops++ }); err == nil || hops != 0 {
		t.Errorf("error = %v and %d hops, want the context's error and none", err, hops)
	}
}
