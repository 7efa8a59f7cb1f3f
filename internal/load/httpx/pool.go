package httpx

import (
	"context"
	"sync"
)

// maxHosts is how many hosts have places of their own; further ones share.
const maxHosts = 256

// pool gives all users together so many connections to a host. A request that
// finds none waits before its clock starts, as long as it takes.
type pool struct {
	size  int
	mu    sync.Mutex
	hosts map[string]chan struct{}
}

func newPool(size int) *pool { return &pool{size: size, hosts: map[string]chan struct{}{}} }

// take waits for a place; the returned function gives it back.
func (p *pool) take(ctx context.Context, host string) (func(), error) {
	places := p.of(host)
	select {
	case places <- struct{}{}:
		return func() { <-places }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (p *pool) of(host string) chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.hosts) >= maxHosts && p.hosts[host] == nil {
		host = ""
	}
	places := p.hosts[host]
	if places == nil {
		places = make(chan struct{}, p.size)
		p.hosts[host] = places
	}
	return places
}
