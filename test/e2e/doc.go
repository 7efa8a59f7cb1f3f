// Package e2e plays the user stories on a real cluster.
package e2e
