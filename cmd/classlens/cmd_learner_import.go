package main

import (
	"fmt"
	"path/filepath"

	"classlens/internal/learner"

	"github.com/spf13/cobra"
)

func newLearnerImport() *cobra.Command {
	var out string
	var strict bool
	cmd := &cobra.Command{
		Use:   "import DATA",
		Short: "Check a learning log, summarize it, and write a compact copy",
		Long: `Reads a log in any known format and reports how many courses, students, rows and bad rows it has. Bad rows are reported with file and line, and skipped. --out DIR writes
DIR/learner.log, a compact copy that the other commands accept as DATA (without the personal columns of flat tables). With --strict, bad rows give exit code 3.`,
		Example: "  classlens learner import oulad --out compact",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := openLearner(cmd.Context(), cmd.ErrOrStderr(), args[0], false)
			if err != nil {
				return err
			}
			fmt.Fprint(cmd.OutOrStdout(), plainLines(d.Summary()))
			if out != "" {
				name, err := d.SaveCompact(filepath.Clean(out))
				if err != nil {
					return err
				}
				fmt.Fprintln(cmd.OutOrStdout(), "compact copy:", name)
			}
			if _, bad := d.Bad(); bad > 0 && strict {
				return outcome{exitPartial, fmt.Sprintf("%d bad rows kept out", bad)}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "`FOLDER` for a compact copy, "+learner.CompactName)
	cmd.Flags().BoolVar(&strict, "strict", false, "exit with code 3 if there were bad rows")
	return cmd
}
