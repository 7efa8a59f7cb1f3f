package localkube

import (
	"crypto/x509"
	"encoding/pem"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func alone() controlPlane {
	return controlPlane{
		Dir: "/srv/plane", EtcdData: "/srv/plane/etcd", Etcd: "127.0.0.1:1", EtcdPeer: "127.0.0.1:2",
		Bind: netip.MustParseAddrPort("127.0.0.1:3"), Services: addressesOf(0).Services,
	}
}

func TestAControlPlaneAloneAdvertisesNothing(t *testing.T) {
	args := alone().apiserverArgs()
	for _, want := range []string{
		"--endpoint-reconciler-type=none",
		"--disable-admission-plugins=ServiceAccount",
		"--bind-address=127.0.0.1",
		"--secure-port=3",
		"--authorization-mode=Node,RBAC",
	} {
		if !slices.Contains(args, want) {
			t.Errorf("%s is missing in %v", want, args)
		}
	}
}

func TestAClustersAPIServerIsReachableFromPods(t *testing.T) {
	p := alone()
	p.Advertise, p.ServiceAccounts = addressesOf(0).Node, true
	args := strings.Join(p.apiserverArgs(), " ")
	if !strings.Contains(args, "--advertise-address=10.111.0.2") {
		t.Errorf("the node's address is not advertised: %s", args)
	}
	for _, unwanted := range []string{"--endpoint-reconciler-type", "--disable-admission-plugins"} {
		if strings.Contains(args, unwanted) {
			t.Errorf("%s must not be set: %s", unwanted, args)
		}
	}
}

func TestCredentialsFitTogether(t *testing.T) {
	p := alone()
	p.Dir = t.TempDir()
	token, err := p.writeCredentials()
	if err != nil {
		t.Fatal(err)
	}
	if users := read(t, p.Dir, "tokens.csv"); users != token+`,admin,admin,"system:masters"`+"\n" {
		t.Errorf("tokens.csv: %q", users)
	}
	private, _ := pem.Decode([]byte(read(t, p.Dir, "sa.key")))
	public, _ := pem.Decode([]byte(read(t, p.Dir, "sa.pub")))
	key, err := x509.ParsePKCS1PrivateKey(private.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	half, err := x509.ParsePKIXPublicKey(public.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if !key.PublicKey.Equal(half) {
		t.Error("sa.pub is not the public half of sa.key")
	}
	again, err := p.writeCredentials()
	if err != nil {
		t.Fatal(err)
	}
	if again == token {
		t.Error("two control planes have the same token")
	}
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestFreePortsDiffer(t *testing.T) {
	ports, err := freePorts(3)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(ports, netip.AddrPort.Compare)
	if len(slices.Compact(ports)) != 3 {
		t.Errorf("ports repeat: %v", ports)
	}
	for _, p := range ports {
		if !p.Addr().IsLoopback() {
			t.Errorf("%s is not a loopback address", p)
		}
	}
}
