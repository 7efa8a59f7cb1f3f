package httpx

import (
	"crypto/tls"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// An ingress finds its service by the Host header, also behind a redirect.
func TestARedirectKeepsTheScriptsHostWhereItStays(t *testing.T) {
	var hosts []string
	var other, server *httptest.Server
	note := func(r *http.Request) { hosts = append(hosts, r.Host) }
	other = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { note(r) }))
	t.Cleanup(other.Close)
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		note(r)
		switch r.URL.Path {
		case "/":
			http.Redirect(w, r, "/next", http.StatusFound)
		case "/next":
			http.Redirect(w, r, other.URL, http.StatusFound)
		}
	}))
	t.Cleanup(server.Close)
	c := NewFactory(Options{Timeout: 5 * time.Second}).NewClient()
	defer c.Close()
	if _, err := do(t, c, Request{Method: "GET", URL: server.URL + "/", Headers: []Header{{"Host", "shop.example"}}, FollowsRedirects: true}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"shop.example", "shop.example", other.Listener.Addr().String()}, hosts); diff != "" {
		t.Errorf("hosts (-want +got):\n%s", diff)
	}
}

// Whoever asks an ingress by its address, and for a service by the Host header, wants that service's certificate.
func TestTheHostHeaderSaysWhichCertificateIsWanted(t *testing.T) {
	var mu sync.Mutex
	var wanted []string
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.TLS = &tls.Config{GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) { //nolint:gosec // a test's server
		mu.Lock()
		defer mu.Unlock()
		wanted = append(wanted, hello.ServerName)
		return nil, nil //nolint:nilnil // as the interface has it
	}}
	server.StartTLS()
	t.Cleanup(server.Close)
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	config, err := NewTLS(TLSOptions{Authority: authority})
	if err != nil {
		t.Fatal(err)
	}
	c := NewFactory(Options{Timeout: 5 * time.Second, TLS: config}).NewClient()
	defer c.Close()
	for _, host := range []string{"example.com", "example.com:8443", "", "127.0.0.9", "other.test"} {
		var headers []Header
		if host != "" {
			headers = append(headers, Header{"Host", host})
		}
		_, err := do(t, c, Request{Method: "GET", URL: server.URL, Headers: headers})
		var classified *Error
		if bad := errors.As(err, &classified) && classified.Class == TLS; bad != (host == "other.test") {
			t.Errorf("Host: %q: %v", host, err) // the test's certificate is for example.com and 127.0.0.1
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if diff := cmp.Diff([]string{"example.com", "", "other.test"}, wanted); diff != "" {
		t.Errorf("names asked for, a connection each (-want +got):\n%s", diff)
	}
}

// A redirect to TLS on the same host hands credentials to nobody else; one away from it may.
func TestCredentialsStayOnTheWayToTLS(t *testing.T) {
	tests := []struct {
		from, to string
		kept     bool
	}{
		{"http://shop.test/", "https://shop.test/", true},
		{"https://shop.test/", "http://shop.test/", false},
		{"http://shop.test/", "https://other.test/", false},
		{"http://shop.test/", "http://shop.test:81/", false},
		{"http://shop.test/", "/next", true},
	}
	for _, tt := range tests {
		c := NewFactory(Options{Timeout: time.Second}).NewClient()
		to, ok := c.addresses.parse(tt.from)
		if !ok {
			t.Fatal(tt.from)
		}
		m := c.newMessage(Request{Method: "GET", Headers: []Header{{"Authorization", "secret"}, {"Host", "example.com"}}}, to)
		if err := m.redirect(http.StatusFound, tt.to); err != nil {
			t.Fatal(err)
		}
		if kept := m.header.Get("Authorization") != ""; kept != tt.kept || (m.host == "example.com") != tt.kept {
			t.Errorf("from %s to %s: credentials kept %t, host %s", tt.from, tt.to, kept, m.host)
		}
		c.Close()
	}
}
