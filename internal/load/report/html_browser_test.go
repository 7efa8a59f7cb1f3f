package report

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// browser is a real Chromium; without one the test is skipped, and says so.
func browser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no Chromium here to look at the page (Debian: apt-get install chromium)")
	return ""
}

// A browser opens each page under a policy that forbids everything but the page's own styles: nothing is asked for
// besides the page, nothing is complained about, and the drawings are there.
func TestABrowserShowsThePages(t *testing.T) {
	chromium := browser(t)
	for name, p := range pages(t) {
		if name == "starved" || name == "artillery-1" {
			continue // drawn like others
		}
		t.Run(name, func(t *testing.T) {
			text := written(t, p)
			var mu sync.Mutex
			var asked []string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				asked = append(asked, r.URL.Path)
				mu.Unlock()
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
				w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
				_, _ = w.Write([]byte(text))
			}))
			defer server.Close()
			seen := look(t, chromium, server.URL+"/report.html")
			for _, complaint := range seen.console {
				t.Errorf("the console says: %s", complaint)
			}
			for _, address := range seen.asked {
				t.Errorf("the page asked for %s", address)
			}
			mu.Lock()
			defer mu.Unlock()
			if len(asked) != 1 {
				t.Errorf("the browser asked the server for %v", asked)
			}
			if want, got := strings.Count(text, "<svg"), strings.Count(seen.dom, "<svg"); got != want {
				t.Errorf("the browser has %d drawings, the page %d", got, want)
			}
			if want, got := strings.Count(text, "<td"), strings.Count(seen.dom, "<td"); got != want {
				t.Errorf("the browser has %d cells, the page %d", got, want)
			}
		})
	}
}

// sight is what a browser made of a page.
type sight struct {
	dom     string
	console []string
	asked   []string // by the page, besides itself
}

func look(t *testing.T, chromium, address string) sight {
	t.Helper()
	dir := t.TempDir()
	log := filepath.Join(dir, "net.json")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-default-apps", "--disable-extensions",
		"--user-data-dir="+filepath.Join(dir, "profile"), "--log-net-log="+log, "--enable-logging=stderr", "--dump-dom", address)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); err != nil {
		t.Fatalf("%v: %s", err, errs.String())
	}
	seen := sight{dom: out.String()}
	for _, line := range strings.Split(errs.String(), "\n") {
		if strings.Contains(line, "CONSOLE") {
			seen.console = append(seen.console, line)
		}
	}
	raw, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	var net struct {
		Events []struct {
			Params struct {
				URL       string `json:"url"`
				Initiator string `json:"initiator"`
			} `json:"params"`
		} `json:"events"`
	}
	if err := json.Unmarshal(raw, &net); err != nil {
		t.Fatalf("reading what the browser asked for: %v", err)
	}
	for _, e := range net.Events {
		// What a page asks for has its origin as the initiator; what the browser asks for itself has another or none.
		if e.Params.Initiator != "" && strings.HasPrefix(address, e.Params.Initiator) {
			seen.asked = append(seen.asked, e.Params.URL)
		}
	}
	return seen
}
