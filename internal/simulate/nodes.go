package simulate

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"
)

// LosePods takes away n pods of a revision, available ones first, as a node that dies does. The ReplicaSet
// controller makes new ones, which take as long to boot as any.
func (w *World) LosePods(hash string, n int) {
	for _, s := range w.sets {
		if s.Hash != hash {
			continue
		}
		for ; n > 0 && len(s.pods) > 0; n-- {
			s.pods = without(s.pods, w.firstAvailable(s))
		}
	}
	w.node()
}

func without(pods []pod, i int) []pod {
	kept := append([]pod(nil), pods[:i]...)
	return append(kept, pods[i+1:]...)
}

func (w *World) firstAvailable(s *set) int {
	for i := range s.pods {
		if s.pods[i].available(w.Now) {
			return i
		}
	}
	return 0
}

// Crash makes n available pods of a revision stop serving; each is known by its UID until it recovers or
// is replaced.
func (w *World) Crash(hash string, n int) (uids []types.UID) {
	for _, s := range w.sets {
		for i := range s.pods {
			if p := &s.pods[i]; s.Hash == hash && n > len(uids) && p.available(w.Now) {
				p.broken = true
				uids = append(uids, p.uid)
			}
		}
	}
	return uids
}

// LoseNode makes n pods that serve stop serving, of every revision its part, as a node that dies does.
func (w *World) LoseNode(n int) (uids []types.UID) {
	for lost := true; lost && len(uids) < n; {
		lost = false
		for _, hash := range w.born {
			if len(uids) < n {
				found := w.Crash(hash, 1)
				uids, lost = append(uids, found...), lost || len(found) > 0
			}
		}
	}
	return uids
}

// Recover lets crashed pods serve again.
func (w *World) Recover(uids []types.UID) {
	for _, uid := range uids {
		if p := w.pod(uid); p != nil {
			p.broken = false
		}
	}
}

// Replace takes pods away for good; their ReplicaSets make new ones.
func (w *World) Replace(uids []types.UID) {
	for _, s := range w.sets {
		s.pods = slices.DeleteFunc(slices.Clone(s.pods), func(p pod) bool { return slices.Contains(uids, p.uid) })
	}
	w.node()
}
