package command

import (
	"github.com/spf13/cobra"
)

func newLint(env Env) *cobra.Command {
	return &cobra.Command{Use: "lint"}
}
