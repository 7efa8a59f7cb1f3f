package vu

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sluice.dev/sluice/internal/load/schedule"
	"sluice.dev/sluice/internal/load/series"
	"sluice.dev/sluice/internal/load/stats"
)

// What is counted under a class is told in words once.
func TestErrorsSayWhatTheyCameFrom(t *testing.T) {
	secure := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // it says what the test wants
	secure.StartTLS()
	t.Cleanup(secure.Close)
	plain := newShop(t)
	closing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_ = conn.Close()
		}
	}))
	t.Cleanup(closing.Close)
	babbling := babbler(t)
	const get = "[{get: {url: /}}]"
	tests := []struct{ name, target, flow, class, why string }{
		{"a certificate that nobody knows", secure.URL, get, "tls",
			"x509: certificate signed by unknown authority (config.tls.certificateAuthority names one; config.tls.rejectUnauthorized: false or -k takes it)"},
		{"a target without TLS", strings.Replace(plain.URL, "http:", "https:", 1), get, "tls", "(a target without TLS is http://)"},
		{"nobody listens", "http://127.0.0.1:1", get, "conn_refused", "127.0.0.1:1: connect: connection refused"},
		{"a connection that is closed", closing.URL, get, "conn_reset", "the server closed the connection before its answer was complete"},
		{"an answer of another protocol", babbling, get, "protocol", "SSH-2.0"},
		{"no answer", silent(t), get, "response_timeout", "no answer within the timeout (config.http.timeout is 1s)"},
		{"a capture that finds nothing", plain.URL, "[{get: {url: /items, capture: {json: $.nothing, as: x}}}]", "capture", "GET " + plain.URL + "/items: "},
		{"a url that is none", plain.URL, "[{get: {url: '{{ $uuid }}'}}]", "script", "Invalid URL - "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := stats.NewRecorder(1)
			Run(t.Context(), compile(t, tt.target, "[{duration: 0.1, arrivalCount: 3}], http: {timeout: 1}", tt.flow), Config{Recorder: r, Share: schedule.Whole})
			set := r.Drain()
			why, told := set.Causes()[tt.class]
			if n := set.Counter(series.ErrorClass + tt.class); n != 3 || !told || !strings.Contains(why, tt.why) {
				t.Errorf("%d errors because %q, want 3 because %q\n%v", n, why, tt.why, set.Counters())
			}
		})
	}
}

// babbler answers in a protocol that is not HTTP.
func babbler(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = fmt.Fprint(conn, "SSH-2.0-OpenSSH_9.9\r\n")
			_, _ = conn.Read(make([]byte, 4096))
			_ = conn.Close()
		}
	}()
	return "http://" + l.Addr().String()
}

// silent takes requests and never answers.
func silent(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(s.Close)
	return s.URL
}

func TestANameThatNobodyKnowsIsSaidWithoutTheServerThatWasAsked(t *testing.T) {
	err := &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Name: "shop-nowhere", Err: "no such host", Server: "10.0.0.2:53"}}
	if got := cause("dns", "ENOTFOUND", err); got != "lookup shop-nowhere: no such host" {
		t.Errorf("%q", got)
	}
}

func TestACauseIsOneLine(t *testing.T) {
	if got := cause("script", "oops", fmt.Errorf("p.js:3: oops\n\x1b[2J \xff")); got != "p.js:3: oops  [2J ?" {
		t.Errorf("%q", got)
	}
}

// At a rate worth testing, what came of each request's expectations would hide all else.
func TestExpectationsArePrintedOfTheFirstRequests(t *testing.T) {
	const text = `
config: {phases: [{duration: 0.2, arrivalCount: 1}], plugins: {expect: {%s}}}
scenarios: [{flow: [{loop: [{get: {url: /items, expect: {statusCode: 200}}}, {get: {url: /fail, expect: {statusCode: 200}}}], count: %d}]}]
`
	few := play(t, newShop(t), fmt.Sprintf(text, "", 30), nil).log
	if n := strings.Count(few, "* GET "); n != 60 || strings.Contains(few, "not shown") {
		t.Errorf("%d of 60 requests are told of:\n%s", n, few)
	}
	many := play(t, newShop(t), fmt.Sprintf(text, "", 1000), nil)
	lines := strings.Split(strings.TrimSpace(many.log), "\n")
	met, unmet := strings.Count(many.log, "  ok "), strings.Count(many.log, "  not ok ")
	if last := fmt.Sprintf("(not shown: expectations of %d requests that were met, and of %d that were not)", 1000-met, 1000-unmet); lines[len(lines)-1] != last {
		t.Errorf("it ends with %q, want %q", lines[len(lines)-1], last)
	}
	if len(lines) > 2*maxVerdicts+10 || met < 50 || unmet < 30 || strings.Count(many.log, "further requests whose expectations were") != 2 {
		t.Errorf("%d lines, %d met and %d unmet:\n%s", len(lines), met, unmet, many.log)
	}
	if why := many.Causes()["expect"]; why != "GET /fail: statusCode: expected 200, got 500" {
		t.Errorf("what was not as expected: %q", why)
	}
}
