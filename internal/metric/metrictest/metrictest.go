// Package metrictest holds what every metric provider must do alike.
package metrictest

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"sluice.dev/sluice/internal/judge"
	"sluice.dev/sluice/internal/metric"
)

// marker stands in every part of the address that a secret may feed; no sample and no failure may hold it.
const marker = "marker0secret"

// host is a name of the marker's, which only the suite's client can dial.
const host = marker + ".example"

// Subject is a provider under test.
type Subject struct {
	// Reader makes the provider with this client.
	Reader func(*metric.Client) metric.Reader
	// Query is a question to the server at this address whose attempts end after a second. The suite sets Secret, At
	// and Within.
	Query func(address string) metric.Query
	// Answers are what the server can say with status 200, by what is being said.
	Answers []Answer
	// Sends tells that the question has effects: it must never be asked twice.
	Sends bool
}

// Answer is a good answer and what becomes of it.
type Answer struct {
	Name string
	Body string
	// Result, Text and Series are what the sample must hold; Class, when set, that the answer is a failure instead.
	Result any
	Text   string
	Series []string
	Class  judge.FailureClass
}

// Run holds the provider to the contract.
func Run(t *testing.T, s Subject) {
	t.Run("a good answer becomes a sample", func(t *testing.T) { s.answers(t) })
	t.Run("each fault has its class and betrays nothing", func(t *testing.T) { s.faults(t) })
	t.Run("an address that cannot be asked betrays nothing", func(t *testing.T) { s.addresses(t) })
	t.Run("a passing fault is retried only when asking twice does no harm", func(t *testing.T) { s.retries(t) })
	t.Run("a caller that gives up is not kept waiting", func(t *testing.T) { s.givesUp(t) })
	t.Run("what is sent to one server is not sent to another", func(t *testing.T) { s.redirects(t) })
}

// address has the marker in its host, user, password, path and query.
func address() string {
	return "http://" + marker + "user:" + marker + "pass@" + host + "/" + marker + "path%2Fx?token=" + marker + "query"
}

// ask asks the server in all secrecy.
func (s Subject) ask(t *testing.T, server *server, within time.Duration) (judge.Sample, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	return s.askAt(ctx, t, address(), server, within)
}

func (s Subject) askAt(ctx context.Context, t *testing.T, address string, server *server, within time.Duration) (judge.Sample, error) {
	t.Helper()
	client := metric.NewClient(metric.ClientConfig{
		FirstWait: 5 * time.Millisecond,
		Dial: func(ctx context.Context, network, to string) (net.Conn, error) {
			if server != nil && strings.HasPrefix(to, host+":") {
				to = server.addr
			}
			return new(net.Dialer).DialContext(ctx, network, to)
		},
	})
	defer client.Close()
	q := s.Query(address)
	q.Secret, q.At, q.Within = true, time.Unix(1722963891, 0), within
	return s.Reader(client).Query(ctx, q)
}

func (s Subject) answers(t *testing.T) {
	for _, a := range s.Answers {
		t.Run(a.Name, func(t *testing.T) {
			sample, err := s.ask(t, serve(t, say(200, a.Body)), 0)
			if a.Class != "" {
				wantClass(t, err, a.Class)
				return
			}
			if err != nil {
				t.Fatalf("asking: %v", err)
			}
			got := Answer{Result: sample.Result, Text: sample.Text, Series: sample.Series}
			want := Answer{Result: a.Result, Text: a.Text, Series: a.Series}
			if diff := cmp.Diff(want, got, cmpopts.EquateNaNs(), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("sample (-want +got):\n%s", diff)
			}
			wantSecrecy(t, sample, nil)
		})
	}
}

func (s Subject) faults(t *testing.T) {
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			sample, err := s.ask(t, serve(t, f.serve), 0)
			wantClass(t, err, f.class)
			wantSecrecy(t, sample, err)
		})
	}
}

func (s Subject) addresses(t *testing.T) {
	cases := []struct {
		name, address string
		class         judge.FailureClass
	}{
		{"a host nobody knows", "http://" + marker + ".invalid", judge.Unreachable},
		{"a port nobody listens on", "http://127.0.0.1:1/" + marker, judge.Unreachable},
		{"no scheme", marker + ":9090", judge.BadConfig},
		{"another scheme", "ftp://" + marker, judge.BadConfig},
		{"only a path", "/" + marker, judge.BadConfig},
		{"a line break at the end", "http://" + marker + "\n", judge.BadConfig},
		{"a control character", "http://" + marker + "\x7f/", judge.BadConfig},
		{"a port that is no number", "http://" + marker + ":" + marker, judge.BadConfig},
		{"an escape that is none", "http://" + marker + "/%zz" + marker, judge.BadConfig},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			sample, err := s.askAt(t.Context(), t, c.address, nil, 0)
			wantClass(t, err, c.class)
			wantSecrecy(t, sample, err)
		})
	}
}

func (s Subject) retries(t *testing.T) {
	for _, f := range faults {
		if !f.passes {
			continue
		}
		t.Run(f.name, func(t *testing.T) {
			server := serve(t, f.serve)
			server.healAfter(2, say(200, s.Answers[0].Body))
			sample, err := s.ask(t, server, 8*time.Second)
			if s.Sends {
				wantClass(t, err, f.class)
				if n := server.asked(); n != 1 {
					t.Errorf("asked %d times, want once", n)
				}
				return
			}
			if err != nil {
				t.Fatalf("asking: %v", err)
			}
			if diff := cmp.Diff(s.Answers[0].Result, sample.Result, cmpopts.EquateNaNs()); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
			if n := server.asked(); n != 3 {
				t.Errorf("asked %d times, want 3", n)
			}
		})
	}
	t.Run("a fault that stays ends with its own class, in time", func(t *testing.T) {
		server := serve(t, say(503, ""))
		begun := time.Now()
		_, err := s.ask(t, server, 100*time.Millisecond)
		wantClass(t, err, judge.ServerError)
		if took := time.Since(begun); took > 2*time.Second {
			t.Errorf("took %s, want about 100ms", took)
		}
	})
	t.Run("a refusal is not retried", func(t *testing.T) {
		server := serve(t, say(403, ""))
		_, err := s.ask(t, server, 2*time.Second)
		wantClass(t, err, judge.Unauthorized)
		if n := server.asked(); n != 1 {
			t.Errorf("asked %d times, want once", n)
		}
	})
}

func (s Subject) givesUp(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	begun := time.Now()
	sample, err := s.askAt(ctx, t, address(), serve(t, hang), time.Minute)
	wantClass(t, err, judge.TimedOut)
	wantSecrecy(t, sample, err)
	if took := time.Since(begun); took > 900*time.Millisecond {
		t.Errorf("took %s, want about 50ms", took)
	}
}

func (s Subject) redirects(t *testing.T) {
	elsewhere := serve(t, say(200, s.Answers[0].Body))
	for _, status := range []int{301, 302, 303, 307, 308} {
		sample, err := s.ask(t, serve(t, redirect(status, "http://"+elsewhere.addr+"/"+marker)), 0)
		wantClass(t, err, judge.BadConfig)
		wantSecrecy(t, sample, err)
	}
	if n := elsewhere.asked(); n != 0 {
		t.Errorf("another server got %d requests, want none", n)
	}
}
