// shell talks to the outside.
package shell

import (
	"broken.example/adapters"
	"broken.example/cluster"
)

// Name is set before anybody asked.
func init() { Name = adapters.Name + cluster.Name }

var Name string
