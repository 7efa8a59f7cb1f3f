package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// behaviour is how the server answers. It is one program for all tools, written
// for as little processor time as possible, so that it is seldom the limit.
type behaviour struct {
	Code int
	Size int
	// Delay says how long the n-th request waits for its answer; nil for not at all.
	delay func(n int64, since time.Duration) time.Duration
}

// behaviours are the servers that a bench may ask for by name.
var behaviours = map[string]behaviour{
	"static": {Code: 200, Size: 200},
	"bad":    {Code: 500, Size: 20},
	"slow":   {Code: 200, Size: 200, delay: func(int64, time.Duration) time.Duration { return 5 * time.Millisecond }},
}

// serving is one server under way.
type serving struct {
	behaviour
	answer  []byte
	begun   atomic.Int64
	counted atomic.Int64
	// first and last are when the first and the last request since the last question came.
	first, last atomic.Int64
	// frozen is until when nothing is answered, in nanoseconds since 1970.
	frozen atomic.Int64
}

// serve answers on a port of loopback until standard input ends. It prints its
// address, and takes commands: "freeze 2s" answers nothing for so long,
// "count" prints how many requests came, "first" when the first one did.
func serve(name string) error {
	b, ok := behaviours[name]
	if !ok {
		return fmt.Errorf("there is no server %q", name)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s := &serving{behaviour: b}
	s.answer = fmt.Appendf(nil, "HTTP/1.1 %d X\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s", b.Code, b.Size, bytes.Repeat([]byte("x"), b.Size))
	fmt.Println("http://" + listener.Addr().String())
	go s.accept(listener)
	commands := bufio.NewScanner(os.Stdin)
	for commands.Scan() {
		word, rest, _ := strings.Cut(commands.Text(), " ")
		switch word {
		case "freeze":
			d, err := time.ParseDuration(rest)
			if err != nil {
				return err
			}
			s.frozen.Store(time.Now().Add(d).UnixNano())
			fmt.Println("frozen")
		case "count":
			fmt.Println(s.counted.Load())
		case "span":
			fmt.Println(s.counted.Load(), s.first.Swap(0), s.last.Load())
		case "first":
			fmt.Println(s.begun.Load())
		}
	}
	return commands.Err()
}

func (s *serving) accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go s.talk(conn)
	}
}

var end = []byte("\r\n\r\n")

// talk answers the requests of one connection. None of them has a body.
func (s *serving) talk(conn net.Conn) {
	defer conn.Close()
	buffer := make([]byte, 4096)
	have := 0
	for {
		n, err := conn.Read(buffer[have:])
		if err != nil {
			return
		}
		have += n
		for {
			i := bytes.Index(buffer[:have], end)
			if i < 0 {
				break
			}
			have = copy(buffer, buffer[i+len(end):have])
			s.wait()
			if _, err := conn.Write(s.answer); err != nil {
				return
			}
		}
		if have == len(buffer) {
			return
		}
	}
}

// wait counts a request and holds its answer back.
func (s *serving) wait() {
	n := s.counted.Add(1) - 1
	now := time.Now()
	s.last.Store(now.UnixNano())
	if s.first.Load() == 0 {
		s.first.Store(now.UnixNano())
	}
	s.begun.CompareAndSwap(0, now.UnixNano())
	if s.delay != nil {
		time.Sleep(s.delay(n, time.Duration(now.UnixNano()-s.begun.Load())))
	}
	if until := s.frozen.Load(); until != 0 {
		time.Sleep(time.Until(time.Unix(0, until)))
	}
}

// server is a server in a process of its own.
type server struct {
	URL     string
	cmd     *exec.Cmd
	in      io.WriteCloser
	answers *bufio.Scanner
}

// start starts a server on its own processor.
func start(b *bench, name string) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &server{cmd: exec.Command(self, "serve", name)}
	s.cmd.Stderr = os.Stderr
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := b.startOn(b.serverCPU, s.cmd); err != nil {
		return nil, fmt.Errorf("starting the server: %w", err)
	}
	s.answers = bufio.NewScanner(out)
	if !s.answers.Scan() {
		s.stop()
		return nil, errors.New("the server did not say where it listens")
	}
	s.URL = s.answers.Text()
	return s, nil
}

// ask sends a command and returns the line it answers.
func (s *server) ask(command string) (string, error) {
	if _, err := io.WriteString(s.in, command+"\n"); err != nil {
		return "", err
	}
	if !s.answers.Scan() {
		return "", errors.New("the server is gone")
	}
	return s.answers.Text(), nil
}

func (s *server) count() (int64, error) {
	text, err := s.ask("count")
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(text, 10, 64)
}

// span is how many requests came in all, and when those since the last question did.
type span struct {
	n           int64
	first, last time.Time
}

func (s *server) span() (span, error) {
	text, err := s.ask("span")
	if err != nil {
		return span{}, err
	}
	var out span
	var first, last int64
	if _, err := fmt.Sscan(text, &out.n, &first, &last); err != nil {
		return span{}, err
	}
	out.first, out.last = time.Unix(0, first), time.Unix(0, last)
	return out, nil
}

func (s *server) stop() {
	_ = s.in.Close()
	_ = s.cmd.Wait() // it ends when its input does
}
