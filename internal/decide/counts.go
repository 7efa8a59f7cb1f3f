package decide

import "math"

// pair is how many pods each side should have.
type pair struct{ canary, stable int32 }

// split says how many pods each side of a basic canary should have so that the share of canary pods
// comes closest to weight. Candidates are tried in a fixed order and the first of the best wins:
// 5 replicas, surge 2, 20 % → 1 canary of 5 (exactly 20 %), not 1 of 6 (16.7 %);
// 10 replicas, surge 1, 75 % → 8 of 11 (72.7 %) beats 8 of 10 (80 %).
// With 0 < weight < max and more than one replica both sides keep at least one pod.
func split(replicas, weight, maxWeight, surge int32) pair {
	if replicas == 0 {
		return pair{}
	}
	weight = min(max(weight, 0), maxWeight)
	share := float64(weight) / float64(maxWeight)
	emptyAllowed := weight == 0 || weight == maxWeight || (replicas == 1 && surge == 0)
	if best, ok := closest(candidates(replicas, share, surge > 0, emptyAllowed), share); ok {
		return best
	}
	// Exactly between two sizes and no room to surge (10 replicas, 95 %): the nearest split that
	// leaves nobody empty.
	canary := min(max(int32(float64(replicas)*share), 1), replicas-1)
	return pair{canary, replicas - canary}
}

// candidates are the splits worth comparing, in the order in which they win ties: the canary rounded
// up, then down, of replicas pods, then of one more.
func candidates(replicas int32, share float64, surges, emptyAllowed bool) (all []pair) {
	up := int32(math.Ceil(float64(replicas) * share))
	down := int32(math.Floor(float64(replicas) * share))
	downAllowed := down != 0 || emptyAllowed
	if up < replicas || emptyAllowed {
		all = append(all, pair{up, replicas - up})
	}
	if downAllowed && !tied(replicas, share) {
		all = append(all, pair{down, replicas - down})
	}
	if !surges {
		return all
	}
	all = append(all, pair{up, replicas + 1 - up})
	if downAllowed && !tied(replicas+1, share) {
		all = append(all, pair{down, replicas + 1 - down})
	}
	return all
}

// closest is the first of the splits whose canary share is nearest to the wanted one.
func closest(splits []pair, share float64) (best pair, ok bool) {
	least := math.Inf(1)
	for _, p := range splits {
		if off := math.Abs(float64(p.canary)/float64(p.canary+p.stable) - share); off < least {
			best, least, ok = p, off, true
		}
	}
	return best, ok
}

// tied says that the weight falls exactly between two pod counts of this total.
func tied(total int32, share float64) bool {
	whole := float64(total) * share
	return whole-math.Floor(whole) == 0.5
}
