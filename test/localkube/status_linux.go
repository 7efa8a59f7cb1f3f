package localkube

import (
	"context"
	"fmt"
)

// Status looks at the cluster; ErrNotRunning when there is none.
func (c Cluster) Status(ctx context.Context) (State, error) {
	pid, err := c.initPID()
	if err != nil {
		return State{}, err
	}
	r, err := c.readRecord()
	if err != nil {
		return State{}, err
	}
	a := addressesOf(r.Slot)
	s := State{
		Name: r.Name, Dir: c.Dir, Kubeconfig: c.Kubeconfig(),
		Server:   fmt.Sprintf("https://%s:%d", a.Node, apiPort),
		NodeName: nodeName, NodeIP: a.Node.String(), HostIP: a.Host.String(),
		PodCIDR: a.Pods.String(), Services: a.Services.String(), DNS: a.DNS.String(), PID: pid,
	}
	api, err := connect(s.Server, c.Dir)
	if err == nil {
		err = api.nodeReady(ctx)
	}
	if err == nil {
		err = api.deploymentAvailable(ctx, "kube-system", "coredns")
	}
	if err != nil {
		s.Problem = err.Error()
	}
	return s, nil
}
