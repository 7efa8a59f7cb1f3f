// Command coredns is CoreDNS with the plugins a test cluster needs.
package main

import (
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"

	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/forward"
	_ "github.com/coredns/coredns/plugin/health"
	_ "github.com/coredns/coredns/plugin/hosts"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/ready"
)

func main() {
	// A plugin missing from this list is an unknown directive even when it is
	// imported; the order is the order in which plugins see a query.
	dnsserver.Directives = []string{"ready", "health", "errors", "cache", "hosts", "kubernetes", "forward"}
	coremain.Run()
}
