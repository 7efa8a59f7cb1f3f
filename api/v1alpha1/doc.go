// Package v1alpha1 is what users write and read: the five kinds of the API group argoproj.io/v1alpha1.
//
// The wire format is that of Argo Rollouts, field for field. Fields that Argo Rollouts does not have say
// "Sluice addition" in their comment; all of them are optional, and an object that uses none of them means
// the same to both controllers.
//
// Nothing here reads a clock, a file or the network.
//
// +kubebuilder:object:generate=true
// +groupName=argoproj.io
package v1alpha1
