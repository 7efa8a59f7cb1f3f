package localkube

import (
	"bytes"
	"embed"
	"fmt"
	"net/netip"
	"text/template"
)

//go:embed templates
var templateFiles embed.FS

var templates = template.Must(template.New("").Option("missingkey=error").ParseFS(templateFiles, "templates/*"))

// settings is everything the configuration files depend on.
type settings struct {
	Name        string // of the cluster
	Dir         string
	Server      string // of the API server
	Token       string
	Node        string // name of the node
	CNIBinDir   string
	Snapshotter string // of containerd
	Cgroup      string // all pods lie under this cgroup
	CgroupV1    bool
	Pods        netip.Prefix
	DNS         netip.Addr
	PauseImage  string
	DNSImage    string
}

// nodeFiles are the files of a node: template and path below the cluster's directory.
var nodeFiles = map[string]string{
	"kubeconfig.yaml": "kubeconfig",
	"containerd.toml": "containerd.toml",
	"ptp.conflist":    "cni/10-ptp.conflist",
	"kubelet.yaml":    "kubelet.yaml",
	"kube-proxy.yaml": "kube-proxy.yaml",
	"coredns.yaml":    "coredns.yaml",
	"resolv.conf":     "resolv.conf",
}

func render(name string, s settings) ([]byte, error) {
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, name, s); err != nil {
		return nil, fmt.Errorf("rendering %s: %w", name, err)
	}
	return b.Bytes(), nil
}

// writeConfig writes the named templates to their places; a kubeconfig holds a
// credential, so nobody else may read any of them.
func (c Cluster) writeConfig(files map[string]string, s settings) error {
	for name, target := range files {
		data, err := render(name, s)
		if err != nil {
			return err
		}
		if err := writeFile(c.path(target), data, 0o600); err != nil {
			return err
		}
	}
	return nil
}
