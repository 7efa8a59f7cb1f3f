package localkube

import "io"

// Options say how a cluster is brought up.
type Options struct {
	// Progress is told what takes long.
	Progress io.Writer
	// Tied means that the cluster ends with this process, whatever ends it.
	Tied bool
}

// State is what there is to know about a running cluster.
type State struct {
	Name       string `json:"name"`
	Dir        string `json:"dir"`
	Kubeconfig string `json:"kubeconfig"`
	Server     string `json:"url"`
	NodeName   string `json:"nodeName"`
	NodeIP     string `json:"nodeIP"`
	HostIP     string `json:"hostIP"` // this machine, for nodes and pods
	PodCIDR    string `json:"podCIDR"`
	Services   string `json:"serviceCIDR"`
	DNS        string `json:"dnsIP"`
	PID        int    `json:"pid"`
	// Problem is empty when the cluster is ready.
	Problem string `json:"problem,omitempty"`
}
