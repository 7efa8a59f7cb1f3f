package cluster

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

func TestWhenACacheHasCaughtUp(t *testing.T) {
	seen := func(uid, version string) metav1.Object {
		return &metav1.ObjectMeta{UID: types.UID(uid), ResourceVersion: version}
	}
	cases := []struct {
		name string
		want expectation
		seen metav1.Object
		met  bool
	}{
		{"an older version is not what was written", expectation{version: "100"}, seen("a", "99"), false},
		{"the version that was written is", expectation{version: "100"}, seen("a", "100"), true},
		{"versions are numbers: 1000 comes after 999", expectation{version: "999"}, seen("a", "1000"), true},
		{"an object that was created is not there yet", expectation{version: "100"}, nil, false},
		{"an object that was deleted is still there", expectation{gone: "a"}, seen("a", "200"), false},
		{"it is gone", expectation{gone: "a"}, nil, true},
		{"another one has its name", expectation{gone: "a"}, seen("b", "300"), true},
		{"a pod that was evicted does not know yet", expectation{leaving: "a"}, seen("a", "200"), false},
		{"it is being deleted", expectation{leaving: "a"}, &metav1.ObjectMeta{UID: "a", DeletionTimestamp: &metav1.Time{}}, true},
		{"it is gone and another one has its name", expectation{leaving: "a"}, seen("b", "300"), true},
		{"it is gone", expectation{leaving: "a"}, nil, true},
		{"versions that are no numbers only match themselves", expectation{version: "x1"}, seen("a", "x2"), false},
		{"and they do match themselves", expectation{version: "x1"}, seen("a", "x1"), true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if met := c.want.metBy(c.seen); met != c.met {
				t.Errorf("met is %v", met)
			}
		})
	}
}

func TestALedgerHoldsOnlyWhatIsOpen(t *testing.T) {
	var l ledger
	set := ref{kind: replicaSetKind, namespace: "n", name: "s"}
	l.wrote("owner", set, "5")
	first := l.open("owner")[set]
	l.wrote("owner", set, "7")
	l.settle("owner", set, first)
	if open := l.open("owner"); open[set].version != "7" {
		t.Errorf("settling an older write struck a newer one: %v", open)
	}
	l.settle("owner", set, l.open("owner")[set])
	if open := l.open("owner"); open != nil || len(l.owners) != 0 {
		t.Errorf("at rest it holds %v", l.owners)
	}
	l.deleted("owner", set, "uid")
	if open := l.open("other"); open != nil {
		t.Errorf("another object waits for it: %v", open)
	}
	l.forget("owner")
	if open := l.open("owner"); open != nil {
		t.Errorf("after the owner is gone it holds %v", open)
	}
}
