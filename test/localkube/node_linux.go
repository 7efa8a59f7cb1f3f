package localkube

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
)

const (
	etcdAddress = "127.0.0.1:2379"
	etcdPeer    = "127.0.0.1:2380"
)

// node starts the cluster's programs inside the namespaces.
type node struct {
	Cluster
	addresses Addresses
	plane     controlPlane
	group     *group
}

// RunNode starts everything inside the namespaces, reports when the cluster is
// ready, and returns when one of its programs ends.
func RunNode(ctx context.Context, dir string) error {
	const fdReport = 3
	syscall.CloseOnExec(fdReport)
	report := os.NewFile(fdReport, "ready")
	c := Cluster{Dir: dir}
	r, err := c.readRecord()
	if err != nil {
		return fmt.Errorf("reading the cluster's record: %w", err)
	}
	c.Name, c.Cache = r.Name, r.Cache
	a := addressesOf(r.Slot)
	n := node{Cluster: c, addresses: a, plane: controlPlane{
		Dir:             dir,
		EtcdData:        "/var/lib/etcd",
		Etcd:            etcdAddress,
		EtcdPeer:        etcdPeer,
		Bind:            netip.AddrPortFrom(netip.IPv4Unspecified(), apiPort),
		Advertise:       a.Node,
		Services:        a.Services,
		ServiceAccounts: true,
	}}
	ctx, n.group, err = newGroup(ctx, c.path("log"), c.environ())
	if err != nil {
		return err
	}
	if err := n.up(ctx); err != nil {
		return err
	}
	if _, err := report.WriteString(readyWord); err != nil {
		return fmt.Errorf("reporting that the cluster is ready: %w", err)
	}
	closeAll(report)
	<-ctx.Done()
	return context.Cause(ctx)
}

func (n node) up(ctx context.Context) error {
	if err := n.prepare(); err != nil {
		return err
	}
	if err := n.startControlPlane(ctx); err != nil {
		return err
	}
	if err := n.startNode(); err != nil {
		return err
	}
	return n.awaitReady(ctx)
}

// server is the API server's address for this machine and for the node.
func (n node) server() string {
	return fmt.Sprintf("https://%s:%d", n.addresses.Node, apiPort)
}

// prepare makes a fresh cluster: of an earlier one only the images stay.
// Certificates of other addresses would be used again, and not be believed.
func (n node) prepare() error {
	if err := n.configureInside(n.addresses); err != nil {
		return err
	}
	for _, dir := range []string{"/var/lib/etcd", "/var/lib/kubelet", "/var/lib/cni", "/var/log/pods", "/var/log/containers", n.path("certs")} {
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("removing the state of an earlier cluster: %w", err)
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("making a state directory: %w", err)
		}
	}
	groups, err := detectCgroups(cgroupMount)
	if err != nil {
		return err
	}
	if err := groups.create(n.addresses.Link); err != nil {
		return err
	}
	token, err := n.plane.writeCredentials()
	if err != nil {
		return err
	}
	cni, err := n.cniBinDir()
	if err != nil {
		return err
	}
	snapshotter, err := n.snapshotter()
	if err != nil {
		return err
	}
	return n.writeConfig(nodeFiles, settings{
		Name:        n.Name,
		Dir:         n.Dir,
		Server:      n.server(),
		Token:       token,
		Node:        nodeName,
		CNIBinDir:   cni,
		Snapshotter: snapshotter,
		Cgroup:      n.addresses.Link,
		CgroupV1:    groups.V1,
		Pods:        n.addresses.Pods,
		DNS:         n.addresses.DNS,
		PauseImage:  pauseImage,
		DNSImage:    dnsImage,
	})
}

// startControlPlane imports the images while the API server, by far the slowest,
// comes up.
func (n node) startControlPlane(ctx context.Context) error {
	containerd, err := n.program("containerd")
	if err != nil {
		return err
	}
	if err := errors.Join(
		n.startKube("etcd", n.plane.etcdArgs()...),
		n.group.start("containerd", containerd, "--config", n.path("containerd.toml")),
	); err != nil {
		return err
	}
	if err := poll(ctx, "etcd", startTimeout, dials(etcdAddress)); err != nil {
		return err
	}
	if err := n.startKube("kube-apiserver", n.plane.apiserverArgs()...); err != nil {
		return err
	}
	if err := poll(ctx, "containerd", startTimeout, func(context.Context) error { return n.run("ctr", "version") }); err != nil {
		return err
	}
	archives, err := n.archives()
	if err != nil {
		return err
	}
	if err := n.importImages(archives); err != nil {
		return err
	}
	return poll(ctx, "kube-apiserver", startTimeout, apiReady(n.server(), n.Dir))
}

func (n node) startNode() error {
	if err := errors.Join(
		n.startKube("kube-controller-manager", n.plane.controllerManagerArgs()...),
		n.startKube("kube-scheduler", n.plane.schedulerArgs()...),
		n.startKube("kubelet", "--config="+n.path("kubelet.yaml"), "--kubeconfig="+n.plane.kubeconfig(),
			"--hostname-override="+nodeName, "--node-ip="+n.addresses.Node.String(),
			// CPU use shows after 2-3 s instead of 20; the file has no field for it.
			"--housekeeping-interval=1s"),
		n.startKube("kube-proxy", "--config="+n.path("kube-proxy.yaml")),
	); err != nil {
		return err
	}
	err := run(n.group.env, n.kube(), "kubectl", "--kubeconfig="+n.plane.kubeconfig(), "apply", "--filename", n.path("coredns.yaml"))
	if err != nil {
		return fmt.Errorf("installing cluster DNS: %w", err)
	}
	return nil
}

// awaitReady waits until a pod can be made, run and found: the node, the account
// without which pods are refused, and a name that resolves through a Service.
func (n node) awaitReady(ctx context.Context) error {
	api, err := connect(n.server(), n.Dir)
	if err != nil {
		return err
	}
	return errors.Join(
		poll(ctx, "the node", startTimeout, api.nodeReady),
		poll(ctx, "the default service account", startTimeout, func(ctx context.Context) error {
			return api.read(ctx, "/api/v1/namespaces/default/serviceaccounts/default", nil)
		}),
		poll(ctx, "cluster DNS", startTimeout, func(ctx context.Context) error {
			return api.deploymentAvailable(ctx, "kube-system", "coredns")
		}),
		poll(ctx, "cluster DNS to answer", startTimeout, resolves(n.addresses)),
	)
}

func (n node) startKube(program string, args ...string) error {
	return n.group.start(program, append([]string{n.kube(), program}, args...)...)
}

// resolves asks the cluster's DNS Service for the API server. A first query can
// be lost while the Service is being programmed, so each is given little time.
func resolves(a Addresses) func(context.Context) error {
	resolver := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, net.JoinHostPort(a.DNS.String(), "53"))
	}}
	return func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
		defer cancel()
		found, err := resolver.LookupNetIP(ctx, "ip4", "kubernetes.default.svc.cluster.local.")
		if err != nil {
			return err
		}
		if len(found) != 1 || found[0].Unmap() != a.API {
			return fmt.Errorf("kubernetes.default resolves to %v instead of %s", found, a.API)
		}
		return nil
	}
}
