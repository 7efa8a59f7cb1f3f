package decide

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

// The page for users has the counts for the default surge; they are those of split.
func TestTheTableForUsersIsTrue(t *testing.T) {
	text, err := os.ReadFile("../../docs/canary.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(text), "| replicas | 1 % |")
	if !found {
		t.Fatal("docs/canary.md has no table of counts")
	}
	head, rows, _ := strings.Cut(table, "\n")
	columns := []int32{1}
	for _, cell := range strings.Split(head, "|") {
		if n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(cell), " %")); err == nil {
			columns = append(columns, int32(n))
		}
	}
	checked := 0
	for _, row := range strings.Split(rows, "\n")[1:] {
		cells := strings.Split(strings.Trim(row, "| "), " | ")
		replicas, err := strconv.Atoi(cells[0])
		if err != nil {
			break
		}
		for i, weight := range columns {
			p := split(int32(replicas), weight, maxWeight, share(nil, int32(replicas), true))
			if got := fmt.Sprintf("%d/%d", p.canary, p.stable); got != cells[i+1] {
				t.Errorf("%d replicas at %d %%: the page says %s, split says %s", replicas, weight, cells[i+1], got)
			}
			checked++
		}
	}
	if checked < 60 {
		t.Errorf("only %d cells were found", checked)
	}
}
