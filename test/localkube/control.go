package localkube

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/netip"
	"path/filepath"
)

// controlPlane says where etcd and the programs that need only the API listen
// and keep their files. It is the only place that knows their flags.
type controlPlane struct {
	Dir      string // credentials, certificates, kubeconfig
	EtcdData string
	Etcd     string         // host:port for clients
	EtcdPeer string         // host:port for its own kind
	Bind     netip.AddrPort // of the API server
	Services netip.Prefix
	// Advertise becomes the endpoint behind the Service "kubernetes". Not valid:
	// the control plane stands alone, with no node and nobody to reach it from.
	Advertise netip.Addr
	// ServiceAccounts is false when no controller-manager makes them; then pods
	// are accepted without.
	ServiceAccounts bool
}

func (p controlPlane) kubeconfig() string { return filepath.Join(p.Dir, "kubeconfig") }

func (p controlPlane) etcdArgs() []string {
	return []string{
		"--data-dir=" + p.EtcdData,
		"--listen-client-urls=http://" + p.Etcd,
		"--advertise-client-urls=http://" + p.Etcd,
		"--listen-peer-urls=http://" + p.EtcdPeer,
		"--initial-advertise-peer-urls=http://" + p.EtcdPeer,
		"--initial-cluster=default=http://" + p.EtcdPeer,
		"--unsafe-no-fsync", // test data: do not wait for the disk
		"--log-level=warn",
	}
}

func (p controlPlane) apiserverArgs() []string {
	args := []string{
		"--etcd-servers=http://" + p.Etcd,
		"--bind-address=" + p.Bind.Addr().String(),
		fmt.Sprintf("--secure-port=%d", p.Bind.Port()),
		"--cert-dir=" + filepath.Join(p.Dir, "certs"),
		"--token-auth-file=" + filepath.Join(p.Dir, "tokens.csv"),
		"--authorization-mode=Node,RBAC",
		"--allow-privileged",
		"--service-cluster-ip-range=" + p.Services.String(),
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + filepath.Join(p.Dir, "sa.pub"),
		"--service-account-signing-key-file=" + filepath.Join(p.Dir, "sa.key"),
		"--kubelet-preferred-address-types=InternalIP", // the node's name resolves nowhere
		"--max-requests-inflight=2000",
		"--max-mutating-requests-inflight=1000",
	}
	if p.Advertise.IsValid() {
		args = append(args, "--advertise-address="+p.Advertise.String())
	} else {
		// Loopback is refused as an address to advertise, and there may be no
		// default route to take one from; this one is reserved for documentation.
		args = append(args, "--advertise-address=192.0.2.1", "--endpoint-reconciler-type=none")
	}
	if !p.ServiceAccounts {
		args = append(args, "--disable-admission-plugins=ServiceAccount")
	}
	return args
}

func (p controlPlane) controllerManagerArgs() []string {
	return []string{
		"--kubeconfig=" + p.kubeconfig(),
		"--service-account-private-key-file=" + filepath.Join(p.Dir, "sa.key"),
		// Without it no pod can verify the API server.
		"--root-ca-file=" + filepath.Join(p.Dir, "certs", "apiserver.crt"),
		"--leader-elect=false",
		"--secure-port=0",
		// The single node takes the whole pod network from the CNI file.
		"--allocate-node-cidrs=false",
		"--controllers=*,-node-ipam-controller",
		"--kube-api-qps=500",
		"--kube-api-burst=1000",
		"--flex-volume-plugin-dir=" + filepath.Join(p.Dir, "volplugins"),
	}
}

func (p controlPlane) schedulerArgs() []string {
	return []string{
		"--kubeconfig=" + p.kubeconfig(),
		"--leader-elect=false",
		"--secure-port=0",
		"--kube-api-qps=500",
		"--kube-api-burst=1000",
	}
}

// writeCredentials makes the administrator's token and the key that signs
// service account tokens, and returns the token.
func (p controlPlane) writeCredentials() (token string, err error) {
	token = rand.Text()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return "", fmt.Errorf("making the service account key: %w", err)
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return "", fmt.Errorf("encoding the service account key: %w", err)
	}
	files := map[string][]byte{
		"sa.key":     pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}),
		"sa.pub":     pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}),
		"token":      []byte(token),
		"tokens.csv": []byte(token + `,admin,admin,"system:masters"` + "\n"),
	}
	for name, data := range files {
		if err := writeFile(filepath.Join(p.Dir, name), data, 0o600); err != nil {
			return "", err
		}
	}
	return token, nil
}
