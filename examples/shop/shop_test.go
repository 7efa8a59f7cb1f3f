package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func serveShop(t *testing.T, environment ...string) *httptest.Server {
	t.Helper()
	s, err := readSettings(environment)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(newShop(s, time.Now()).handler())
	t.Cleanup(server.Close)
	return server
}

func ask(t *testing.T, method, url, body string) (status int, answer string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(content)
}

func TestAnswers(t *testing.T) {
	server := serveShop(t, `SHOP_VERSION=v"2`)
	cases := map[string]struct {
		method, path, body string
		status             int
		want               string
	}{
		"the front page":                     {"GET", "/collection/FRONT_PAGE", "", 200, "Shirt"},
		"a product as a string":              {"POST", "/products/", `"Shirt"`, 201, "created"},
		"a product as an object":             {"POST", "/products/", `{"name":"Shirt"}`, 201, "created"},
		"an empty name is refused":           {"POST", "/products/", `""`, 400, "not empty"},
		"an empty object is refused":         {"POST", "/products/", `{}`, 400, "at least one property"},
		"a number is refused":                {"POST", "/products/", `7`, 400, "a JSON string or a JSON object"},
		"what is not JSON is refused":        {"POST", "/products/", `Shirt`, 400, "reading the product"},
		"two products at once are refused":   {"POST", "/products/", `"a" "b"`, 400, "reading the product"},
		"too large a product is refused":     {"POST", "/products/", `"` + strings.Repeat("x", maxProduct) + `"`, 413, "at most 64 KiB"},
		"another collection is not there":    {"GET", "/collection/SALE", "", 404, ""},
		"a product cannot be read":           {"GET", "/products/", "", 405, ""},
		"it is ready":                        {"GET", "/healthz", "", 200, "ready"},
		"it is alive":                        {"GET", "/livez", "", 200, "alive"},
		"the version is shown, well escaped": {"GET", "/", "", 200, `"version":"v\"2"`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			status, body := ask(t, c.method, server.URL+c.path, c.body)
			if status != c.status || !strings.Contains(body, c.want) {
				t.Errorf("status %d, %q; want %d and %q", status, body, c.status, c.want)
			}
			if c.want != "" && !json.Valid([]byte(body)) {
				t.Errorf("%q is not JSON", body)
			}
		})
	}
}

func TestErrorsComeAtExactlyTheirRate(t *testing.T) {
	for rate, want := range map[string]int{"0": 0, "0.01": 2, "0.1": 20, "0.25": 50, "0.333": 66, "1": 200} {
		server := serveShop(t, "SHOP_ERROR_RATE="+rate)
		failed := 0
		for range 200 {
			if status, _ := ask(t, "GET", server.URL+"/collection/FRONT_PAGE", ""); status == 500 {
				failed++
			}
		}
		if failed != want {
			t.Errorf("rate %s: %d of 200 requests failed, want %d", rate, failed, want)
		}
		if status, _ := ask(t, "GET", server.URL+"/healthz", ""); status != 200 {
			t.Errorf("rate %s: the probe met the fault too", rate)
		}
	}
}

func TestLatencyIsWaitedNotBurnt(t *testing.T) {
	server := serveShop(t, "SHOP_LATENCY=60ms")
	begun := time.Now()
	ask(t, "GET", server.URL+"/collection/FRONT_PAGE", "")
	if took := time.Since(begun); took < 60*time.Millisecond {
		t.Errorf("the request took %s", took)
	}
}

func TestReadiness(t *testing.T) {
	begun := time.Now()
	cases := map[string]struct {
		value string
		after time.Duration
		want  bool
	}{
		"ready at once":               {"always", 0, true},
		"never ready":                 {"never", time.Hour, false},
		"not ready before its time":   {"after:30s", 29 * time.Second, false},
		"ready when its time is come": {"after:30s", 30 * time.Second, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			settings, err := readSettings([]string{"SHOP_READY=" + c.value})
			if err != nil {
				t.Fatal(err)
			}
			if got := newShop(settings, begun).ready(begun.Add(c.after)); got != c.want {
				t.Errorf("ready after %s is %v", c.after, got)
			}
		})
	}
	server := serveShop(t, "SHOP_READY=never")
	if status, _ := ask(t, "GET", server.URL+"/healthz", ""); status != 503 {
		t.Errorf("a shop that is never ready answers its probe with %d", status)
	}
	if status, _ := ask(t, "GET", server.URL+"/livez", ""); status != 200 {
		t.Errorf("a shop that is never ready is alive: %d", status)
	}
}

func TestMetrics(t *testing.T) {
	server := serveShop(t, "SHOP_VERSION=v7", "SHOP_ERROR_RATE=0.5")
	for range 4 {
		ask(t, "GET", server.URL+"/collection/FRONT_PAGE", "")
	}
	ask(t, "GET", server.URL+"/healthz", "")
	_, text := ask(t, "GET", server.URL+"/metrics", "")
	var got []string
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "shop_http_requests_total") || strings.HasPrefix(line, "shop_build_info") || strings.Contains(line, "_count ") {
			got = append(got, strings.TrimSpace(line))
		}
	}
	want := []string{
		`shop_build_info{version="v7"} 1`, "shop_http_request_duration_seconds_count 4",
		`shop_http_requests_total{code="200"} 2`, `shop_http_requests_total{code="500"} 2`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
}

func TestTheShopDrainsBeforeItEnds(t *testing.T) {
	s, err := readSettings([]string{"SHOP_DRAIN=300ms", "SHOP_LATENCY=500ms"})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + listener.Addr().String()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, newShop(s, time.Now()), listener) }()
	if status, _ := ask(t, "GET", url+"/healthz", ""); status != 200 {
		t.Fatalf("before: %d", status)
	}
	cancel()
	awaitStatus(t, url+"/healthz", 503)
	if status, _ := ask(t, "GET", url+"/collection/FRONT_PAGE", ""); status != 200 {
		t.Errorf("a request that came during the drain and outlasts it got %d", status)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := http.Get(url + "/healthz"); err == nil {
		t.Error("it still answers")
	}
}

func awaitStatus(t *testing.T, url string, want int) {
	t.Helper()
	for range 100 {
		if status, _ := ask(t, "GET", url, ""); status == want {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("%s never answered %d", url, want)
}

func TestRunRefusesABadEnvironmentAndAddress(t *testing.T) {
	for entry, want := range map[string]string{
		"SHOP_LATENCY=fast":     "SHOP_LATENCY",
		"SHOP_LISTEN=nowhere:x": "listening on SHOP_LISTEN",
	} {
		if err := run(t.Context(), []string{entry}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", entry, err)
		}
	}
}

func TestManyRequestsAtOnce(t *testing.T) {
	server := serveShop(t, "SHOP_ERROR_RATE=0.5", "SHOP_CPU_PER_REQUEST=100us")
	var wg sync.WaitGroup
	problems := make(chan error, 50)
	for range 50 {
		wg.Go(func() {
			response, err := http.Get(server.URL + "/collection/FRONT_PAGE")
			if err != nil {
				problems <- err
				return
			}
			defer response.Body.Close()
			if response.StatusCode != 200 && response.StatusCode != 500 {
				problems <- fmt.Errorf("status %d", response.StatusCode)
			}
		})
	}
	wg.Wait()
	close(problems)
	for err := range problems {
		t.Error(err)
	}
}
