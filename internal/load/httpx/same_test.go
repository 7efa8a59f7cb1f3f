package httpx

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// raw is a server that reads requests and answers as script says, by the request's path.
func raw(t *testing.T, script func(path string) string) string {
	t.Helper()
	return serve(t, func(c net.Conn) {
		r := bufio.NewReader(c)
		for {
			request, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, request.Body)
			text := script(request.URL.Path)
			_, _ = io.WriteString(c, strings.TrimSuffix(text, "<close>"))
			if strings.HasSuffix(text, "<close>") {
				return
			}
		}
	})
}

// shapes are answers of all kinds, good and bad.
func shapes() map[string]string {
	long := strings.Repeat("x", 100_000)
	return map[string]string{
		"length":           "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\nx-a: 2\r\n\r\nhello",
		"no-reason":        "HTTP/1.1 204\r\n\r\n",
		"empty":            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
		"304":              "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
		"chunked":          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;x=y\r\n!\r\n0\r\n\r\n",
		"trailers":         "HTTP/1.1 200 OK\r\nTrailer: X-T\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n",
		"bad-chunk":        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
		"cut-chunk":        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe<close>",
		"until-close":      "HTTP/1.1 200 OK\r\n\r\nuntil the end<close>",
		"closes":           "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok<close>",
		"1.0":              "HTTP/1.0 200 OK\r\n\r\nold<close>",
		"1.0-kept":         "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nold",
		"continues":        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok",
		"folded":           "HTTP/1.1 200 OK\r\nX-F: a\r\n b\r\nContent-Length: 2\r\n\r\nok",
		"cookies":          "HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Path=/\r\nSet-Cookie: b=\"2\"; Path=/\r\nContent-Length: 0\r\n\r\n",
		"redirect":         "HTTP/1.1 303 See Other\r\nLocation: /length\r\nContent-Length: 4\r\n\r\ngone",
		"redirect-nowhere": "HTTP/1.1 302 Found\r\nLocation: ://\r\nContent-Length: 0\r\n\r\n",
		"long":             "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + long,
		"long-header":      "HTTP/1.1 200 OK\r\nX-L: " + long + "\r\nContent-Length: 1\r\n\r\nx",
		"headers-forever":  "HTTP/1.1 200 OK\r\nX-L: " + long + "\r\nX-M: " + long + "\r\nX-N: " + long + "\r\n\r\n",
		"cut-body":         "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nonly this<close>",
		"cut-header":       "HTTP/1.1 200 OK\r\nContent-Le<close>",
		"nothing":          "<close>",
		"no-http":          "SSH-2.0-OpenSSH_9.6\r\n<close>",
		"bad-code":         "HTTP/1.1 2x0 OK\r\n\r\n<close>",
		"code-zero":        "HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n<close>",
		"two-lengths":      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello<close>",
		"less-than-none":   "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello<close>",
		"bad-header":       "HTTP/1.1 200 OK\r\nno colon here\r\n\r\n<close>",
		"more-than-said":   "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and what nobody asked for",
		"silent":           "",
		"stalls":           "HTTP/1.1 200 OK\r\nContent-Le",
	}
}

// seen is what can be compared of a request's hops.
type seen struct {
	Code       int
	Bytes      int64
	Class      Class
	Redirected bool
	Answered   bool
}

func play(t *testing.T, c *Client, r Request) (hops []seen, kept Answer, cookies string) {
	t.Helper()
	r.Answer = &Answer{Limit: 1 << 20}
	all, err := do(t, c, r)
	for _, h := range all {
		hops = append(hops, seen{h.Code, h.Bytes, classOfHop(h), h.Redirected, !h.FirstByte.IsZero()})
		if h.Err == nil && (h.Wrote.Before(h.Sent) || h.FirstByte.Before(h.Wrote) || h.Done.Before(h.FirstByte)) {
			t.Errorf("%s: sent %s, wrote %s, answered %s, done %s", r.URL, h.Sent, h.Wrote, h.FirstByte, h.Done)
		}
	}
	var e *Error
	if errors.As(err, &e) {
		hops = append(hops, seen{Class: e.Class})
	}
	return hops, *r.Answer, c.jar.header(mustParse(t, r.URL))
}

// Two ways lead to a server; what a test measures must not depend on which one is taken.
func TestBothWiresSeeTheSameAnswers(t *testing.T) {
	server := raw(t, func(path string) string { return shapes()[strings.TrimPrefix(path, "/")] })
	for name := range shapes() {
		for _, method := range []string{"GET", "HEAD", "POST"} {
			if method == "HEAD" && name != "length" && name != "closes" && name != "304" && name != "chunked" {
				continue // this server does not know that HEAD has no body
			}
			t.Run(method+" "+name, func(t *testing.T) {
				t.Parallel()
				var got [2][]any
				for i := range got {
					f := NewFactory(Options{Timeout: time.Second})
					c := f.NewClient()
					if i == 1 {
						c.wire = newRoundTripper(f, 1, maxIdle)
					}
					defer c.Close()
					r := Request{Method: method, URL: server + "/" + name, FollowsRedirects: true, Headers: []Header{{"X-A", " b "}}}
					if method == "POST" {
						r.Body = []byte("body")
					}
					for range 2 { // the second over what the first left of the connection
						hops, kept, cookies := play(t, c, r)
						got[i] = append(got[i], hops, kept.Code, kept.Header, string(kept.Body), cookies)
						time.Sleep(2 * fresh)
					}
				}
				if diff := cmp.Diff(got[1], got[0]); diff != "" {
					t.Errorf("the standard library's transport and ours (-transport +ours):\n%s", diff)
				}
			})
		}
	}
}

// What is sent must not depend on it either.
func TestBothWiresSendTheSameRequests(t *testing.T) {
	var got atomic.Pointer[string]
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		text := fmt.Sprint(r.Method, " ", r.RequestURI, " ", r.Host, " ", r.Header, " ", r.ContentLength, " ", r.TransferEncoding, " ", r.Close, " ", len(body), err)
		got.Store(&text)
		if r.URL.Path == "/away" {
			http.Redirect(w, r, "/s?a=b c#d", http.StatusSeeOther)
		}
	}))
	t.Cleanup(server.Close)
	port := server.URL[strings.LastIndexByte(server.URL, ':'):]
	tests := []Request{
		{URL: server.URL},
		{Method: "GET", URL: server.URL + "/a b?q=\"x\" y#z"},
		{Method: "GET", URL: "http://localhost" + port + "/é/%2f"},
		{Method: "GET", URL: "http://user:secret@localhost" + port},
		{Method: "POST", URL: server.URL},
		{Method: "POST", URL: server.URL, Body: []byte{}},
		{Method: "GET", URL: server.URL, Body: []byte("with a body")},
		{Method: "DELETE", URL: server.URL, Body: []byte{}},
		{Method: "PUT", URL: server.URL, Body: make([]byte, 5<<20)},
		{Method: "POST", URL: server.URL + "/away", Body: []byte("x"), FollowsRedirects: true, Headers: []Header{{"Content-Type", "a/b"}, {"Cookie", "own=1"}}},
		{Method: "GET", URL: server.URL, Headers: []Header{{"Host", "Shop.example:81"}, {"User-Agent", ""}, {"x-a", "1"}, {"X-A", "2"}}},
		{Method: "GET", URL: server.URL, Headers: []Header{{"Connection", "close"}, {"User-Agent", "me"}, {"Accept-Encoding", "gzip"}}},
		{Method: "POST", URL: server.URL, Body: []byte("abc"), Headers: []Header{{"Content-Length", "70"}, {"Transfer-Encoding", "chunked"}, {"Trailer", "X"}}},
		{Method: "GET", URL: server.URL, Cookies: []Header{{"a", "1"}, {"b", "2"}}, Headers: []Header{{"Cookie", "own=1"}}},
		{Method: "GET", URL: server.URL, Headers: []Header{{"bad name", "x"}}},
		{Method: "GET", URL: server.URL, Headers: []Header{{"X-Bad", "a\nInjected: b"}}},
		{Method: "GE T", URL: server.URL},
		{Method: "GET", URL: server.URL, Headers: []Header{{"Host", "a b"}}},
	}
	for i, r := range tests {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			var seen [2]string
			var classes [2]Class
			for way := range seen {
				f := NewFactory(Options{Timeout: 5 * time.Second})
				c := f.NewClient()
				if way == 1 {
					c.wire = newRoundTripper(f, 1, maxIdle)
				}
				defer c.Close()
				none := "nothing"
				got.Store(&none)
				hops, _ := do(t, c, r)
				seen[way], classes[way] = *got.Load(), classOfHop(hops[len(hops)-1])
			}
			if diff := cmp.Diff(seen[1], seen[0]); diff != "" {
				t.Errorf("the server got (-transport +ours):\n%s", diff)
			}
			if classes[0] != classes[1] {
				t.Errorf("our error is %q, the transport's %q", classes[0], classes[1])
			}
		})
	}
}

func TestAConnectionThatTheServerClosedMeanwhileIsReplaced(t *testing.T) {
	for _, secure := range []bool{false, true} {
		var requests, connections atomic.Int64
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) }))
		server.Config.IdleTimeout = 20 * time.Millisecond
		server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
			if s == http.StateNew {
				connections.Add(1)
			}
		}
		if secure {
			server.StartTLS()
		} else {
			server.Start()
		}
		c := NewFactory(Options{Timeout: 5 * time.Second, TLS: &tls.Config{InsecureSkipVerify: true}}).NewClient() //nolint:gosec // a test's server
		for range 3 {
			if _, err := do(t, c, Request{Method: "POST", URL: server.URL}); err != nil {
				t.Errorf("secure %t: %v", secure, err)
			}
			time.Sleep(200 * time.Millisecond)
		}
		if requests.Load() != 3 || connections.Load() != 3 {
			t.Errorf("secure %t: the server saw %d requests over %d connections, want 3 and 3", secure, requests.Load(), connections.Load())
		}
		c.Close()
		server.Close()
	}
}

// A server may answer while a long body is still on its way, and one that sends back what it reads must not lock up.
func TestLongBodiesAreSentWhileTheAnswerComes(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		if err := http.NewResponseController(w).EnableFullDuplex(); err != nil {
			t.Error(err)
		}
		_, _ = io.Copy(w, r.Body)
	})
	mux.HandleFunc("/early", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	c := NewFactory(Options{Timeout: 10 * time.Second}).NewClient()
	defer c.Close()
	body := make([]byte, 32<<20)
	for range 2 {
		hops, err := do(t, c, Request{Method: "POST", URL: server.URL + "/echo", Body: body})
		if err != nil || hops[0].Bytes != int64(len(body)) {
			t.Fatalf("%+v, %v", hops, err)
		}
		hops, err = do(t, c, Request{Method: "POST", URL: server.URL + "/early", Body: body[:100_000]})
		if err != nil || hops[0].Code != 413 || hops[0].FirstByte.Before(hops[0].Wrote) {
			t.Fatalf("%+v, %v", hops, err)
		}
	}
}

// Whatever a server says, a request ends, with a class if it failed, and takes little memory.
func FuzzAnswers(f *testing.F) {
	for _, text := range shapes() {
		if len(text) < 1000 {
			f.Add([]byte(text))
		}
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		ours, theirs := net.Pipe()
		go func() {
			_, _ = theirs.Read(make([]byte, 4096))
			_ = theirs.SetDeadline(time.Now().Add(time.Second))
			_, _ = theirs.Write(answer)
			_ = theirs.Close()
		}()
		l := &line{factory: NewFactory(Options{Timeout: 2 * time.Second}), most: 1}
		to, _ := l.factory.addresses.parse("http://fuzz.test/")
		c := &conn{origin: to.origin, socket: socket{Conn: ours}, stall: time.Second}
		c.stream = &c.socket
		l.keep(c)
		c.since = time.Now().Add(time.Hour) // nobody asks whether it is alive
		kept := &Answer{Limit: 1000}
		client := &Client{wire: l, addresses: &l.factory.addresses}
		defer client.Close()
		hop, _ := l.hop(t.Context(), client.newMessage(Request{Method: "GET"}, to), kept)
		switch {
		case hop.Err == nil && hop.Code == 0:
			t.Errorf("%q is an answer without a code", answer)
		case hop.Err != nil && hop.Err.Class.Node() == "":
			t.Errorf("%q fails without a class: %v", answer, hop.Err)
		case len(kept.Body) > 1000 || hop.Bytes > int64(len(answer)):
			t.Errorf("%q: %d bytes, %d of them kept", answer, hop.Bytes, len(kept.Body))
		}
	})
}
