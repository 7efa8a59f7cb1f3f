package httpx

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

// leaving is a server that answers one request over each connection, and then takes its leave.
func leaving(t *testing.T, seen *atomic.Int64, leave func(net.Conn, *bufio.Reader)) string {
	return serve(t, func(c net.Conn) {
		r := bufio.NewReader(c)
		if _, err := http.ReadRequest(r); err != nil {
			return
		}
		seen.Add(1)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		leave(c, r)
	})
}

// A request may cross the end of a connection that the server did not want to keep any longer.
func TestARequestThatTheServerNeverReadTakesAnotherConnection(t *testing.T) {
	unread := func(net.Conn, *bufio.Reader) { time.Sleep(150 * time.Millisecond) } // then it closes, with the request unread
	breaks := func(_ net.Conn, r *bufio.Reader) { _, _ = http.ReadRequest(r) }     // as a handler that panics does
	resets := func(c net.Conn, r *bufio.Reader) {
		_, _ = http.ReadRequest(r)
		_ = c.(*net.TCPConn).SetLinger(0)
	}
	tests := []struct {
		name   string
		leave  func(net.Conn, *bufio.Reader)
		method string
		idle   time.Duration
		again  bool
	}{
		{"a GET that was not read", unread, "GET", 2 * longIdle, true},
		{"a POST of which nobody knows", unread, "POST", 2 * longIdle, false},
		{"a GET over a connection in use", unread, "GET", 0, false},
		{"a GET that was read and not answered", breaks, "GET", 2 * longIdle, false},
		{"a POST that was read and not answered", breaks, "POST", 2 * longIdle, false},
		{"a POST that was read and refused", resets, "POST", 2 * longIdle, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var seen atomic.Int64
			server := leaving(t, &seen, tt.leave)
			c := NewFactory(Options{Timeout: 5 * time.Second}).NewClient()
			defer c.Close()
			if _, err := do(t, c, Request{Method: "GET", URL: server}); err != nil {
				t.Fatal(err)
			}
			kept := c.wire.(*line).kept[0]
			kept.since = kept.since.Add(-tt.idle)
			hops, err := do(t, c, Request{Method: tt.method, URL: server})
			want := int64(1)
			if tt.again {
				want = 2
			}
			if (err == nil) != tt.again || len(hops) != 1 || seen.Load() != want {
				t.Errorf("%d hops, %v, the server answered %d requests, want %d", len(hops), err, seen.Load(), want)
			}
		})
	}
}

// Where the end of a connection and a request crossed on the way, the end does not acknowledge the request.
func TestAnEndThatDoesNotKnowOfTheRequestIsRecognized(t *testing.T) {
	if !traffic(connected(t)).known {
		t.Skip("this system does not tell")
	}
	for _, method := range []string{"GET", "POST"} {
		var seen atomic.Int64
		server := leaving(t, &seen, func(net.Conn, *bufio.Reader) {})
		c := NewFactory(Options{Timeout: 5 * time.Second}).NewClient()
		if _, err := do(t, c, Request{Method: "GET", URL: server}); err != nil {
			t.Fatal(err)
		}
		l := c.wire.(*line)
		kept := l.kept[0]
		kept.marked, kept.before = true, flow{known: true, taken: traffic(kept.socket.Conn).taken, received: traffic(kept.socket.Conn).received}
		for deadline := time.Now().Add(5 * time.Second); quiet(kept.socket.Conn) && time.Now().Before(deadline); {
			time.Sleep(time.Millisecond) // until the end is there, of which the client at the time of writing knows nothing
		}
		kept.before.received = min(kept.before.received, traffic(kept.socket.Conn).received-1)
		to, _ := c.addresses.parse(server)
		var out Hop
		d := desks.Get().(*desk)
		if again := d.exchange(kept, c.newMessage(Request{Method: method}, to), nil, &out, time.Now().Add(time.Second)); !again {
			t.Errorf("%s: %v is taken for a request that was seen", method, d.err)
		}
		d.release()
		c.Close()
	}
}

func connected(t *testing.T) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", serve(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })[len("http://"):])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}
