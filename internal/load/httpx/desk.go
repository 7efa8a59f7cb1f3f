package httpx

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

const (
	// longWrite is how much is written before the answer is read, because it fits into
	// every system's buffers; more is written while the answer may already come.
	longWrite = 16 << 10
	// maxDesk is how much memory for writing is kept.
	maxDesk = 64 << 10
)

// desk is what one exchange needs while it is under way: memory to write and to
// read, which a user who thinks does without.
type desk struct {
	conn   *conn
	reader *bufio.Reader
	// left is how much of headers may still be read; below 0 without a limit.
	left int64
	// broken is why nothing more can be read, nil after a proper end; started that an answer began.
	broken  error
	started bool
	text    []byte
	request http.Request
	// wrote reports the end of a long write, nil when there is none.
	wrote chan written

	answer reply
	err    error
	// clean says that the connection can take another request.
	clean bool
}

// written is when a message had gone out, or why it did not.
type written struct {
	at  time.Time
	err error
}

var desks = sync.Pool{New: func() any {
	d := &desk{}
	d.reader = bufio.NewReaderSize(d, readBuffer)
	return d
}}

// release forgets the exchange and keeps the memory for the next one.
func (d *desk) release() {
	d.reader.Reset(d)
	text := d.text[:0]
	if cap(text) > maxDesk {
		text = nil
	}
	*d = desk{reader: d.reader, text: text}
	desks.Put(d)
}

// Read reads from the connection, and no more headers than may be.
func (d *desk) Read(p []byte) (int, error) {
	if d.left == 0 {
		d.broken = fmt.Errorf("the answer's headers are longer than %d bytes", maxHeaders)
		return 0, d.broken
	}
	if d.left > 0 && int64(len(p)) > d.left {
		p = p[:d.left]
	}
	n, err := d.conn.stream.Read(p)
	if d.left > 0 {
		d.left -= int64(n)
	}
	if err != nil && err != io.EOF {
		d.broken = err
	}
	return n, err
}

// exchange sends a message over a connection and reads its answer. It says
// whether the server has seen nothing of it, so that the message can take another connection.
func (d *desk) exchange(c *conn, m *message, keep *Answer, out *Hop, until time.Time) (again bool) {
	d.conn, d.left = c, maxHeaders
	c.bound(until, errHeadersLate)
	n, err := d.write(m, until)
	out.Wrote = time.Now()
	if err != nil {
		out.Wrote = time.Time{}
		if n == 0 {
			d.err = err
			return true
		}
	}
	response := d.read(m, out)
	if d.err != nil {
		again = d.unread(m)
		if err != nil {
			d.err = err // it broke while it was written; that nothing can be read says less
		}
		d.settle(out)
		return again
	}
	out.Code, d.answer = response.StatusCode, replyOf(response)
	if keep != nil {
		keep.begin(response)
	}
	out.Bytes, d.err = drain(response.Body, c, c.stall, keep)
	out.Done = time.Now()
	whole := d.settle(out) && err == nil
	d.clean = d.err == nil && whole && !m.closes && d.keeps(response)
	return false
}

// keeps says whether the connection can be used again after an answer, and notes for how long.
func (d *desk) keeps(r *http.Response) (ok bool) {
	if r.Close || d.reader.Buffered() > 0 || r.StatusCode == http.StatusSwitchingProtocols {
		return false
	}
	d.conn.idle, ok = idleFor(r.Header)
	return ok
}

// write sends the message; n is how much of it went out.
func (d *desk) write(m *message, until time.Time) (n int, err error) {
	c := d.conn
	d.text = m.append(d.text[:0])
	if len(d.text)+len(m.body) <= longWrite {
		d.text = append(d.text, m.body...)
		return c.stream.Write(d.text)
	}
	_ = c.stream.SetWriteDeadline(until) // fails on closed connections only, as writing will
	if n, err = c.stream.Write(d.text); err != nil {
		return n, err
	}
	d.wrote = make(chan written, 1)
	go func(body []byte, wrote chan<- written) {
		_, err := c.stream.Write(body)
		wrote <- written{time.Now(), err}
	}(m.body, d.wrote)
	return n, nil
}

// lateWrite is how long a long write may still take when the answer is there.
const lateWrite = 50 * time.Millisecond

// settle waits for a long write to end. One that goes on although the answer is
// there ends with the connection; settle says whether the message went out whole.
func (d *desk) settle(out *Hop) bool {
	if d.wrote == nil {
		return true
	}
	c := d.conn
	patience := time.AfterFunc(lateWrite, c.cut)
	if d.err != nil {
		c.cut()
	}
	w := <-d.wrote
	whole := patience.Stop() && w.err == nil
	if out.Wrote = w.at; whole {
		_ = c.stream.SetWriteDeadline(time.Time{}) // as above
	}
	switch {
	case !out.FirstByte.IsZero() && w.at.After(out.FirstByte):
		out.Wrote = out.FirstByte // the server answered before it had read everything
	case w.err != nil:
		out.Wrote = time.Time{}
	}
	return whole
}

// read reads an answer's headers; what comes before them for information only is skipped.
func (d *desk) read(m *message, out *Hop) *http.Response {
	d.request.Method = m.method
	for {
		// What comes for information only says nothing about how long the answer takes.
		out.FirstByte = time.Time{}
		if _, err := d.reader.Peek(1); err != nil {
			d.fail(err)
			return nil
		}
		out.FirstByte, d.started = time.Now(), true
		response, err := http.ReadResponse(d.reader, &d.request)
		if err != nil {
			d.fail(err)
			return nil
		}
		code := response.StatusCode
		if code < 100 {
			d.err = errNoCode
			return nil
		}
		if code >= 200 || code == http.StatusSwitchingProtocols {
			d.left = -1
			return response
		}
	}
}

// fail notes why there is no answer. Half a line looks like a bad one: why there is no more of it says more.
func (d *desk) fail(err error) {
	if d.err = err; d.broken != nil {
		d.err = d.broken
	}
}
