package command

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"sluice.dev/sluice/internal/load/report"
)

// maxReport bounds a report that is read.
const maxReport = 256 << 20

func newReport(env Env) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "report FILE",
		Short: "Make an HTML page of a JSON report, of Artillery's (1.x too) or ours, or of a result",
		Long: `Make an HTML page of a JSON report: of Artillery's (1.x too), of ours, or of a result as a termination message holds it.
"-" reads it from standard input; then --output names the page's file.`,
		Args: exactly("FILE", "report.json"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := refuseEmpty(cmd); err != nil {
				return err
			}
			switch {
			case output == "" && args[0] == "-":
				return errors.New("say with --output where the page should go: a report from standard input has no name")
			case output == "":
				output = strings.TrimSuffix(args[0], filepath.Ext(args[0])) + ".html"
			}
			if err := writeReportPage(newSource(args[0], env), output); err != nil {
				return err
			}
			_, err := fmt.Fprintf(env.Out, "Report generated: %s\n", output)
			return err
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "the page's file (default: the report's name with .html)")
	return cmd
}

func writeReportPage(from source, to string) error {
	text, err := from.read("the report", maxReport)
	if err != nil {
		return err
	}
	page, err := report.FromFile(filepath.Base(from.file), text)
	if err != nil {
		return fmt.Errorf("%s: %w", from.file, err)
	}
	if from.from == nil && sameFile(from.file, to) {
		return fmt.Errorf("%s is the report itself; name another file with --output", to)
	}
	file, err := create(to)
	if err != nil {
		return fmt.Errorf("opening the page: %w", err)
	}
	if err := errors.Join(report.HTML(file, page), file.Close()); err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	return nil
}

func sameFile(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}
