package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"sluice.dev/sluice/internal/view"
)

// behind gives a place whose API server can be cut off: a proxy that answers nothing while down is set.
func (p place) behind(t *testing.T, down *atomic.Bool) place {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", p.kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	transport, err := rest.TransportFor(config)
	if err != nil {
		t.Fatal(err)
	}
	target, err := url.Parse(config.Host)
	if err != nil {
		t.Fatal(err)
	}
	forward := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: transport, FlushInterval: -1,
	}
	open, end := context.WithCancel(context.Background())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if down.Load() {
			panic(http.ErrAbortHandler) // the connection breaks
		}
		ctx, cancel := context.WithCancel(r.Context())
		defer context.AfterFunc(open, cancel)()
		defer cancel()
		forward.ServeHTTP(w, r.WithContext(ctx))
	}))
	t.Cleanup(func() {
		end() // what is forwarded still, such as a watch
		server.CloseClientConnections()
		server.Close()
	})
	p.kubeconfig = kubeconfig(t, &rest.Config{Host: server.URL}, p.namespace)
	return p
}

func TestAWatchSurvivesAServerThatCannotBeReached(t *testing.T) {
	var down atomic.Bool
	p := real(t).behind(t, &down)
	ro := p.rollout(t, "shop", "", paused)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out := &pictures{until: []string{"॥ Paused", "✔ Healthy"}, cancel: cancel}
	errOut := &pictures{until: []string{"no answer from the API server"}, cancel: func() { down.Store(false) }}
	out.then = map[string]func(){"॥ Paused": func() {
		down.Store(true)
		// The change wakes the watch, which was begun before the proxy went down.
		ro.Status.Phase, ro.Status.ControllerPause, ro.Status.PauseConditions = "Healthy", false, nil
		if err := p.Status().Update(context.WithoutCancel(ctx), ro); err != nil { // this client does not use the proxy
			t.Error(err)
		}
	}}
	code := Run(ctx, "sluice", []string{"get", "rollout", "shop", "-w", "--kubeconfig", p.kubeconfig}, Streams{Out: out, Err: errOut}, "v1")
	if code != ExitOK || len(out.until) > 0 || len(errOut.until) > 0 {
		t.Errorf("exit code %d; never shown: %q, %q in\n%s\n%s", code, out.until, errOut.until, out.text.String(), errOut.text.String())
	}
}

func TestAWatchEndsWhenTheObjectIsGone(t *testing.T) {
	p := real(t)
	ro := p.rollout(t, "short-lived", "", paused)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out := &pictures{until: []string{"॥ Paused", "never"}, then: map[string]func(){"॥ Paused": func() {
		if err := p.Delete(ctx, ro); err != nil {
			t.Error(err)
		}
	}}}
	var errOut bytes.Buffer
	code := Run(ctx, "sluice", []string{"get", "rollout", "short-lived", "-w", "--kubeconfig", p.kubeconfig}, Streams{Out: out, Err: &errOut}, "v1")
	if want := "error: deleted meanwhile: there is no rollout short-lived in namespace " + p.namespace + ", nor any other\n"; code != ExitFailed || errOut.String() != want {
		t.Errorf("exit code %d, %q", code, errOut.String())
	}
}

func TestWhichErrorsPass(t *testing.T) {
	resource := schema.GroupResource{Group: "argoproj.io", Resource: "rollouts"}
	for err, want := range map[error]bool{
		&url.Error{Op: "Get", URL: "https://x", Err: errors.New("connection refused")}: true,
		context.DeadlineExceeded:                      true,
		io.ErrUnexpectedEOF:                           true,
		apierrors.NewTooManyRequests("wait", 1):       true,
		apierrors.NewServiceUnavailable("starting"):   true,
		apierrors.NewForbidden(resource, "shop", nil): false,
		&absent{"there is no rollout shop"}:           false,
		errNoCRDs:                                     false,
	} {
		if got := passing(err); got != want {
			t.Errorf("%v: got %t", err, got)
		}
	}
}

// What a terminal is told: to change screens, to draw, to tell of trouble, and to change back.
func TestAScreenGivesTheTerminalBack(t *testing.T) {
	tty, told := openTerminal(t)
	s := &screen{app: &app{Streams: Streams{Out: tty, Err: io.Discard}}}
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "")
	picture := func(text string) func(terminal, time.Time) view.Page {
		return func(terminal, time.Time) view.Page { return view.Page{{{Text: text, Tone: view.Good}}} }
	}
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, step := range []struct {
		text string
		now  outlook
	}{{"first", outlook{fresh: true, at: at}}, {"first", outlook{at: at}}, {"second", outlook{at: at, trouble: errors.New("refused")}}} {
		if err := s.show(picture(step.text), step.now); err != nil {
			t.Fatal(err)
		}
	}
	s.now.trouble = nil
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	frame := func(text string) string { return begin + text + clean + finish }
	want := enter + frame("\x1b[32mfirst\x1b[0m") +
		frame("\x1b[33m⚠ no answer from the API server since 12:00:00; trying again: refused\x1b[0m"+clean+"\n"+clean+"\n\x1b[32msecond\x1b[0m") +
		leave + "\x1b[32msecond\x1b[0m\n"
	// The terminal itself makes \r\n of \n.
	if diff := cmp.Diff(want, strings.ReplaceAll(told(len(want)), "\r\n", "\n")); diff != "" {
		t.Errorf("what the terminal was told (-want +got):\n%s", diff)
	}
}

func TestInterruptingAWatchGivesTheTerminalBack(t *testing.T) {
	p := real(t)
	p.rollout(t, "shop", "", paused)
	tty, told := openTerminal(t)
	t.Setenv("TERM", "xterm")
	ctx, interrupt := context.WithCancel(t.Context())
	time.AfterFunc(2*time.Second, interrupt)
	if code := Run(ctx, "sluice", []string{"get", "rollout", "shop", "-w", "--kubeconfig", p.kubeconfig}, Streams{Out: tty, Err: os.Stderr}, "v1"); code != ExitOK {
		t.Errorf("exit code %d", code)
	}
	text := told(0)
	if !strings.HasPrefix(text, enter) || strings.Count(text, enter) != 1 || strings.Count(text, leave) != 1 {
		t.Errorf("the terminal was told %q", text)
	}
	if _, left, _ := strings.Cut(text, leave); !strings.Contains(left, "Paused") || strings.Contains(left, begin) {
		t.Errorf("what stays on the terminal is %q", left)
	}
}

func TestADumbTerminalIsNotDrawnOn(t *testing.T) {
	tty, told := openTerminal(t)
	t.Setenv("TERM", "dumb")
	s := &screen{app: &app{Streams: Streams{Out: tty, Err: io.Discard}}}
	page := func(terminal, time.Time) view.Page { return view.Page{{{Text: "picture", Tone: view.Bad}}} }
	if err := s.show(page, outlook{fresh: true, at: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	if got := strings.ReplaceAll(told(len("picture\r\n\r\n")), "\r", ""); got != "picture\n\n" {
		t.Errorf("it was told %q", got)
	}
}

// drain collects what a terminal is told.
type drain struct {
	text bytes.Buffer
	more chan []byte
}

// atLeast waits for n bytes; 0 takes what comes until nothing does for a moment.
func (d *drain) atLeast(n int) string {
	for {
		patience := 300 * time.Millisecond
		if n > d.text.Len() {
			patience = 5 * time.Second
		}
		select {
		case chunk, ok := <-d.more:
			if !ok {
				return d.text.String()
			}
			d.text.Write(chunk)
		case <-time.After(patience):
			return d.text.String()
		}
	}
}
