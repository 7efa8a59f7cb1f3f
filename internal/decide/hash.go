package decide

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/fnv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/rand"

	api "sluice.dev/sluice/api/v1alpha1"
)

// PodHash is the revision's hash: FNV-32a over the template's JSON, then the collision count as
// eight little-endian bytes if there was a collision, in the alphabet Kubernetes uses for names.
// It gives what a running Argo Rollouts installation has already written into labels.
func PodHash(template *corev1.PodTemplateSpec, collisions *int32) string {
	raw, err := json.Marshal(template)
	if err != nil {
		return "" // cannot happen for a template that came from JSON
	}
	if collisions != nil {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(uint32(*collisions)))
	}
	return fnvName(raw)
}

// StepHash changes when the steps do; it is "" without steps.
func StepHash(steps []api.CanaryStep) string {
	raw, err := json.Marshal(steps)
	if err != nil {
		return ""
	}
	return fnvName(raw)
}

func fnvName(raw []byte) string {
	sum := fnv.New32a()
	sum.Write(raw)
	return rand.SafeEncodeString(fmt.Sprint(sum.Sum32()))
}
