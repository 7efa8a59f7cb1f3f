package metrictest

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"sync"
	"testing"

	"sluice.dev/sluice/internal/judge"
	"sluice.dev/sluice/internal/metric"
)

// server is a metric server that can be told how to behave.
type server struct {
	addr string

	mu     sync.Mutex
	count  int
	handle http.HandlerFunc
	faults int // how many requests the handler gets before the server heals; 0 = all
	healed http.HandlerFunc
}

func serve(t *testing.T, handle http.HandlerFunc) *server {
	t.Helper()
	s := &server{handle: handle}
	listener := httptest.NewServer(s)
	t.Cleanup(listener.Close)
	s.addr = listener.Listener.Addr().String()
	return s
}

// ServeHTTP implements http.Handler.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.count++
	handle := s.handle
	if s.faults > 0 && s.count > s.faults {
		handle = s.healed
	}
	s.mu.Unlock()
	handle(w, r)
}

func (s *server) healAfter(faults int, healed http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults, s.healed = faults, healed
}

func (s *server) asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

// say answers; an empty body with an error status repeats the whole request, as chatty servers do.
func say(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if body == "" && status >= 400 {
			dump, _ := httputil.DumpRequest(r, true)
			body = fmt.Sprintf(`{"status":"error","errorType":"bad_data","error":%q,"message":%q}`, dump, dump)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func redirect(status int, to string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, status) }
}

// hang answers nothing until the client has gone, which a server notices only when it has read the body.
func hang(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

// raw breaks the protocol: the bytes are all the client gets.
func raw(bytes string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		connection, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		_, _ = connection.Write([]byte(bytes))
		_ = connection.Close()
	}
}

func oversized(w http.ResponseWriter, _ *http.Request) {
	chunk := []byte(strings.Repeat(" ", 1<<20))
	for range metric.MaxAnswer>>20 + 1 {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

// fault is a way for a server to misbehave; one that passes is worth another attempt.
type fault struct {
	name   string
	serve  http.HandlerFunc
	class  judge.FailureClass
	passes bool
}

var faults = []fault{
	{"400 is a bad query", say(400, ""), judge.BadQuery, false},
	{"401 is unauthorized", say(401, ""), judge.Unauthorized, false},
	{"403 is unauthorized", say(403, ""), judge.Unauthorized, false},
	{"404 is a bad query", say(404, ""), judge.BadQuery, false},
	{"422 is a bad query", say(422, ""), judge.BadQuery, false},
	{"429 is throttled", say(429, ""), judge.Throttled, true},
	{"500 is a server error", say(500, ""), judge.ServerError, true},
	{"503 is a server error", say(503, ""), judge.ServerError, true},
	{"a server that does not answer is timed out", hang, judge.TimedOut, true},
	{"a closed connection is unreachable", raw(""), judge.Unreachable, true},
	{"an answer that breaks off is unreachable", raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"), judge.Unreachable, true},
	{"a server that does not speak HTTP is unreachable", raw(marker + "\r\n\r\n"), judge.Unreachable, true},
	{"an endless answer is a bad answer", oversized, judge.BadAnswer, false},
}

func wantClass(t *testing.T, err error, class judge.FailureClass) {
	t.Helper()
	var failure *judge.Failure
	if !errors.As(err, &failure) {
		t.Fatalf("got error %v, want a failure of class %s", err, class)
	}
	if failure.Class != class {
		t.Errorf("got class %s (%s), want %s", failure.Class, failure.Message, class)
	}
	if failure.Message == "" {
		t.Error("the failure has no message")
	}
}

// wantSecrecy looks for the marker, however written, in everything that outlives the request.
func wantSecrecy(t *testing.T, sample judge.Sample, err error) {
	t.Helper()
	text := fmt.Sprintf("%+v %v", sample, err)
	if sample.Failure != nil {
		text += sample.Failure.Message
	}
	if strings.Contains(strings.ToLower(text), marker) {
		t.Errorf("the secret is in %s", text)
	}
}
