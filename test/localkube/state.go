package localkube

import (
	"io"
	"os"
)

// Options say how a cluster is brought up.
type Options struct {
	// Progress is told what takes long.
	Progress io.Writer
	// Lifeline, if set, ties the cluster to whoever holds the other end of this
	// pipe: the cluster ends when it does. What outlives the namespaces is left
	// for Down.
	Lifeline *os.File
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
