package localkube

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// ip runs one command of iproute2, its words separated by spaces.
func (c Cluster) ip(words string) error { return c.run("ip", strings.Fields(words)...) }

// joinHost connects the namespaces of pid to this machine: it takes the first
// free slot, whose link only one cluster can make, and routes the slot's
// networks to the node.
func (c Cluster) joinHost(pid, preferred int) (Addresses, error) {
	a, err := c.claimLink(pid, preferred)
	if err != nil {
		return Addresses{}, err
	}
	for _, words := range []string{
		fmt.Sprintf("addr add %s/%d dev %s", a.Host, a.Join.Bits(), a.Link),
		"link set " + a.Link + " up",
		fmt.Sprintf("route replace %s via %s", a.Pods, a.Node),
		fmt.Sprintf("route replace %s via %s", a.Services, a.Node),
	} {
		if err := c.ip(words); err != nil {
			return Addresses{}, fmt.Errorf("joining the cluster's network: %w", err)
		}
	}
	return a, nil
}

func (c Cluster) claimLink(pid, preferred int) (Addresses, error) {
	routes, err := hostRoutes()
	if err != nil {
		return Addresses{}, err
	}
	var refused []error
	for _, slot := range slotOrder(preferred) {
		a := addressesOf(slot)
		if route, taken := a.taken(routes); taken {
			refused = append(refused, fmt.Errorf("slot %d: this machine has a route to %s", slot, route))
			continue
		}
		err := c.ip(fmt.Sprintf("link add %s type veth peer name eth0 netns %d", a.Link, pid))
		if err == nil {
			return a, c.sign(a)
		}
		if !strings.Contains(err.Error(), "File exists") {
			return Addresses{}, fmt.Errorf("%w: making a veth pair: %w", ErrUnsupported, err)
		}
		refused = append(refused, fmt.Errorf("slot %d: link %s exists", slot, a.Link))
	}
	return Addresses{}, fmt.Errorf("no free network for the cluster:\n%w", errors.Join(refused...))
}

// configureInside sets up the node's end of the link. Without a default route
// local connections to a Service would have none either.
func (c Cluster) configureInside(a Addresses) error {
	for _, words := range []string{
		"link set lo up",
		fmt.Sprintf("addr add %s/%d dev eth0", a.Node, a.Join.Bits()),
		"link set eth0 up",
		"route add default via " + a.Host.String(),
	} {
		if err := c.ip(words); err != nil {
			return fmt.Errorf("setting up the node's network: %w", err)
		}
	}
	return nil
}

// sign notes on the link whose it is.
func (c Cluster) sign(a Addresses) error {
	if err := c.run("ip", "link", "set", "dev", a.Link, "alias", c.signature()); err != nil {
		return fmt.Errorf("marking link %s: %w", a.Link, err)
	}
	return nil
}

// signature is the end of the directory's path; the kernel keeps 255 bytes.
func (c Cluster) signature() string { return c.Dir[max(0, len(c.Dir)-255):] }

// owns reports whether what is left of a slot is this cluster's: after a crash
// another one may have taken the slot.
func (c Cluster) owns(a Addresses) bool {
	alias, err := os.ReadFile("/sys/class/net/" + a.Link + "/ifalias")
	return err != nil || strings.TrimSpace(string(alias)) == c.signature()
}

// leaveHost removes the link; its routes go with it. Mostly the kernel has
// removed it already, with the namespace.
func (c Cluster) leaveHost(a Addresses) error {
	if _, err := os.Stat("/sys/class/net/" + a.Link); err != nil {
		return nil
	}
	if err := c.ip("link del " + a.Link); err != nil && !strings.Contains(err.Error(), "Cannot find device") {
		return fmt.Errorf("removing link %s: %w", a.Link, err)
	}
	return nil
}
