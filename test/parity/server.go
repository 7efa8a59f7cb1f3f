// Package parity holds sluice-load against Artillery itself, on a server that answers both alike.
package parity

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// server answers the same to the same requests in the same order.
type server struct {
	*httptest.Server
	flaky atomic.Int64
	// seen counts requests by method and path.
	requests atomic.Int64
}

// newServer listens on a port of its own on the loopback.
func newServer(secure bool) *server {
	s := &server{}
	mux := http.NewServeMux()
	mux.HandleFunc("/ms/{n}", s.wait)
	mux.HandleFunc("/flaky", s.fail)
	mux.HandleFunc("/status/{code}", status)
	mux.HandleFunc("/redirect/{n}", redirect)
	mux.HandleFunc("/login", login)
	mux.HandleFunc("/me", me)
	mux.HandleFunc("/items", items)
	mux.HandleFunc("/items/{id}", item)
	mux.HandleFunc("/echo", echo)
	mux.HandleFunc("/want", want)
	mux.HandleFunc("/want/", want)
	mux.HandleFunc("/", root)
	mux.HandleFunc("/html", html)
	mux.HandleFunc("/reset", reset)
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		mux.ServeHTTP(w, r)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // clients that trust no such certificate hang up
	if secure {
		s.StartTLS()
	} else {
		s.Start()
	}
	return s
}

// answer writes a value as JSON.
func answer(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v) // the client may have gone
}

// wait answers after so many milliseconds.
func (s *server) wait(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(r.PathValue("n"))
	if err != nil || n < 0 || n > 5000 {
		http.Error(w, "0 to 5000 milliseconds", http.StatusBadRequest)
		return
	}
	time.Sleep(time.Duration(n) * time.Millisecond)
	answer(w, http.StatusOK, map[string]any{"ms": n})
}

// fail answers every fiftieth request with a 500.
func (s *server) fail(w http.ResponseWriter, _ *http.Request) {
	if s.flaky.Add(1)%50 == 0 {
		answer(w, http.StatusInternalServerError, map[string]any{"error": "the fiftieth"})
		return
	}
	answer(w, http.StatusOK, map[string]any{"ok": true})
}

func status(w http.ResponseWriter, r *http.Request) {
	code, err := strconv.Atoi(r.PathValue("code"))
	if err != nil || code < 200 || code > 599 {
		code = http.StatusBadRequest
	}
	w.WriteHeader(code)
}

// redirect leads n times on, and then to an answer.
func redirect(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(r.PathValue("n"))
	if err != nil || n < 0 {
		n = 0
	}
	to := "/items/9"
	if n > 1 {
		to = fmt.Sprintf("/redirect/%d", n-1)
	}
	http.Redirect(w, r, to, http.StatusFound)
}

func login(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, &http.Cookie{Name: "session", Value: "s-" + r.URL.Query().Get("user"), Path: "/"})
	answer(w, http.StatusOK, map[string]any{"token": "t-1"})
}

// me knows who has logged in, or who brings a cookie of the script's.
func me(w http.ResponseWriter, r *http.Request) {
	c, err := r.Cookie("session")
	if err != nil {
		answer(w, http.StatusUnauthorized, map[string]any{"error": "who are you?"})
		return
	}
	w.Header().Set("X-Session", c.Value)
	answer(w, http.StatusOK, map[string]any{"session": c.Value})
}

func items(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		w.Header().Set("Location", "/items/9")
		answer(w, http.StatusCreated, map[string]any{"id": 9, "name": "nine"})
		return
	}
	answer(w, http.StatusOK, map[string]any{
		"items": []any{map[string]any{"id": 1, "name": "one"}, map[string]any{"id": 2, "name": "two"}},
		"next":  nil, "count": 2, "zero": 0, "empty": "", "no": false,
	})
}

// item knows the numbers 1 to 9.
func item(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(r.PathValue("id"))
	if err != nil || n < 1 || n > 9 {
		answer(w, http.StatusNotFound, map[string]any{"error": "no item " + r.PathValue("id")})
		return
	}
	if r.Method == http.MethodDelete {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	answer(w, http.StatusOK, map[string]any{"id": n, "method": r.Method})
}

// echo tells what it was sent.
func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return
	}
	headers := map[string]any{}
	for name, values := range r.Header {
		headers[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	answer(w, http.StatusOK, map[string]any{
		"method": r.Method, "path": r.URL.Path, "query": r.URL.RawQuery, "headers": headers, "body": string(body),
	})
}

// root answers what has no place of its own.
func root(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("X-Id", "7")
	answer(w, http.StatusOK, map[string]any{
		"id": 7, "7": "seven", "ok": true, "n": 1, "a": map[string]any{"b": 1}, "items": []any{map[string]any{"id": "id"}},
		"token": "t-1", "link": "id=12",
	})
}

// want answers 200 when the request is what its own query says: the proof that both
// tools send the same is that both get the same codes.
func want(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return
	}
	wrong := map[string]any{}
	for name, values := range r.URL.Query() {
		if got, asked := sent(r, body, name, values[0]); asked && got != values[0] {
			wrong[name] = got
		}
	}
	if len(wrong) > 0 {
		answer(w, http.StatusTeapot, wrong)
		return
	}
	answer(w, http.StatusOK, map[string]any{"ok": true})
}

// sent is the part of a request that is named as in header:accept, and whether that
// names one.
func sent(r *http.Request, body []byte, name, wanted string) (got string, asked bool) {
	kind, field, _ := strings.Cut(name, ":")
	switch kind {
	case "method":
		return r.Method, true
	case "body":
		return string(body), true
	case "header":
		return r.Header.Get(field), true
	case "path":
		got, _, _ = strings.Cut(r.RequestURI, "?")
		return got, true
	case "like": // the header is as an expression says
		got = r.Header.Get(field)
		if regexp.MustCompile(wanted).MatchString(got) {
			return wanted, true
		}
		return got, true
	case "cookie":
		if c, err := r.Cookie(field); err == nil {
			got = c.Value
		}
		return got, true
	case "user":
		user, password, _ := r.BasicAuth()
		return user + ":" + password, true
	}
	return "", false
}

func html(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(w, `<html><body><a class="go" href="/items/1">one</a><a class="go" href="/items/2">two</a><p id="t">token=abc123;</p></body></html>`)
}

// reset drops the connection in the middle of a request.
func reset(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
