package httpx

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"
)

func packed(t *testing.T, w func(io.Writer) io.WriteCloser, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := w(&b)
	if _, err := io.WriteString(z, text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestKeptAnswers(t *testing.T) {
	gz := func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }
	tests := []struct {
		name, encoding string
		body           []byte
		want, err      string
	}{
		{"as it is", "", []byte("plain"), "plain", ""},
		{"gzip", "gzip", packed(t, gz, "hello"), "hello", ""},
		{"deflate", "deflate", packed(t, func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }, "hello"), "hello", ""},
		{"deflate without its wrapping", "deflate", packed(t, func(w io.Writer) io.WriteCloser {
			z, _ := flate.NewWriter(w, 5)
			return z
		}, "hello"), "hello", ""},
		{"gzip that is none", "gzip", []byte("hello"), "", "decoding the answer's gzip: "},
		{"gzip that breaks off", "gzip", packed(t, gz, strings.Repeat("hello", 1000))[:30], "", "decoding the answer's gzip: "},
		{"an encoding nobody asked for", "br", []byte("x"), "", "decoding the answer's br: not supported"},
		{"as long as may be", "", bytes.Repeat([]byte("a"), 1000), strings.Repeat("a", 1000), ""},
		{"too long", "", bytes.Repeat([]byte("a"), 1001), "", "longer than 1000 bytes"},
		{"a bomb", "gzip", packed(t, gz, strings.Repeat("a", 1<<20)), "", "longer than 1000 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Encoding", tt.encoding)
				w.Header().Set("Content-Type", "text/plain")
				_, _ = w.Write(tt.body)
			}))
			t.Cleanup(server.Close)
			c := NewFactory(Options{Timeout: 5 * time.Second}).NewClient()
			defer c.Close()
			a := &Answer{Limit: 1000, Decode: true}
			hops, err := do(t, c, Request{Method: "GET", URL: server.URL, Answer: a})
			if err != nil || hops[0].Bytes != int64(len(tt.body)) {
				t.Fatalf("hops = %+v, %v", hops, err)
			}
			got := ""
			if a.Err != nil {
				got = a.Err.Error()
			}
			if string(a.Body) != tt.want || !strings.Contains(got, tt.err) || (got == "") != (tt.err == "") || a.Code != 200 {
				t.Errorf("kept %q of a %d, %v; want %q, %q", a.Body, a.Code, a.Err, tt.want, tt.err)
			}
		})
	}
}

func TestTheLastAnswerOfSeveralIsKept(t *testing.T) {
	server, _ := shop(t)
	c := NewFactory(Options{Timeout: 5 * time.Second}).NewClient()
	defer c.Close()
	a := &Answer{Limit: 1000}
	hops, err := do(t, c, Request{Method: "GET", URL: server.URL + "/to?code=302&at=/echo", FollowsRedirects: true, Answer: a})
	if err != nil || len(hops) != 2 || a.Code != 200 || string(a.Body) != "GET  ||" {
		t.Errorf("%d hops, %v; kept %d %q", len(hops), err, a.Code, a.Body)
	}
}

// A server that never stops sending must not fill the memory, and neither must
// one that has a user remember more and more cookies.
func TestHostileServersCostNoMemory(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/endless", func(w http.ResponseWriter, _ *http.Request) {
		block := make([]byte, 1<<20)
		for range 128 {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	})
	n := 0
	mux.HandleFunc("/cookies", func(w http.ResponseWriter, _ *http.Request) {
		for range 100 {
			n++
			w.Header().Add("Set-Cookie", fmt.Sprintf("c%d=%s", n, strings.Repeat("v", 1000)))
		}
		w.Header().Add("Set-Cookie", "=; ; ;=")
		w.Header().Add("Set-Cookie", "long="+strings.Repeat("x", 8000))
	})
	mux.HandleFunc("/headers", func(w http.ResponseWriter, _ *http.Request) {
		for i := range 2000 {
			w.Header().Set(fmt.Sprintf("X-%d", i), strings.Repeat("v", 1000))
		}
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	c := NewFactory(Options{Timeout: 10 * time.Second}).NewClient()
	defer c.Close()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	a := &Answer{Limit: 1000}
	if hops, err := do(t, c, Request{Method: "GET", URL: server.URL + "/endless", Answer: a}); err != nil || hops[0].Bytes != 128<<20 || a.Err == nil {
		t.Errorf("hops = %+v, %v; kept %d bytes, %v", hops, err, len(a.Body), a.Err)
	}
	runtime.ReadMemStats(&after)
	// The server's own buffers are in the same process.
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 16<<20 {
		t.Errorf("128 MiB of body took %d MiB of memory", grown>>20)
	}
	for range 20 {
		if _, err := do(t, c, Request{Method: "GET", URL: server.URL + "/cookies"}); err != nil {
			t.Fatal(err)
		}
	}
	sent := c.jar.header(mustParse(t, server.URL))
	if n := strings.Count(sent, "=v"); n != maxCookies || strings.Contains(sent, "long=") {
		t.Errorf("the user remembers %d cookies, want %d", n, maxCookies)
	}
	if _, err := do(t, c, Request{Method: "GET", URL: server.URL + "/headers"}); err == nil {
		t.Error("2 MB of headers are taken")
	}
}

func TestCookiesOfTheScriptStartTheJar(t *testing.T) {
	server, _ := shop(t)
	c := NewFactory(Options{Timeout: 5 * time.Second}).NewClient()
	defer c.Close()
	a := &Answer{Limit: 1000}
	ask := func(r Request) string {
		t.Helper()
		r.Method, r.URL, r.Answer = "GET", server.URL+"/echo", a
		if _, err := do(t, c, r); err != nil {
			t.Fatal(err)
		}
		return string(a.Body)
	}
	if got := ask(Request{Cookies: []Header{{"a", "1; Path=/x"}, {"b", "two\r\nX: y"}}}); got != "GET a=1; b=twoX: y ||" {
		t.Errorf("the first request is %q", got)
	}
	if got := ask(Request{Headers: []Header{{"Cookie", "own=1"}}}); got != "GET own=1; a=1; b=twoX: y ||" {
		t.Errorf("the second request is %q", got)
	}
}
