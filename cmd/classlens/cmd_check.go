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
	var recordings []string
	cmd := &cobra.Command{
		Use:   "check OUT...",
		Short: "Check results: checksums, tables, stray files, gaps",
		Long: `Reads the results of analyze in each folder (one recording's, or the one given to --out) and reports for each recording whether it is done, partial
(with the spans that could not be read), failed (with the reason), pending (begun, not finished) or damaged; the last line counts them. Nothing is changed.
A recording that no run has reached yet has left nothing in OUT; with --recordings, it is listed as pending, too.

Exit codes: 0 all done and whole; 1 something is damaged, or there is nothing to check; 2 wrong usage; 3 nothing is damaged, but some recordings are partial, failed or pending.`,
		Example: "  classlens check out\n  classlens check out --recordings last-week",
		Args:    usageArgs(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			c := checker{say: func(line string) { fmt.Fprintln(cmd.OutOrStdout(), line) }, count: map[string]int{}}
			if len(recordings) > 0 {
				if len(args) > 1 {
					return usageError{errors.New("--recordings goes with one OUT")}
				}
				return c.against(args[0], recordings)
			}
			var wrong error
			for _, folder := range args { // one that is not there does not keep the rest from being checked
				if err := c.folder(folder); err != nil {
					if wrong != nil {
						fmt.Fprintln(cmd.ErrOrStderr(), "classlens:", oneLine(wrong.Error()))
					}
					wrong = err
				}
			}
			if err := c.outcome(); wrong == nil {
				return err
			}
			return wrong
		},
	}
	cmd.Flags().StringArrayVar(&recordings, "recordings", nil, "`RECORDING` or folder of recordings, as given to analyze: those without results are listed as pending; may be repeated")
	return cmd
}

// checker counts recordings by what it finds: done, damaged, or unfinished (partial, failed, pending).
type checker struct {
	say                       func(string)
	done, damaged, unfinished int
	found, all                int             // folders with results; recordings
	count                     map[string]int  // recordings by reported state
	seen                      map[string]bool // recordings that have results; nil unless --recordings is given
	told                      map[string]bool // folders: OUT and a folder in it may both be given
}

// against checks everything in OUT, and reports recordings that have nothing there as pending.
func (c *checker) against(out string, recordings []string) error {
	all, err := expandRecordings(recordings)
	if err != nil {
		return usageError{err}
	}
	c.seen = map[string]bool{}
	entries, err := os.ReadDir(out)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := c.entries(out, entries); err != nil {
		return err
	}
	for _, r := range all {
		if name := recordingName(r); !c.seen[name] {
			c.verdict(filepath.Join(out, name), analysis.Verdict{State: analysis.Pending, Notes: []string{"not begun"}})
		}
	}
	return c.outcome()
}

// folder checks one recording's folder, or all those in it.
func (c *checker) folder(folder string) error {
	if info, err := os.Stat(folder); err == nil && !info.IsDir() {
		return fmt.Errorf("%s: not a folder; give the --out folder of classlens analyze, or a recording's folder in it", folder)
	}
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
	before := c.found
	if err := c.entries(folder, entries); err != nil {
		return err
	}
	if c.found == before {
		return fmt.Errorf("%s: no results of classlens analyze here", folder)
	}
	return nil
}

// entries checks the recordings' folders among what is in a folder.
func (c *checker) entries(folder string, entries []fs.DirEntry) error {
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
		if c.seen != nil {
			c.seen[e.Name()] = true
		}
		c.verdict(sub, v)
	}
	return nil
}

func (c *checker) verdict(folder string, v analysis.Verdict) {
	c.found++
	name := filepath.Clean(folder)
	if c.told[name] {
		return
	}
	if c.told == nil {
		c.told = map[string]bool{}
	}
	c.told[name] = true
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
	c.all++
	c.count[word]++
	c.say(oneLine(folder + ": " + word))
	for _, p := range append(v.Problems, v.Notes...) {
		c.say(oneLine("  " + p))
	}
}

func (c *checker) outcome() error {
	if c.all > 1 {
		c.say(fmt.Sprintf("%d recordings: %d done, %d partial, %d failed, %d pending, %d damaged", c.all, c.count["done"], c.count["partial"], c.count["failed"], c.count["pending"], c.count["damaged"]))
	}
	switch {
	case c.damaged > 0:
		return outcome{exitFailed, fmt.Sprintf("%d damaged; analyze --force makes the results again; move stray files away yourself", c.damaged)}
	case c.unfinished > 0:
		return outcome{code: exitPartial}
	}
	return nil
}
