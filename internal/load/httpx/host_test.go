package httpx

import (
	"net/http"
	"net/http/httptest"
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
