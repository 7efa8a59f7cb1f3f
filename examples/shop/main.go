// Command shop is the example application that rollouts are tried on: a small web shop whose faults are environment variables.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"
)

// memoryLimit is what the shop grows to before it collects garbage.
const memoryLimit = 24 << 20

// finishWithin bounds the time running requests have once the drain is over.
const finishWithin = 5 * time.Second

func main() {
	beCheap()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Environ()); err != nil {
		fmt.Fprintln(os.Stderr, "shop:", err)
		os.Exit(1)
	}
}

// beCheap makes the cost of a request small and even, since that is what is measured here. A second processor would spend more on waking up than on
// serving; collecting garbage every two minutes, needed or not, would show as a busy second.
func beCheap() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(1)
	}
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(-1)
		debug.SetMemoryLimit(memoryLimit)
	}
}

func run(ctx context.Context, environment []string) error {
	settings, err := readSettings(environment)
	if err != nil {
		return err
	}
	// Probing idle connections would cost four system calls on each new one; the server's idle timeout ends dead ones as well.
	listener, err := (&net.ListenConfig{KeepAlive: -1}).Listen(ctx, "tcp", settings.listen)
	if err != nil {
		return fmt.Errorf("listening on SHOP_LISTEN: %w", err)
	}
	fmt.Printf("shop: version %s serves on %s\n", settings.version, listener.Addr())
	return serve(ctx, newShop(settings, time.Now()), listener)
}

// serve ends in three steps when ctx does: not ready but serving, then no new connections, then gone.
func serve(ctx context.Context, s *shop, listener net.Listener) error {
	server := &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		IdleTimeout:       2 * time.Minute,
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	s.draining.Store(true)
	drain := time.NewTimer(s.settings.drain)
	defer drain.Stop()
	select {
	case err := <-ended:
		return fmt.Errorf("serving: %w", err)
	case <-drain.C:
	}
	deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishWithin)
	defer cancel()
	if err := server.Shutdown(deadline); err != nil {
		return fmt.Errorf("finishing running requests: %w", err)
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving: %w", err)
	}
	return nil
}
