package localkube

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSlotsDoNotOverlap(t *testing.T) {
	links := map[string]int{}
	var all []netip.Prefix
	for n := range slots {
		a := addressesOf(n)
		if other, ok := links[a.Link]; ok {
			t.Errorf("slots %d and %d share link %s", other, n, a.Link)
		}
		links[a.Link] = n
		for _, p := range []netip.Prefix{a.Join, a.Pods, a.Services} {
			if p != p.Masked() {
				t.Errorf("slot %d: %s has host bits", n, p)
			}
			for _, q := range all {
				if p.Overlaps(q) {
					t.Errorf("slot %d: %s overlaps %s of another", n, p, q)
				}
			}
			all = append(all, p)
		}
		if !a.Join.Contains(a.Host) || !a.Join.Contains(a.Node) || !a.Services.Contains(a.DNS) || !a.Services.Contains(a.API) {
			t.Errorf("slot %d: an address lies outside its network: %+v", n, a)
		}
	}
}

func TestTaken(t *testing.T) {
	tests := []struct {
		name  string
		route string
		want  bool
	}{
		{"the default route leads nowhere in particular", "0.0.0.0/0", false},
		{"a wider route loses against the cluster's own", "10.0.0.0/8", false},
		{"the same network is taken", "10.250.0.0/21", true},
		{"a part of the pods' network is taken", "10.250.3.0/24", true},
		{"a single Service address is taken", "10.251.0.1/32", true},
		{"the next slot's network is not this one's", "10.250.8.0/21", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, got := addressesOf(0).taken([]netip.Prefix{netip.MustParsePrefix(tt.route)}); got != tt.want {
				t.Errorf("taken by %s: %t, want %t", tt.route, got, tt.want)
			}
		})
	}
}

func TestTheLastSlotIsTriedFirst(t *testing.T) {
	order := slotOrder(5)
	if diff := cmp.Diff([]int{5, 0, 1, 2, 3, 4, 6}, order[:7]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(order) != slots || len(slotOrder(-1)) != slots {
		t.Errorf("%d and %d slots are tried, want %d", len(order), len(slotOrder(-1)), slots)
	}
}

const routeTable = `Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	00000000	010200C0	0003	0	0	0	00000000	0	0	0
eth0	000200C0	00000000	0001	0	0	0	00FFFFFF	0	0	0
lk0	0000FA0A	026F0A0A	0003	0	0	0	00F8FFFF	0	0	0
`

func TestParseRoutes(t *testing.T) {
	got, err := parseRoutes(routeTable)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"0.0.0.0/0", "192.0.2.0/24", "10.250.0.0/21"}
	var text []string
	for _, p := range got {
		text = append(text, p.String())
	}
	if diff := cmp.Diff(want, text); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := parseRoutes("Iface\neth0 nonsense 0 0 0 0 0 00000000\n"); err == nil {
		t.Error("a route that is not hexadecimal was accepted")
	}
}

func FuzzParseRoutes(f *testing.F) {
	f.Add(routeTable)
	f.Fuzz(func(t *testing.T, table string) {
		routes, err := parseRoutes(table)
		if err != nil {
			return
		}
		for _, r := range routes {
			if !r.IsValid() {
				t.Errorf("invalid route %v from %q", r, table)
			}
		}
	})
}
