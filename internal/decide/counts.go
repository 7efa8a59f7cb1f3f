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
	emptyAllowed := weight == 0 || weight == maxWeight || (replicas == 1 && surge == 0)
	share := float64(weight) / float64(maxWeight)
	up := int32(math.Ceil(float64(replicas) * share))
	down := int32(math.Floor(float64(replicas) * share))

	best, bestError := pair{}, math.Inf(1)
	consider := func(canary, total int32) {
		off := math.Abs(float64(canary)/float64(total) - share)
		if off < bestError {
			best, bestError = pair{canary, total - canary}, off
		}
	}
	if up < replicas || emptyAllowed {
		consider(up, replicas)
	}
	downAllowed := down != 0 || emptyAllowed
	if !tied(replicas, share) && downAllowed {
		consider(down, replicas)
	}
	if surge > 0 {
		consider(up, replicas+1)
		if !tied(replicas+1, share) && downAllowed {
			consider(down, replicas+1)
		}
	}
	if math.IsInf(bestError, 1) {
		// Exactly between two sizes and no room to surge (10 replicas, 95 %): the nearest split that
		// leaves nobody empty.
		canary := min(max(down, 1), replicas-1)
		return pair{canary, replicas - canary}
	}
	return best
}

// tied says that the weight falls exactly between two pod counts of this total.
func tied(total int32, share float64) bool {
	whole := float64(total) * share
	return whole-math.Floor(whole) == 0.5
}
