package vu

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice.dev/sluice/internal/load/schedule"
	"sluice.dev/sluice/internal/load/script"
	"sluice.dev/sluice/internal/load/series"
	"sluice.dev/sluice/internal/load/stats"
)

// shop answers like a small application and remembers what it was asked.
type shop struct {
	*httptest.Server
	mu    sync.Mutex
	asked []string
	last  *http.Request
	body  string
}

func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{}
	mux := http.NewServeMux()
	mux.HandleFunc("/items", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Token", "h1")
		_, _ = io.WriteString(w, `{"id": 7, "none": null, "zero": 0, "token": "t1", "list": [{"id": 1}, {"id": 2}], "deep": {"a": "b"}}`)
	})
	mux.HandleFunc("/page", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `<html><input name=csrf value=c1><p>one</p><p>two</p></html>`)
	})
	mux.HandleFunc("/login", func(w http.ResponseWriter, _ *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "s1", Path: "/"})
	})
	mux.HandleFunc("/away", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/items", http.StatusFound) })
	mux.HandleFunc("/fail", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	mux.HandleFunc("/slow", func(http.ResponseWriter, *http.Request) { time.Sleep(100 * time.Millisecond) })
	mux.HandleFunc("/huge", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 2<<20)) })
	mux.HandleFunc("/brokengzip", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = io.WriteString(w, `{"id": 1}`)
	})
	mux.HandleFunc("/", func(http.ResponseWriter, *http.Request) {})
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.asked = append(s.asked, strings.TrimSpace(fmt.Sprintf("%s %s %s", r.Method, r.URL.RequestURI(), body)))
		s.last, s.body = r, string(body)
		s.mu.Unlock()
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// ran is what came of a run.
type ran struct {
	*stats.Set
	pace  Pace
	asked []string
	log   string
}

// files are what a script finds beside it.
type files map[string]string

func (f files) read(name string) ([]byte, error) {
	text, ok := f[name]
	if !ok {
		return nil, os.ErrNotExist
	}
	return []byte(text), nil
}

// play runs a script, one user if it does not say more, against a shop.
func play(t *testing.T, s *shop, text string, beside files) ran {
	t.Helper()
	return playWith(t, s, text, beside, Config{})
}

func playWith(t *testing.T, s *shop, text string, beside files, c Config) ran {
	t.Helper()
	compiled, err := script.Load([]byte(text), script.Options{File: "s.yaml", Target: s.URL, Read: beside.read, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	c.Recorder, c.Log = stats.NewRecorder(2), &log
	if c.Share.Of == 0 {
		c.Share = schedule.Whole
	}
	pace := Run(t.Context(), compiled, c)
	s.mu.Lock()
	defer s.mu.Unlock()
	return ran{Set: c.Recorder.Drain(), pace: pace, asked: s.asked, log: log.String()}
}

// flowOf is a script of one user that does these steps.
func flowOf(steps string) string {
	return "config: {phases: [{duration: 0.02, arrivalCount: 1}]}\nscenarios:\n  - flow:\n" + indent(steps, "      ")
}

func indent(text, by string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i := range lines {
		lines[i] = by + lines[i]
	}
	return strings.Join(lines, "\n") + "\n"
}

func TestSteps(t *testing.T) {
	tests := []struct {
		name, steps string
		want        []string
	}{
		{"a loop counts from 0", "- {loop: [{get: {url: '/{{ $loopCount }}'}}], count: 2}", []string{"GET /0", "GET /1"}},
		{"a range stops before its end", "- {loop: [{get: {url: '/{{ $loopCount }}'}}], count: 3-5}", []string{"GET /3", "GET /4"}},
		{"a count from a variable", "- {get: {url: /items, capture: {json: $.list.length, as: n}}}\n- {loop: [{get: {url: /a}}], count: '{{ n }}'}",
			[]string{"GET /items", "GET /a", "GET /a"}},
		{"a loop over a list", "- {loop: [{get: {url: '/{{ $loopElement }}'}}], over: [x, 2]}", []string{"GET /x", "GET /2"}},
		{"a loop's variables have other names", "- {loop: [{get: {url: '/{{ i }}/{{ it.id }}'}}], over: [{id: 5}], loopValue: i, loopElement: it}", []string{"GET /0/5"}},
		{"a loop over a captured list", "- {get: {url: /items, capture: {json: $.list, as: found}}}\n- {loop: [{get: {url: '/{{ $loopElement.id }}'}}], over: found}",
			[]string{"GET /items", "GET /1", "GET /2"}},
		{"a loop over what is no list is skipped", "- {get: {url: /items, capture: {json: $.id, as: found}}}\n- {loop: [{get: {url: /never}}], over: found}", []string{"GET /items"}},
		{"a loop over nothing is skipped", "- {loop: [{get: {url: /never}}], over: []}\n- {get: {url: /a}}", []string{"GET /a"}},
		{"loops inside loops", "- loop: [{loop: [{get: {url: '/{{ o }}{{ i }}'}}], count: 2, loopValue: i}]\n  count: 2\n  loopValue: o",
			[]string{"GET /00", "GET /01", "GET /10", "GET /11"}},
		{"probability 0 never, 100 always", "- {get: {url: /never, probability: 0}}\n- {get: {url: /always, probability: 100}}", []string{"GET /always"}},
		{"ifTrue", "- {get: {url: /items, capture: {json: $.id, as: id}}}\n- {get: {url: /yes, ifTrue: 'id > 6'}}\n- {get: {url: /no, ifTrue: 'id < 6'}}",
			[]string{"GET /items", "GET /yes"}},
		{"ifTrue over what nothing defines", "- {get: {url: /no, ifTrue: 'nobody > 6'}}\n- {get: {url: /a}}", []string{"GET /a"}},
		{"a redirect is followed and its end looked at", "- {get: {url: /away, capture: {json: $.token, as: x}}}\n- {get: {url: '/{{ x }}'}}", []string{"GET /away", "GET /items", "GET /t1"}},
		{"a multiple of hits", "- {get: {url: /items, capture: {json: '$.list[*].id', as: ids, multiple: false}}}\n- {post: {url: /a, json: '{{ ids }}'}}", []string{"GET /items", "POST /a [1,2]"}},
		{"captures from everywhere", "- get:\n    url: /page\n    capture:\n      - {selector: 'input[name=csrf]', attr: value, as: a}\n      - {selector: p, index: last, as: b}\n      - {regexp: 'value=(\\w+)', group: 1, as: c}\n      - {xpath: '//p[1]', as: d}\n- {get: {url: '/{{ a }}/{{ b }}/{{ c }}/{{ d }}'}}",
			[]string{"GET /page", "GET /c1/two/c1/one"}},
		{"0 and null are values", "- {get: {url: /items, capture: [{json: $.zero, as: z}, {json: $.none, as: n}]}}\n- {post: {url: /a, json: {z: '{{ z }}', n: '{{ n }}'}}}",
			[]string{"GET /items", `POST /a {"z":0,"n":null}`}},
		{"a capture into a path", "- {get: {url: /items, capture: {json: $.id, as: user.id}}}\n- {get: {url: '/{{ user.id }}'}}", []string{"GET /items", "GET /7"}},
		{"a header", "- {get: {url: /items, capture: {header: x-token, as: h}}}\n- {get: {url: '/{{ h }}'}}", []string{"GET /items", "GET /h1"}},
		{"a capture that may fail", "- {get: {url: /items, capture: {json: $.nobody, as: a, strict: false}}}\n- {get: {url: '/{{ a }}'}}", []string{"GET /items", "GET /undefined"}},
		{"a match that holds", "- {get: {url: /items, match: {json: $.id, value: 7}}}\n- {get: {url: /a}}", []string{"GET /items", "GET /a"}},
		{"a text is not the number it shows", "- {get: {url: /items, match: {json: $.id, value: '7'}}}\n- {get: {url: /never}}", []string{"GET /items"}},
		{"a match that may fail", "- {get: {url: /items, match: {json: $.id, value: 8, strict: false}}}\n- {get: {url: /a}}", []string{"GET /items", "GET /a"}},
		{"an expression with a placeholder", "- {loop: [{get: {url: /items, capture: {json: '$.{{ $loopElement }}', as: v}}}, {get: {url: '/{{ v }}'}}], over: [id, token]}",
			[]string{"GET /items", "GET /7", "GET /items", "GET /t1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := play(t, newShop(t), flowOf(tt.steps), nil)
			if diff := cmp.Diff(tt.want, got.asked); diff != "" {
				t.Errorf("the shop was asked (-want +got):\n%s\ncounters: %v\n%s", diff, got.Counters(), got.log)
			}
		})
	}
}

func TestWhatEndsAUser(t *testing.T) {
	tests := []struct {
		name, steps string
		counters    map[string]int64
		log         string
	}{
		{"a capture that fails stores none of them", "- {get: {url: /items, capture: [{json: $.id, as: a}, {json: $.nobody, as: b}]}}\n- {get: {url: /never}}",
			map[string]int64{series.VUsersFailed: 1, series.VUsersCompleted: 0, series.Requests: 1, "errors.Failed capture or match": 1, "sluice.errors.capture": 1},
			"capture of b by json $.nobody: nothing was found"},
		{"a match that fails", "- {get: {url: /items, match: {json: $.id, value: 8}}}\n- {get: {url: /never}}",
			map[string]int64{series.VUsersFailed: 1, "errors.Failed capture or match": 1}, "got 7, want 8"},
		{"an answer that is too long", "- {get: {url: /huge, capture: {regexp: a, as: a}}}",
			map[string]int64{series.VUsersFailed: 1, "errors.Failed capture or match": 1, series.DownloadedBytes: 2 << 20}, "longer than 1048576 bytes"},
		{"an answer whose gzip is broken", "- {get: {url: /brokengzip, capture: {json: $.id, as: a}}}",
			map[string]int64{series.VUsersFailed: 1, "errors.Failed capture or match": 1}, "decoding the answer's gzip"},
		{"a broken answer that nobody looks at", "- {get: {url: /brokengzip}}", map[string]int64{series.VUsersFailed: 0, series.VUsersCompleted: 1}, ""},
		{"an address that is none", "- {get: {url: '{{ $testId }}'}}\n- {get: {url: /never}}",
			map[string]int64{series.VUsersFailed: 1, series.Requests: 0, "errors.Invalid URL - ": 1, "sluice.errors.script": 1}, ""},
		{"a pause that is none", "- {get: {url: /items, capture: {json: $.token, as: a}}}\n- {think: '{{ a }}'}",
			map[string]int64{series.VUsersFailed: 1, "errors.Invalid think time: t1": 1}, ""},
		{"the first of a parallel block that fails", "- {parallel: [{get: {url: /items, capture: {json: $.nobody, as: a}}}, {get: {url: /a}}], limit: 1}\n- {get: {url: /never}}",
			map[string]int64{series.VUsersFailed: 1, series.Requests: 1, "errors.Failed capture or match": 1}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := play(t, newShop(t), flowOf(tt.steps), nil)
			for name, want := range tt.counters {
				if n := got.Counter(name); n != want {
					t.Errorf("%s = %d, want %d\n%v", name, n, want, got.Counters())
				}
			}
			if !strings.Contains(got.log, tt.log) {
				t.Errorf("printed %q, want %q", got.log, tt.log)
			}
		})
	}
}

func TestParallel(t *testing.T) {
	steps := "- {parallel: [{get: {url: /slow}}, {get: {url: /slow}}, {get: {url: /items, capture: {json: $.token, as: a}}}, {loop: [{get: {url: /b}}], count: 3}], limit: %d}\n- {get: {url: '/{{ a }}'}}"
	tests := []struct {
		name    string
		limit   int
		sockets int
		atLeast time.Duration
	}{
		{"at once over as many connections", 4, 4, 100 * time.Millisecond},
		{"one after the other over the user's one connection", 4, 0, 200 * time.Millisecond},
		{"one after the other because of the limit", 1, 4, 200 * time.Millisecond},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := strings.Replace(flowOf(fmt.Sprintf(steps, tt.limit)), "config: {", fmt.Sprintf("config: {http: {maxSockets: %d}, ", max(1, tt.sockets)), 1)
			got := play(t, newShop(t), text, nil)
			length := time.Duration(got.Histogram(series.SessionLength).Summary().Min * float64(time.Millisecond))
			if length < tt.atLeast {
				t.Errorf("the block took %s, want at least %s", length, tt.atLeast)
			}
			last := got.asked[len(got.asked)-1]
			sort.Strings(got.asked)
			want := []string{"GET /b", "GET /b", "GET /b", "GET /items", "GET /slow", "GET /slow", "GET /t1"}
			if diff := cmp.Diff(want, got.asked); diff != "" || last != "GET /t1" {
				t.Errorf("the shop was asked, %s last (-want +got):\n%s", last, diff)
			}
		})
	}
}

// Branches share their user's variables; run this with -race where that can be had.
func TestParallelBranchesShareVariables(t *testing.T) {
	text := "config: {http: {maxSockets: 8}, phases: [{duration: 0.02, arrivalCount: 1}]}\nscenarios:\n  - flow:\n      - parallel:\n"
	for i := range 20 {
		text += fmt.Sprintf("          - {loop: [{get: {url: /items, capture: {json: $.id, as: v%d}}}, {get: {url: '/{{ v%d }}'}}], count: 5}\n", i, i)
	}
	got := play(t, newShop(t), text, nil)
	if got.Counter(series.VUsersCompleted) != 1 || got.Counter(series.Requests) != 200 {
		t.Errorf("%d requests, counters %v", got.Counter(series.Requests), got.Counters())
	}
}

func TestLog(t *testing.T) {
	got := play(t, newShop(t), flowOf("- {get: {url: /items, capture: {json: $.deep, as: d}}}\n- {log: 'got {{ d }}'}\n- {loop: [{log: again}], count: 6000}"), nil)
	lines := strings.Split(strings.TrimSpace(got.log), "\n")
	if lines[0] != `got {"a":"b"}` || len(lines) != maxLines+2 || !strings.Contains(lines[maxLines], "the rest is left out") || lines[maxLines+1] != "(1001 more lines were left out)" {
		t.Errorf("%d lines, the first %q, the last %q", len(lines), lines[0], lines[len(lines)-1])
	}
}

func TestThinkVaries(t *testing.T) {
	began := time.Now()
	got := play(t, newShop(t), flowOf("- {think: 50ms, jitter: 20%}\n- {get: {url: /a}}"), nil)
	length := got.Histogram(series.SessionLength).Summary().Min
	if length < 40 || time.Since(began) > 10*time.Second {
		t.Errorf("50 ms with a fifth more or less took %.1f ms", length)
	}
}

func TestRequestsAsTheScriptSays(t *testing.T) {
	beside := files{"a.txt": "the file"}
	tests := []struct {
		name, request string
		want          func(r *http.Request, body string) string
		text          string
	}{
		{"basic authentication", "{get: {url: /, auth: {user: me, pass: 'x{{ $loopCount }}'}}}", func(r *http.Request, _ string) string {
			user, password, _ := r.BasicAuth()
			return user + ":" + password
		}, "me:x0"},
		{"an explicit header goes before auth", "{get: {url: /, auth: {user: me, pass: x}, headers: {authorization: own}}}", func(r *http.Request, _ string) string { return r.Header.Get("Authorization") }, "own"},
		{"cookies", "{get: {url: /, cookie: {a: '1', b: '{{ $loopCount }}'}}}", func(r *http.Request, _ string) string { return r.Header.Get("Cookie") }, "a=1; b=0"},
		{"a multipart form", "{post: {url: /, formData: {name: 'n{{ $loopCount }}', doc: {fromFile: a.txt, contentType: text/x-own}}}}", func(r *http.Request, body string) string {
			boundary := strings.TrimPrefix(r.Header.Get("Content-Type"), "multipart/form-data; boundary=")
			return strings.NewReplacer(boundary, "B", "\r\n", "|").Replace(body)
		}, `--B|Content-Disposition: form-data; name="name"||n0|--B|Content-Disposition: form-data; name="doc"; filename="a.txt"|Content-Type: text/x-own||the file|--B--|`},
		{"nothing in a form", "{post: {url: /, form: {a: 1, b: null}}}", func(_ *http.Request, body string) string { return body }, "a=1&b=null"},
		{"nothing in a query", "{get: {url: /, qs: {b: null, c: '{{ $loopElement.nothing }}', l: [1, null], d: 'x y'}}}", func(r *http.Request, _ string) string { return r.URL.RawQuery }, "b=&c=&l=1&l=&d=x+y"},
		{"brackets in a path", "{get: {url: '/a/[{{ $uuid }}] |x?b=[1]', name: '/a'}}", func(r *http.Request, _ string) string {
			_, end, _ := strings.Cut(r.RequestURI, "]")
			return r.RequestURI[:4] + end
		}, "/a/[%20%7Cx?b=[1]"},
		{"no gzip", "{get: {url: /, gzip: false}}", func(r *http.Request, _ string) string { return r.Header.Get("Accept-Encoding") }, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newShop(t)
			play(t, s, flowOf("- {loop: ["+tt.request+"], count: 1}"), beside)
			if got := tt.want(s.last, s.body); got != tt.text {
				t.Errorf("sent %q, want %q", got, tt.text)
			}
		})
	}
}

func TestCookiesStayWithTheUser(t *testing.T) {
	s := newShop(t)
	text := strings.Replace(flowOf("- {get: {url: /login}}\n- {get: {url: /a}}"), "config: {", "config: {http: {defaults: {cookie: {first: '1'}}}, ", 1)
	play(t, s, text, nil)
	if got := s.last.Header.Get("Cookie"); got != "first=1; session=s1" && got != "session=s1; first=1" {
		t.Errorf("the last request's cookies are %q", got)
	}
}

func TestCookiesOfTheScriptBelongToADirectory(t *testing.T) {
	s := newShop(t)
	play(t, s, flowOf("- {get: {url: /a/b, cookie: {mine: '1'}}}\n- {get: {url: /a/c}}"), nil)
	if got := s.last.Header.Get("Cookie"); got != "mine=1" {
		t.Errorf("beside the first request the cookies are %q", got)
	}
	s = newShop(t)
	play(t, s, flowOf("- {get: {url: /a/b, cookie: {mine: '1'}}}\n- {get: {url: /c}}"), nil)
	if got := s.last.Header.Get("Cookie"); got != "" {
		t.Errorf("outside of the directory the cookies are %q", got)
	}
}

func TestTracesAndTags(t *testing.T) {
	s := newShop(t)
	text := strings.Replace(flowOf("- {get: {url: /a, headers: {baggage: own=1}}}"), "config: {", "config: {http: {distributedTracing: true}, ", 1)
	playWith(t, s, text, nil, Config{Tags: map[string]string{"run": "r 1", "by": "sluice,x"}})
	parts := strings.Split(s.last.Header.Get("Traceparent"), "-")
	if len(parts) != 4 || parts[0] != "00" || len(parts[1]) != 32 || !strings.HasPrefix(parts[1], "a9") || len(parts[2]) != 16 || parts[3] != "01" {
		t.Errorf("traceparent: %q", s.last.Header.Get("Traceparent"))
	}
	if got := s.last.Header.Get("Baggage"); got != "own=1,by=sluice%2Cx,run=r%201" {
		t.Errorf("baggage: %q", got)
	}
	if got := s.last.Header.Get("X-Sluice-Load-Test"); got != "by=sluice%2Cx,run=r%201" {
		t.Errorf("X-Sluice-Load-Test: %q", got)
	}
}

func TestAnotherTarget(t *testing.T) {
	script, other := newShop(t), newShop(t)
	got := playWith(t, script, flowOf("- {get: {url: '/a?from={{ target }}'}}"), nil, Config{Target: other.URL})
	if len(got.asked) != 0 || len(other.asked) != 1 || !strings.Contains(other.asked[0], "GET /a?from="+other.URL) {
		t.Errorf("the script's target was asked %q, the other %q", got.asked, other.asked)
	}
}

func TestExtendedMetrics(t *testing.T) {
	got := play(t, newShop(t), strings.Replace(flowOf("- {get: {url: /a}}\n- {get: {url: /b}}"), "config: {", "config: {http: {extendedMetrics: true}, ", 1), nil)
	if n := got.Histogram(series.TCP).Summary().Count; n != 1 {
		t.Errorf("two requests over one connection timed %d connections", n)
	}
	if n := got.Histogram(series.Total).Summary().Count; n != 2 {
		t.Errorf("two requests have %d total times", n)
	}
	if h := got.Histogram(series.DNS); h == nil || h.Summary().Count != 1 {
		t.Error("an address without a name was not looked up in no time")
	}
	if got.Histogram(series.TLS) != nil {
		t.Error("TLS was timed without any")
	}
}

func TestApdexCountsAnswersAndNotRedirects(t *testing.T) {
	got := play(t, newShop(t), strings.Replace(flowOf("- {get: {url: /away}}"), "config: {", "config: {apdex: {threshold: 60000}, plugins: {apdex: {}}, ", 1), nil)
	if n := got.Counters()[series.ApdexSatisfied]; n != 1 {
		t.Errorf("a request with a redirect scores %d times", n)
	}
}

func TestRowsOfFiles(t *testing.T) {
	config := "config:\n  phases: [{duration: 0.1, arrivalCount: 6}]\n  payload: %s\n  variables: {own: inline}\n"
	flow := "scenarios: [{flow: [{get: {url: '/{{ id }}/{{ own }}'}}]}]\n"
	rows := files{"u.csv": "id,own\n1,csv\n2,csv\n3,csv\n"}
	t.Run("in sequence, over all shares of a test", func(t *testing.T) {
		var all []string
		for i := range int64(2) {
			text := fmt.Sprintf(config, "{path: u.csv, fields: [id, own], order: sequence, skipHeader: true}") + flow
			got := playWith(t, newShop(t), text, rows, Config{Share: schedule.Share{Index: i, Of: 2}})
			all = append(all, got.asked...)
		}
		sort.Strings(all)
		want := []string{"GET /1/inline", "GET /1/inline", "GET /2/inline", "GET /2/inline", "GET /3/inline", "GET /3/inline"}
		if diff := cmp.Diff(want, all); diff != "" {
			t.Errorf("the shop was asked (-want +got):\n%s", diff)
		}
	})
	t.Run("by chance, the same for a seed", func(t *testing.T) {
		text := fmt.Sprintf(config, "{path: u.csv, fields: [id, own], skipHeader: true}") + flow
		var runs [2][]string
		for i := range runs {
			runs[i] = playWith(t, newShop(t), text, rows, Config{Seed: 5}).asked
			sort.Strings(runs[i])
		}
		if diff := cmp.Diff(runs[0], runs[1]); diff != "" {
			t.Errorf("one seed draws twice differently:\n%s", diff)
		}
	})
	t.Run("all of them for every user", func(t *testing.T) {
		text := "config:\n  phases: [{duration: 0.02, arrivalCount: 1}]\n  payload: {path: u.csv, fields: [id, own], skipHeader: true, loadAll: true, name: rows}\n" +
			"scenarios: [{flow: [{loop: [{get: {url: '/{{ $loopElement.id }}'}}], over: rows}]}]\n"
		got := play(t, newShop(t), text, rows)
		if diff := cmp.Diff([]string{"GET /1", "GET /2", "GET /3"}, got.asked); diff != "" {
			t.Errorf("the shop was asked (-want +got):\n%s", diff)
		}
	})
}

func TestBeforeAndAfter(t *testing.T) {
	text := "config: {phases: [{duration: 0.05, arrivalCount: 2}]}\n" +
		"before: {flow: [{post: {url: /items, capture: {json: $.token, as: token}}}]}\n" +
		"after: {flow: [{delete: {url: '/{{ token }}'}}]}\n" +
		"scenarios: [{flow: [{get: {url: '/{{ token }}'}}]}]\n"
	got := play(t, newShop(t), text, nil)
	if diff := cmp.Diff([]string{"POST /items", "GET /t1", "GET /t1", "DELETE /t1"}, got.asked); diff != "" || got.pace.Err != nil {
		t.Errorf("the shop was asked (-want +got):\n%s\n%v", diff, got.pace.Err)
	}
	if n := got.Counter(series.Requests); n != 2 {
		t.Errorf("%d requests are counted, want those of the load only", n)
	}
}

func TestAFailedBeforeSendsNothing(t *testing.T) {
	text := "config: {phases: [{duration: 0.05, arrivalCount: 2}]}\n" +
		"before: {flow: [{get: {url: /items, capture: {json: $.nobody, as: token}}}]}\n" +
		"scenarios: [{flow: [{get: {url: /never}}]}]\n"
	got := play(t, newShop(t), text, nil)
	if len(got.asked) != 1 || got.pace.Err == nil || !strings.Contains(got.pace.Err.Error(), "capture of token by json $.nobody: nothing was found") {
		t.Errorf("the shop was asked %q; the run's error is %v", got.asked, got.pace.Err)
	}
	if len(got.Counters()) != 0 {
		t.Errorf("counted: %v", got.Counters())
	}
}

func TestALoopWithoutEndStopsWithTheRun(t *testing.T) {
	s := newShop(t)
	compiled, err := script.Load([]byte(flowOf("- {loop: [{get: {url: /a, probability: 0}}]}")), script.Options{File: "s.yaml", Target: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	done := make(chan Pace, 1)
	go func() { done <- Run(ctx, compiled, Config{Recorder: stats.NewRecorder(1), Share: schedule.Whole}) }()
	select {
	case pace := <-done:
		if !pace.Stopped {
			t.Error("the run ended by itself")
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the run does not stop")
	}
}

func TestMadeUpAddressesHaveFewNames(t *testing.T) {
	text := "config: {phases: [{duration: 0.3, arrivalCount: 400}]}\nscenarios: [{flow: [{get: {url: '{{ $uuid }}'}}]}]\n"
	got := play(t, newShop(t), text, nil)
	names, total := 0, int64(0)
	for name, n := range got.Counters() {
		if strings.HasPrefix(name, "errors.Invalid URL") {
			names++
			total += n
		}
	}
	if names != maxLabels+1 || total != 400 {
		t.Errorf("%d failures under %d names, want 400 under %d", total, names, maxLabels+1)
	}
}
