package localkube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// PlaneOptions say how a control plane alone is started.
type PlaneOptions struct {
	// Dir holds everything it writes; what an earlier one left there is removed.
	Dir string
	// ControllerManager runs the controllers too: garbage collection, service
	// accounts, Deployments. Pods stay Pending all the same.
	ControllerManager bool
}

// Plane is a control plane that serves.
type Plane struct {
	Dir        string `json:"dir"`
	Kubeconfig string `json:"kubeconfig"`
	URL        string `json:"url"`
	CAFile     string `json:"caFile"`
	TokenFile  string `json:"tokenFile"` // of an administrator, group system:masters
	PID        int    `json:"pid"`
}

// attempts is how often other ports are tried: between finding a free one and
// listening on it, somebody else can take it.
const attempts = 3

// RunPlane runs etcd and the API server on free loopback ports, without root,
// until the context ends or one of them does. It calls ready once they serve.
func (c Cluster) RunPlane(ctx context.Context, o PlaneOptions, ready func(Plane) error) error {
	if err := c.requireKube(); err != nil {
		return err
	}
	lock, held, err := lockDir(o.Dir)
	if err != nil {
		return err
	}
	if held {
		return fmt.Errorf("%s is in use by a running control plane or cluster", o.Dir)
	}
	defer lock.Close()
	for range attempts {
		var running *runningPlane
		if running, err = c.startPlane(ctx, o); err != nil {
			if ctx.Err() != nil {
				return nil // told to end while starting
			}
			continue
		}
		return running.serve(ctx, ready)
	}
	return err
}

type runningPlane struct {
	Plane
	ctx   context.Context // ends with the first of its programs
	group *group
}

func (r *runningPlane) serve(outer context.Context, ready func(Plane) error) error {
	defer r.group.kill() // its data ends with it: nothing to finish
	if err := r.write(); err != nil {
		return err
	}
	if err := ready(r.Plane); err != nil {
		return err
	}
	<-r.ctx.Done()
	if outer.Err() != nil {
		return nil
	}
	return context.Cause(r.ctx)
}

func (p Plane) write() error {
	data, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("encoding the control plane's record: %w", err)
	}
	return writeFile(planeRecord(p.Dir), append(data, '\n'), 0o644)
}

func planeRecord(dir string) string { return filepath.Join(dir, "plane.json") }

// FindPlane returns the control plane that runs in a directory; ErrNotRunning when
// there is none.
func FindPlane(dir string) (Plane, error) {
	lock, held, err := lockDir(dir)
	if err != nil {
		return Plane{}, err
	}
	if !held {
		return Plane{}, errors.Join(ErrNotRunning, lock.Close())
	}
	data, err := os.ReadFile(planeRecord(dir))
	if err != nil {
		return Plane{}, fmt.Errorf("%s is in use, but not by a control plane that serves: %w", dir, err)
	}
	var p Plane
	if err := json.Unmarshal(data, &p); err != nil {
		return Plane{}, fmt.Errorf("reading %s: %w", planeRecord(dir), err)
	}
	return p, nil
}

// StopPlane ends the control plane of a directory and waits for it. Stopping
// what does not run is fine.
func StopPlane(ctx context.Context, dir string) error {
	p, err := FindPlane(dir)
	if errors.Is(err, ErrNotRunning) {
		return nil
	}
	if err != nil {
		return err
	}
	// Its lock is held, so the number is that of a running process.
	if err := syscall.Kill(p.PID, syscall.SIGTERM); err != nil {
		return fmt.Errorf("ending the control plane: %w", err)
	}
	return poll(ctx, "the control plane to end", startTimeout, func(context.Context) error {
		_, err := FindPlane(dir)
		if errors.Is(err, ErrNotRunning) {
			return nil
		}
		return errors.Join(fmt.Errorf("%s is still in use", dir), err)
	})
}

func (c Cluster) startPlane(ctx context.Context, o PlaneOptions) (*runningPlane, error) {
	p, err := newPlane(o)
	if err != nil {
		return nil, err
	}
	token, err := p.writeCredentials()
	if err != nil {
		return nil, err
	}
	server := "https://" + p.Bind.String()
	err = Cluster{Dir: p.Dir}.writeConfig(map[string]string{"kubeconfig.yaml": "kubeconfig"},
		settings{Name: c.Name, Dir: p.Dir, Server: server, Token: token})
	if err != nil {
		return nil, err
	}
	ctx, g, err := newGroup(ctx, filepath.Join(p.Dir, "log"), withoutProxies(os.Environ()))
	if err != nil {
		return nil, err
	}
	if err := c.startPrograms(ctx, g, p, o); err != nil {
		g.kill()
		return nil, err
	}
	return &runningPlane{ctx: ctx, group: g, Plane: Plane{
		Dir: p.Dir, Kubeconfig: p.kubeconfig(), URL: server, PID: os.Getpid(),
		CAFile:    filepath.Join(p.Dir, "certs", "apiserver.crt"),
		TokenFile: filepath.Join(p.Dir, "token"),
	}}, nil
}

func (c Cluster) startPrograms(ctx context.Context, g *group, p controlPlane, o PlaneOptions) error {
	if err := g.start("etcd", append([]string{c.kube(), "etcd"}, p.etcdArgs()...)...); err != nil {
		return err
	}
	if err := poll(ctx, "etcd", startTimeout, dials(p.Etcd)); err != nil {
		return err
	}
	if err := g.start("kube-apiserver", append([]string{c.kube(), "kube-apiserver"}, p.apiserverArgs()...)...); err != nil {
		return err
	}
	if err := poll(ctx, "kube-apiserver", startTimeout, apiReady("https://"+p.Bind.String(), p.Dir)); err != nil {
		return err
	}
	if !o.ControllerManager {
		return nil
	}
	return g.start("kube-controller-manager", append([]string{c.kube(), "kube-controller-manager"}, p.controllerManagerArgs()...)...)
}

// newPlane finds free ports and empties the directory.
func newPlane(o PlaneOptions) (controlPlane, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return controlPlane{}, fmt.Errorf("locating the control plane's directory: %w", err)
	}
	for _, stale := range []string{"etcd", "certs", "plane.json"} {
		if err := os.RemoveAll(filepath.Join(dir, stale)); err != nil {
			return controlPlane{}, fmt.Errorf("removing the state of an earlier control plane: %w", err)
		}
	}
	ports, err := freePorts(3)
	if err != nil {
		return controlPlane{}, err
	}
	return controlPlane{
		Dir:             dir,
		EtcdData:        filepath.Join(dir, "etcd"),
		Etcd:            ports[0].String(),
		EtcdPeer:        ports[1].String(),
		Bind:            ports[2],
		Services:        addressesOf(0).Services,
		ServiceAccounts: o.ControllerManager,
	}, nil
}

// freePorts finds loopback ports nobody listens on at the moment.
func freePorts(n int) ([]netip.AddrPort, error) {
	var listeners []net.Listener
	var ports []netip.AddrPort
	var errs []error
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			errs = append(errs, fmt.Errorf("finding a free port: %w", err))
			break
		}
		listeners = append(listeners, l)
		port, err := netip.ParseAddrPort(l.Addr().String())
		errs = append(errs, err)
		ports = append(ports, port)
	}
	for _, l := range listeners {
		errs = append(errs, l.Close())
	}
	return ports, errors.Join(errs...)
}

// dials reports whether somebody listens on an address.
func dials(address string) func(context.Context) error {
	return func(ctx context.Context) error {
		d := net.Dialer{Timeout: time.Second}
		conn, err := d.DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return conn.Close()
	}
}
