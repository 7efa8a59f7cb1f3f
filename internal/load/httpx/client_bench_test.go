package httpx

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// The server runs in the same process, so the numbers are for comparing, not for quoting.
func BenchmarkDo(b *testing.B) {
	body := make([]byte, 200)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) }))
	b.Cleanup(server.Close)
	f := NewFactory(Options{Timeout: 10 * time.Second})
	request := Request{Method: "GET", URL: server.URL + "/", FollowsRedirects: true, Headers: []Header{{"User-Agent", "bench"}}}
	b.Run("one connection", func(b *testing.B) {
		c := f.NewClient()
		defer c.Close()
		b.ReportAllocs()
		for b.Loop() {
			if err := c.Do(b.Context(), request, func(Hop) {}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("a connection each", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c := f.NewClient()
			if err := c.Do(b.Context(), request, func(Hop) {}); err != nil {
				b.Fatal(err)
			}
			c.Close()
		}
	})
}
