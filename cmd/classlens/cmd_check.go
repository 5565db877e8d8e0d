package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"classlens/internal/analysis"

	"github.com/spf13/cobra"
)

func newCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check OUT...",
		Short: "Check results: checksums, tables, stray files, gaps",
		Long: `Reads the results of analyze in each folder (one recording's, or the one given to --out) and reports for each recording whether it is done, partial
(with the spans that could not be read), failed (with the reason), pending (begun, not finished) or damaged. Nothing is changed.

Exit codes: 0 all done and whole; 1 something is damaged, or there is nothing to check; 2 wrong usage; 3 nothing is damaged, but some recordings are partial, failed or pending.`,
		Example: "  classlens check out",
		Args:    usageArgs(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			c := checker{say: func(line string) { fmt.Fprintln(cmd.OutOrStdout(), line) }}
			for _, folder := range args {
				if err := c.folder(folder); err != nil {
					return err
				}
			}
			return c.outcome()
		},
	}
}

// checker counts recordings by what it finds: done, damaged, or unfinished (partial, failed, pending).
type checker struct {
	say                       func(string)
	done, damaged, unfinished int
}

// folder checks one recording's folder, or all those in it.
func (c *checker) folder(folder string) error {
	v, err := analysis.Check(folder)
	if err == nil {
		c.verdict(folder, v)
		return nil
	}
	if !errors.Is(err, analysis.ErrNoResults) {
		return err
	}
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: no such folder; give the --out folder of classlens analyze, or a recording's folder in it", folder)
	}
	if err != nil {
		return err
	}
	found := 0
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		sub := filepath.Join(folder, e.Name())
		v, err := analysis.Check(sub)
		if errors.Is(err, analysis.ErrNoResults) {
			continue
		}
		if err != nil {
			return err
		}
		found++
		c.verdict(sub, v)
	}
	if found == 0 {
		return fmt.Errorf("%s: no results of classlens analyze here", folder)
	}
	return nil
}

func (c *checker) verdict(folder string, v analysis.Verdict) {
	word := string(v.State)
	switch {
	case v.State == analysis.Done:
		c.done++
	case len(v.Problems) > 0:
		c.damaged++
		word = "damaged"
	default:
		c.unfinished++
	}
	c.say(oneLine(folder + ": " + word))
	for _, p := range append(v.Problems, v.Notes...) {
		c.say(oneLine("  " + p))
	}
}

func (c *checker) outcome() error {
	switch {
	case c.damaged > 0:
		return outcome{exitFailed, fmt.Sprintf("%d damaged; analyze --force makes the results again; move stray files away yourself", c.damaged)}
	case c.unfinished > 0:
		return outcome{code: exitPartial}
	}
	return nil
}
