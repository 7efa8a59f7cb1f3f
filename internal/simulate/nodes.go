package simulate

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
