package localkube

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"strings"
)

// slots is how many clusters can run side by side.
const slots = 32

// Addresses are what keeps one cluster apart from others on the same machine.
// They follow from a slot number alone.
type Addresses struct {
	Slot     int
	Link     string       // host end of the veth pair; also the name of the cgroup
	Join     netip.Prefix // the link's own network
	Host     netip.Addr   // this machine, as nodes and pods reach it
	Node     netip.Addr   // the node, as this machine reaches it
	Pods     netip.Prefix
	Services netip.Prefix
	API      netip.Addr // Service "kubernetes", the first of Services
	DNS      netip.Addr // Service "kube-dns"
}

// addressesOf lays out slot n: in slot 0 the node is 10.111.0.2, pods are in
// 10.250.0.0/21 and Services in 10.251.0.0/21; slot 1 has 10.111.1.2,
// 10.250.8.0/21 and 10.251.8.0/21.
func addressesOf(n int) Addresses {
	join := [4]byte{10, 111, byte(n), 0}
	services := [4]byte{10, 251, byte(8 * n), 0}
	last := func(a [4]byte, b byte) netip.Addr { a[3] = b; return netip.AddrFrom4(a) }
	return Addresses{
		Slot:     n,
		Link:     fmt.Sprintf("lk%d", n),
		Join:     netip.PrefixFrom(netip.AddrFrom4(join), 30),
		Host:     last(join, 1),
		Node:     last(join, 2),
		Pods:     netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 250, byte(8 * n), 0}), 21),
		Services: netip.PrefixFrom(netip.AddrFrom4(services), 21),
		API:      last(services, 1),
		DNS:      last(services, 10),
	}
}

// taken reports which of the host's routes leads into one of the cluster's
// networks. Wider routes do not count: the cluster's own are more specific and
// win.
func (a Addresses) taken(routes []netip.Prefix) (netip.Prefix, bool) {
	for _, r := range routes {
		for _, own := range []netip.Prefix{a.Join, a.Pods, a.Services} {
			if r.Bits() >= own.Bits() && own.Contains(r.Addr()) {
				return r, true
			}
		}
	}
	return netip.Prefix{}, false
}

// slotOrder is the order in which slots are tried: the one the cluster had last
// time first, so that its addresses stay.
func slotOrder(preferred int) []int {
	order := make([]int, 0, slots)
	if preferred >= 0 && preferred < slots {
		order = append(order, preferred)
	}
	for n := range slots {
		if n != preferred {
			order = append(order, n)
		}
	}
	return order
}

// hostRoutes reads the main routing table of this machine, IPv4 only.
func hostRoutes() ([]netip.Prefix, error) {
	data, err := os.ReadFile("/proc/net/route")
	if err != nil {
		return nil, fmt.Errorf("reading the host's routes: %w", err)
	}
	return parseRoutes(string(data))
}

// parseRoutes reads the form of /proc/net/route: hexadecimal little-endian
// addresses in the second column and masks in the eighth.
func parseRoutes(table string) ([]netip.Prefix, error) {
	var routes []netip.Prefix
	lines := bufio.NewScanner(strings.NewReader(table))
	lines.Scan() // column names
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 8 {
			continue
		}
		destination, err := littleEndian(fields[1])
		if err != nil {
			return nil, fmt.Errorf("route %q: %w", lines.Text(), err)
		}
		mask, err := littleEndian(fields[7])
		if err != nil {
			return nil, fmt.Errorf("route %q: %w", lines.Text(), err)
		}
		bits := 0
		for m := binary.BigEndian.Uint32(mask[:]); m&(1<<31) != 0; m <<= 1 {
			bits++
		}
		routes = append(routes, netip.PrefixFrom(netip.AddrFrom4(destination), bits))
	}
	return routes, lines.Err()
}

func littleEndian(s string) (b [4]byte, err error) {
	raw, err := hex.DecodeString(s)
	if err != nil || len(raw) != 4 {
		return b, fmt.Errorf("%q is not an address", s)
	}
	return [4]byte{raw[3], raw[2], raw[1], raw[0]}, nil
}
