// Command amp stands in for Amazon Managed Service for Prometheus in front of a real Prometheus.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"sluice.dev/sluice/test/amp"
)

const secretVariable = "AMP_SECRET_KEY"

type options struct {
	listen, adminListen, upstream, workspace, region string
	accessKey, secretKeyFile, sessionToken           string
}

func main() {
	var o options
	flag.StringVar(&o.listen, "listen", "127.0.0.1:9091", "address queries are served on")
	flag.StringVar(&o.adminListen, "admin-listen", "127.0.0.1:9092", "loopback address of /stats, /faults and /healthz; empty turns it off")
	flag.StringVar(&o.upstream, "upstream", "http://127.0.0.1:9090", "the real Prometheus")
	flag.StringVar(&o.workspace, "workspace", "ws-demo", "the workspace that exists")
	flag.StringVar(&o.region, "region", "us-west-2", "the region credentials must be scoped to")
	flag.StringVar(&o.accessKey, "access-key", "", "the access key that may query")
	flag.StringVar(&o.secretKeyFile, "secret-key-file", "", "file holding its secret; without it the secret is read from "+secretVariable)
	flag.StringVar(&o.sessionToken, "session-token", "", "session token requests must carry; empty means none")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "amp:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	server, err := newServer(o)
	if err != nil {
		return err
	}
	queries, err := net.Listen("tcp", o.listen)
	if err != nil {
		return fmt.Errorf("listening for queries: %w", err)
	}
	fmt.Printf("amp: serving http://%s/workspaces/%s for %s\n", queries.Addr(), o.workspace, o.upstream)
	serving := []func(context.Context) error{serve(server, queries)}
	if o.adminListen != "" {
		admin, err := listenLoopback(o.adminListen)
		if err != nil {
			return err
		}
		fmt.Printf("amp: admin on http://%s\n", admin.Addr())
		serving = append(serving, serve(server.Admin(), admin))
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, len(serving))
	for _, f := range serving {
		go func() { ended <- f(ctx) }()
	}
	var problems []error
	for range serving {
		problems = append(problems, <-ended)
		cancel()
	}
	return errors.Join(problems...)
}

func newServer(o options) (*amp.Server, error) {
	upstream, err := url.Parse(o.upstream)
	if err != nil {
		return nil, fmt.Errorf("reading --upstream: %w", err)
	}
	secret := os.Getenv(secretVariable)
	if o.secretKeyFile != "" {
		content, err := os.ReadFile(o.secretKeyFile)
		if err != nil {
			return nil, fmt.Errorf("reading --secret-key-file: %w", err)
		}
		secret = strings.TrimSpace(string(content))
	}
	return amp.New(amp.Config{
		Upstream:  upstream,
		Workspace: o.workspace,
		Region:    o.region,
		Keys:      map[string]amp.Key{o.accessKey: {Secret: secret, SessionToken: o.sessionToken}},
	})
}

// listenLoopback refuses every other address: whoever reaches the admin port may switch faults.
func listenLoopback(address string) (net.Listener, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listening for admin requests: %w", err)
	}
	if bound, ok := listener.Addr().(*net.TCPAddr); !ok || !bound.IP.IsLoopback() {
		_ = listener.Close() // refusing it matters more
		return nil, fmt.Errorf("admin address %s is not on loopback", address)
	}
	return listener, nil
}

// serve gives a function that serves until its context ends and then lets running requests finish for a moment.
func serve(handler http.Handler, listener net.Listener) func(context.Context) error {
	return func(ctx context.Context) error {
		server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
		stopped := make(chan error, 1)
		go func() {
			<-ctx.Done()
			deadline, cancel := context.WithTimeout(context.Background(), 2*time.Second)
			defer cancel()
			stopped <- server.Shutdown(deadline)
		}()
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serving on %s: %w", listener.Addr(), err)
		}
		return <-stopped
	}
}
