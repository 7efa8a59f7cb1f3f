// Package prom runs a real Prometheus as a child process.
package prom

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

const (
	readyWithin = 30 * time.Second
	stopWithin  = 10 * time.Second
)

// Config says what to run.
type Config struct {
	// Binary is the prometheus to run, as Find gives it.
	Binary string
	// Dir keeps configuration, data and log, and may be used again after a stop. Empty: a temporary directory, removed by Stop.
	Dir string
	// Listen is the address of its web server; empty picks a free port on loopback.
	Listen string
	// Cluster is the value of the label "cluster" on every series; "demo" when empty.
	Cluster string
	// Interval is the time between scrapes and between evaluations of the rules; a second when zero.
	Interval time.Duration
	Scrapes  []Scrape
	// Rules are the contents of rule files; nil means Rules().
	Rules [][]byte
}

// Server is a running Prometheus.
type Server struct {
	url     string
	command *exec.Cmd
	scratch string // removed by Stop
	logPath string
	done    chan struct{}
	err     error // why it ended; read after done is closed
}

// Start writes the configuration, runs Prometheus and returns when it is ready to answer queries. It ends when ctx ends, or by Stop.
// Prometheus looks at its targets for the first time about five seconds after its start.
func Start(ctx context.Context, config Config) (*Server, error) {
	config, scratch, err := withDefaults(config)
	if err != nil {
		return nil, err
	}
	s := &Server{url: "http://" + config.Listen, scratch: scratch, logPath: filepath.Join(config.Dir, "prometheus.log"), done: make(chan struct{})}
	if err := s.launch(ctx, config); err != nil {
		return nil, errors.Join(err, removeScratch(scratch))
	}
	if err := s.awaitReady(ctx); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

func withDefaults(config Config) (Config, string, error) {
	if config.Binary == "" {
		return config, "", errors.New("starting prometheus: no binary is given")
	}
	config.Cluster = or(config.Cluster, "demo")
	if config.Interval == 0 {
		config.Interval = time.Second
	}
	if config.Interval < 10*time.Millisecond {
		return config, "", fmt.Errorf("starting prometheus: interval %s is under 10ms", config.Interval)
	}
	if config.Rules == nil {
		config.Rules = [][]byte{Rules()}
	}
	listen, err := freeAddress(or(config.Listen, "127.0.0.1:0"))
	if err != nil {
		return config, "", err
	}
	config.Listen = listen
	if config.Dir != "" {
		dir, err := filepath.Abs(config.Dir)
		if err != nil {
			return config, "", fmt.Errorf("starting prometheus: %w", err)
		}
		config.Dir = dir
		return config, "", nil
	}
	scratch, err := os.MkdirTemp("", "prometheus-")
	if err != nil {
		return config, "", fmt.Errorf("making a directory for prometheus: %w", err)
	}
	config.Dir = scratch
	return config, scratch, nil
}

// freeAddress makes sure that the address is free, with a port where it has none: the readiness check must not be answered by somebody else's
// Prometheus. Prometheus cannot be asked for its port, so letting it listen on port 0 is no way out.
func freeAddress(address string) (string, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return "", fmt.Errorf("checking the address of prometheus: %w", err)
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}

func (s *Server) launch(ctx context.Context, config Config) error {
	if err := writeFiles(config); err != nil {
		return err
	}
	log, err := os.Create(s.logPath)
	if err != nil {
		return fmt.Errorf("making the log of prometheus: %w", err)
	}
	defer log.Close() // the child has its own descriptor
	s.command = exec.CommandContext(ctx, config.Binary,
		"--config.file="+filepath.Join(config.Dir, "prometheus.yml"),
		"--storage.tsdb.path="+filepath.Join(config.Dir, "data"),
		"--storage.tsdb.retention.time=6h",
		"--web.listen-address="+config.Listen,
	)
	s.command.Dir, s.command.Stdout, s.command.Stderr = config.Dir, log, log
	s.command.Cancel = func() error { return s.command.Process.Signal(syscall.SIGTERM) }
	s.command.WaitDelay = stopWithin
	if err := s.command.Start(); err != nil {
		return fmt.Errorf("starting prometheus: %w", err)
	}
	go func() {
		s.err = s.command.Wait()
		close(s.done)
	}()
	return nil
}

func writeFiles(config Config) error {
	if err := os.MkdirAll(config.Dir, 0o755); err != nil {
		return fmt.Errorf("making the directory of prometheus: %w", err)
	}
	var ruleFiles []string
	for i, content := range config.Rules {
		name := "rules-" + strconv.Itoa(i) + ".yml"
		if err := os.WriteFile(filepath.Join(config.Dir, name), content, 0o644); err != nil {
			return fmt.Errorf("writing a rule file: %w", err)
		}
		ruleFiles = append(ruleFiles, name)
	}
	content, err := render(config, ruleFiles)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(config.Dir, "prometheus.yml"), content, 0o644); err != nil {
		return fmt.Errorf("writing the configuration of prometheus: %w", err)
	}
	return nil
}

func (s *Server) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if s.ready(ctx) {
			return nil
		}
		select {
		case <-tick.C:
		case <-s.done:
			return fmt.Errorf("prometheus ended before it was ready: %w\n%s", s.Err(), s.complaints())
		case <-ctx.Done():
			return fmt.Errorf("waiting for prometheus to be ready: %w\n%s", ctx.Err(), s.complaints())
		}
	}
}

func (s *Server) ready(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/-/ready", nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// complaints gives what the log says about a failure: the last errors, or the last lines when it holds none.
func (s *Server) complaints() string {
	content, err := os.ReadFile(s.logPath)
	if err != nil {
		return err.Error()
	}
	var complaints []byte
	for line := range bytes.Lines(content) {
		if bytes.Contains(line, []byte("level=error")) {
			complaints = append(complaints, line...)
		}
	}
	if len(complaints) == 0 {
		complaints = content
	}
	return lastLines(complaints, 10)
}

// URL is the address of its API, for example http://127.0.0.1:19090.
func (s *Server) URL() string { return s.url }

// Done is closed when Prometheus has ended, for whatever reason.
func (s *Server) Done() <-chan struct{} { return s.done }

// Err says how Prometheus ended; it is nil while it runs and after a clean stop.
func (s *Server) Err() error {
	select {
	case <-s.done:
		return s.err
	default:
		return nil
	}
}

// Stop ends Prometheus, by force after ten seconds, and removes the temporary directory if it had one. A second call does nothing.
func (s *Server) Stop() error {
	// The process may have ended by itself; waiting for done is what counts.
	_ = s.command.Process.Signal(syscall.SIGTERM)
	timer := time.NewTimer(stopWithin)
	defer timer.Stop()
	select {
	case <-s.done:
	case <-timer.C:
		_ = s.command.Process.Kill()
		<-s.done
	}
	return removeScratch(s.scratch)
}

func removeScratch(dir string) error {
	if dir == "" {
		return nil
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("removing the directory of prometheus: %w", err)
	}
	return nil
}
