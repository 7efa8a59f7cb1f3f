package httpx

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// serve lets each connection be served by hand.
func serve(t *testing.T, each func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				each(c)
			}()
		}
	}()
	return "http://" + listener.Addr().String()
}

// hinting is a server that sends hints at once and the answer later.
func hinting(t *testing.T, later time.Duration) string {
	return serve(t, func(c net.Conn) {
		r := bufio.NewReader(c)
		for {
			if _, err := http.ReadRequest(r); err != nil {
				return
			}
			_, _ = io.WriteString(c, "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n")
			time.Sleep(later)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}
	})
}

// refusing is a server that answers without reading bodies, and closes.
func refusing(t *testing.T) string {
	return serve(t, func(c net.Conn) {
		buffer := make([]byte, 512)
		_, _ = c.Read(buffer)
		_, _ = io.WriteString(c, "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
	})
}
