// Package suggest finds the known word a mistyped one was meant to be.
package suggest

import "strings"

// Bounds, so that no words can make the search long.
const (
	// longest is the longest word that is compared.
	longest = 80
	// slips is how many letters may differ in a long word.
	slips = 8
	// work is how many pairs of letters are compared for one word.
	work = 400_000
)

// Nearest returns the candidate closest to word, or "" when none is close
// enough to be what was meant: at most a third of its letters may differ, and
// no more than eight. A longer word may also be a part of one candidate alone.
func Nearest(word string, candidates []string) string {
	if len(word) > longest {
		return ""
	}
	word = strings.ToLower(word)
	best, bestDistance := "", min(max(1, len(word)/3), slips)+1
	left := work
	for _, c := range candidates {
		if len(c) > longest || len(c)-len(word) >= bestDistance || len(word)-len(c) >= bestDistance {
			continue
		}
		if left -= len(word) * (2*bestDistance - 1); left < 0 {
			break
		}
		if d := distance(word, strings.ToLower(c), bestDistance); d < bestDistance {
			best, bestDistance = c, d
		}
	}
	if best == "" {
		return around(word, candidates)
	}
	return best
}

// leastPart is how long a word must be that is taken for a part of another one.
const leastPart = 5

// around is the one candidate that a word, in lower case, is a part of: follow of followRedirect.
func around(word string, candidates []string) string {
	found := ""
	if len(word) < leastPart {
		return ""
	}
	for _, c := range candidates {
		if len(c) > longest || !strings.Contains(strings.ToLower(c), word) {
			continue
		}
		if found != "" {
			return ""
		}
		found = c
	}
	return found
}

// Hint returns "; did you mean x?" or "".
func Hint(word string, candidates []string) string {
	if near := Nearest(word, candidates); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}

// distance counts the insertions, deletions, replacements and swaps of
// neighbours between a and b, or returns limit when there are as many or more.
// It looks only at where fewer than limit letters were inserted or deleted.
func distance(a, b string, limit int) int {
	if len(b) > longest || len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit // lowering a letter can make it longer
	}
	var rows [3][longest + 1]int
	before, previous, current := rows[0][:len(b)+1], rows[1][:len(b)+1], rows[2][:len(b)+1]
	for j := range previous {
		before[j], previous[j], current[j] = limit, min(j, limit), limit
	}
	for i := 1; i <= len(a); i++ {
		from, to := max(1, i-limit+1), min(len(b), i+limit-1)
		current[from-1] = limit
		if from == 1 {
			current[0] = min(i, limit)
		}
		for j := from; j <= to; j++ {
			current[j] = min(previous[j]+1, current[j-1]+1, previous[j-1]+1, limit)
			if a[i-1] == b[j-1] {
				current[j] = min(current[j], previous[j-1])
			}
			if swapped(a, b, i, j) {
				current[j] = min(current[j], before[j-2]+1)
			}
		}
		if to < len(b) {
			current[to+1] = limit
		}
		before, previous, current = previous, current, before
	}
	return min(previous[len(b)], limit)
}

// swapped says whether the last two letters of a[:i] are those of b[:j] the other way round.
func swapped(a, b string, i, j int) bool {
	return i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1]
}
