// Package cluster is what a pure package must not reach.
package cluster

const Name = "cluster"
