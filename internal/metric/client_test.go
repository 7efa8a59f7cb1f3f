package metric

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/judge"
)

func newClient(t *testing.T, c ClientConfig) *Client {
	t.Helper()
	c.FirstWait = 5 * time.Millisecond
	client := NewClient(c)
	t.Cleanup(client.Close)
	return client
}

func listen(t *testing.T, handle http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	return server.URL
}

func get(t *testing.T, address string) Request {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return Request{Who: "test", Method: http.MethodGet, URL: u, Read: true, Timeout: 5 * time.Second}
}

func wantFailure(t *testing.T, err error, class judge.FailureClass, parts ...string) {
	t.Helper()
	var failure *judge.Failure
	if !errors.As(err, &failure) {
		t.Fatalf("got error %v, want a failure", err)
	}
	if failure.Class != class {
		t.Errorf("got class %s, want %s", failure.Class, class)
	}
	for _, part := range parts {
		if !strings.Contains(failure.Message, part) {
			t.Errorf("message %q lacks %q", failure.Message, part)
		}
	}
}

func TestEqualReadsThatOverlapAreOneRequest(t *testing.T) {
	var asked atomic.Int32
	release := make(chan struct{})
	address := listen(t, func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		<-release
		_, _ = w.Write([]byte("same"))
	})
	client := newClient(t, ClientConfig{})
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			answer, err := client.Do(t.Context(), get(t, address))
			if err != nil || string(answer.Body) != "same" {
				t.Errorf("got %q, %v", answer.Body, err)
			}
		})
	}
	waitFor(t, func() bool {
		client.flights.mu.Lock()
		defer client.flights.mu.Unlock()
		for _, one := range client.flights.by {
			return one.callers == 50
		}
		return false
	})
	close(release)
	all.Wait()
	if n := asked.Load(); n != 1 {
		t.Errorf("asked %d times, want once", n)
	}
}

func waitFor(t *testing.T, condition func() bool) {
	t.Helper()
	for range 5000 {
		if condition() {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("waited 5 s in vain")
}

func TestReadsThatDifferInAnythingAreNotShared(t *testing.T) {
	base := func() Request {
		return Request{
			Who: "test", Method: http.MethodPost, URL: &url.URL{Scheme: "http", Host: "h", Path: "/p"}, Body: []byte("q"),
			Header: http.Header{"X-Scope-Orgid": {"tenant"}}, Read: true, Timeout: time.Second, At: time.Unix(1, 0),
		}
	}
	differences := map[string]func(*Request){
		"address":     func(r *Request) { r.URL.Path = "/q" },
		"user info":   func(r *Request) { r.URL.User = url.User("u") },
		"query":       func(r *Request) { r.Body = []byte("r") },
		"pinned time": func(r *Request) { r.At = time.Unix(2, 0) },
		"tenant":      func(r *Request) { r.Header.Set("X-Scope-OrgID", "other") },
		"one header":  func(r *Request) { r.Header.Set("A", "B") },
		"TLS":         func(r *Request) { r.Access.Insecure = true },
		"basic":       func(r *Request) { r.Access.Basic = &Basic{"u", "p"} },
		"split basic": func(r *Request) { r.Access.Basic = &Basic{"up", ""} },
		"oauth2":      func(r *Request) { r.Access.OAuth2 = &api.OAuth2Config{ClientID: "c"} },
		"sigv4":       func(r *Request) { r.Access.Sigv4 = &api.Sigv4Config{} },
		"role":        func(r *Request) { r.Access.Sigv4 = &api.Sigv4Config{RoleARN: "arn"} },
		"secrecy":     func(r *Request) { r.Secret = true },
		"timeout":     func(r *Request) { r.Timeout = time.Minute },
	}
	seen := map[digest]string{base().identity(): "nothing"}
	for name, change := range differences {
		r := base()
		change(&r)
		if other, taken := seen[r.identity()]; taken {
			t.Errorf("a request with another %s is taken for the one with another %s", name, other)
		}
		seen[r.identity()] = name
	}
	if same := base(); seen[same.identity()] != "nothing" {
		t.Error("an equal request has another identity")
	}
}

func TestAReadEndsWhenNobodyWaitsForItAnyMore(t *testing.T) {
	gone := make(chan struct{})
	address := listen(t, func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		close(gone)
	})
	client := newClient(t, ClientConfig{})
	patient, impatient := context.WithCancel(t.Context())
	hurried, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		_, err := client.Do(patient, get(t, address))
		ended <- err
	}()
	_, err := client.Do(hurried, get(t, address))
	wantFailure(t, err, judge.TimedOut)
	select {
	case <-gone:
		t.Fatal("the request ended although somebody waits for it")
	case <-time.After(50 * time.Millisecond):
	}
	impatient()
	wantFailure(t, <-ended, judge.TimedOut, "stopped")
	select {
	case <-gone:
	case <-time.After(5 * time.Second):
		t.Fatal("the request goes on although nobody waits for it")
	}
}

func TestAServerGetsNoMoreThanItsShareAtOnce(t *testing.T) {
	var now, most atomic.Int32
	address := listen(t, func(w http.ResponseWriter, _ *http.Request) {
		n := now.Add(1)
		defer now.Add(-1)
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
		time.Sleep(10 * time.Millisecond)
	})
	client := newClient(t, ClientConfig{AtOnce: 3})
	var all sync.WaitGroup
	for i := range 30 {
		all.Go(func() {
			if _, err := client.Do(t.Context(), get(t, fmt.Sprintf("%s/%d", address, i))); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if most.Load() > 3 {
		t.Errorf("%d requests at once, want at most 3", most.Load())
	}
	if n := len(client.limits.by); n != 0 {
		t.Errorf("%d servers remembered, want none", n)
	}
}

func TestWaitingInVainForOnesTurnIsToldAsSuch(t *testing.T) {
	release := make(chan struct{})
	address := listen(t, func(http.ResponseWriter, *http.Request) { <-release })
	client := newClient(t, ClientConfig{AtOnce: 1})
	slow := get(t, address+"/slow")
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = client.Do(t.Context(), slow)
	}()
	waitFor(t, func() bool {
		client.limits.mu.Lock()
		defer client.limits.mu.Unlock()
		return len(client.limits.by) == 1
	})
	quick := get(t, address+"/quick")
	quick.Timeout = 20 * time.Millisecond
	_, err := client.Do(t.Context(), quick)
	wantFailure(t, err, judge.TimedOut)
	close(release)
	<-done
}

func TestAServersWishToBeLeftAloneIsRespected(t *testing.T) {
	var asked atomic.Int32
	address := listen(t, func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.Header().Set("Retry-After", "60")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	r := get(t, address)
	r.Within = 5 * time.Second
	answer, err := newClient(t, ClientConfig{}).Do(t.Context(), r)
	if err != nil || answer.Status != http.StatusTooManyRequests || asked.Load() != 1 {
		t.Errorf("status %d, error %v after %d requests; want 429 after one", answer.Status, err, asked.Load())
	}
}

func TestTheWaitBetweenAttemptsGrowsAndIsNeverTheSameForAll(t *testing.T) {
	client := NewClient(ClientConfig{FirstWait: 100 * time.Millisecond})
	defer client.Close()
	seen := map[time.Duration]bool{}
	for n, middle := range []time.Duration{100, 200, 400, 800, 1600, 3200, 5000, 5000} {
		middle *= time.Millisecond
		for range 20 {
			wait := client.wait(n, Answer{})
			if wait < middle/2 || wait > middle*3/2 {
				t.Errorf("wait %d is %s, want about %s", n, wait, middle)
			}
			seen[wait] = true
		}
	}
	if len(seen) < 100 {
		t.Errorf("only %d different waits of 160", len(seen))
	}
}

func TestOneTokenServesManyRequestsUntilItIsRefused(t *testing.T) {
	var issued atomic.Int32
	tokens := listen(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"access_token":"t%d","token_type":"Bearer","expires_in":3600}`, issued.Add(1))
	})
	address := listen(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer t1" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	client := newClient(t, ClientConfig{})
	r := get(t, address)
	r.Access.OAuth2 = &api.OAuth2Config{TokenURL: tokens, ClientID: "id", ClientSecret: "s"}
	for range 3 {
		if answer, err := client.Do(t.Context(), r); err != nil || !answer.OK() {
			t.Fatalf("got %d, %v", answer.Status, err)
		}
	}
	if n := issued.Load(); n != 1 {
		t.Errorf("%d tokens issued, want one", n)
	}
	client.tokens.forget(r.Access.OAuth2) // t2 is refused, and forgotten because of it
	_, _ = client.Do(t.Context(), r)
	_, _ = client.Do(t.Context(), r)
	if n := issued.Load(); n != 3 {
		t.Errorf("%d tokens issued, want 3", n)
	}
}

func TestATokenServersRefusalSaysWhyAndNoMore(t *testing.T) {
	cases := []struct {
		name, body string
		status     int
		class      judge.FailureClass
		want       string
	}{
		{"a client it does not know", `{"error":"invalid_client","error_description":"hidden"}`, 401, judge.Unauthorized, "(invalid_client)"},
		{"a bad request is a refusal as well", `{"error":"invalid_scope"}`, 400, judge.Unauthorized, "(invalid_scope)"},
		{"a word nobody defined", `{"error":"hidden"}`, 400, judge.Unauthorized, "answered 400"},
		{"a server in trouble", `hidden`, 503, judge.ServerError, "answered 503"},
		{"an answer without a token", `{"hidden":1}`, 200, judge.BadAnswer, "no token"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			tokens := listen(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.body))
			})
			r := get(t, "http://127.0.0.1:1")
			r.Secret = true
			r.Access.OAuth2 = &api.OAuth2Config{TokenURL: tokens, ClientID: "hidden", ClientSecret: "hidden"}
			_, err := newClient(t, ClientConfig{}).Do(t.Context(), r)
			wantFailure(t, err, c.class, c.want)
			if strings.Contains(err.Error(), "hidden") {
				t.Errorf("too much is said: %v", err)
			}
		})
	}
}

func TestWhatCannotBeSentIsRefusedInWords(t *testing.T) {
	cases := []struct {
		name   string
		change func(*Request)
		want   string
	}{
		{"a header value with a line break", func(r *Request) { r.Header = http.Header{"X-Token": {"hidden\n"}} }, "X-Token"},
		{"a header name with a space", func(r *Request) { r.Header = http.Header{"hidden x": {"v"}} }, "header's name"},
		{"a signature and a password", func(r *Request) {
			r.Access = Access{Sigv4: &api.Sigv4Config{}, Basic: &Basic{"hidden", "hidden"}}
		}, "sigv4"},
		{"a signature without a signer", func(r *Request) { r.Access.Sigv4 = &api.Sigv4Config{} }, "cannot be signed"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := get(t, "http://127.0.0.1:1")
			c.change(&r)
			_, err := newClient(t, ClientConfig{}).Do(t.Context(), r)
			wantFailure(t, err, judge.BadConfig, c.want)
			if strings.Contains(err.Error(), "hidden") {
				t.Errorf("too much is said: %v", err)
			}
		})
	}
}

func TestCertificateTroubleIsTold(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(server.Close)
	client := newClient(t, ClientConfig{})
	_, err := client.Do(t.Context(), get(t, server.URL))
	wantFailure(t, err, judge.Unreachable, "unknown authority")
	careless := get(t, server.URL)
	careless.Access.Insecure = true
	if _, err := client.Do(t.Context(), careless); err != nil {
		t.Errorf("insecure: %v", err)
	}
	plain := listen(t, func(http.ResponseWriter, *http.Request) {})
	_, err = client.Do(t.Context(), get(t, strings.Replace(plain, "http:", "https:", 1)))
	wantFailure(t, err, judge.BadConfig, "speaks http")
	old := &tls.Config{MaxVersion: tls.VersionTLS10}
	ancient := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	ancient.TLS = old
	ancient.StartTLS()
	t.Cleanup(ancient.Close)
	_, err = client.Do(t.Context(), get(t, ancient.URL))
	wantFailure(t, err, judge.Unreachable)
}

func TestRedirectsOnTheSameServerAreFollowed(t *testing.T) {
	address := listen(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/there" {
			http.Redirect(w, r, "/there", http.StatusPermanentRedirect)
			return
		}
		_, _ = w.Write([]byte(r.Header.Get("X-Token")))
	})
	r := get(t, address+"/here")
	r.Header = http.Header{"X-Token": {"mine"}}
	answer, err := newClient(t, ClientConfig{}).Do(t.Context(), r)
	if err != nil || string(answer.Body) != "mine" {
		t.Errorf("got %q, %v", answer.Body, err)
	}
}

func TestAClockThatIsOffIsNamedWhenASignatureIsRefused(t *testing.T) {
	r := Request{Who: "prometheus", Access: Access{Sigv4: &api.Sigv4Config{}}, Secret: true}
	got := r.Refused(Answer{Status: 403, Ahead: -10 * time.Minute, Header: http.Header{"X-Amzn-Errortype": {"InvalidSignatureException:http://x"}}}, "", "hidden")
	want := &judge.Failure{
		Class:   judge.Unauthorized,
		Message: "prometheus: answered 403 Forbidden (InvalidSignatureException): this machine's clock is 10m0s off the server's, signatures allow 5m0s",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("failure (-want +got):\n%s", diff)
	}
}

func TestWhatAServerSaysIsToldOnlyWithoutSecrets(t *testing.T) {
	a := Answer{Status: 422}
	open := Request{Who: "web"}.Refused(a, "", "parse error\n at 7")
	if diff := cmp.Diff("web: answered 422 Unprocessable Entity: parse error at 7", open.Message); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
	secret := Request{Who: "web", Secret: true}.Refused(a, "bad_data", "parse error\n at 7")
	if diff := cmp.Diff("web: answered 422 Unprocessable Entity (bad_data)", secret.Message); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
}

func FuzzParseAddressRepeatsNothing(f *testing.F) {
	for _, seed := range []string{"http://h", "h:1", "http://[", "http://a b", "ftp://x", "http://h/%zz", "http://h\n", "//h", "http://:1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, address string) {
		u, failure := ParseAddress("web", address)
		if failure == nil {
			if u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
				t.Errorf("%q is taken for an address", address)
			}
			return
		}
		if failure.Class != judge.BadConfig || len(address) > 12 && strings.Contains(failure.Message, address) {
			t.Errorf("%q gives %s %q", address, failure.Class, failure.Message)
		}
	})
}
