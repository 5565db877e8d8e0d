package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"

	"classlens/internal/analysis"
	"classlens/internal/label"
	"classlens/internal/safefile"

	"github.com/spf13/cobra"
)

// labelFlags are the command line of label.
type labelFlags struct {
	out, rater        string
	kinds             []string
	port, sample      int
	seed              uint64
	window            float64
	blind, noOpen     bool
	agreement, asJSON bool
}

func newLabelCommand() *cobra.Command {
	var f labelFlags
	cmd := &cobra.Command{
		Use:   "label OUT/<recording> RECORDING",
		Short: "Label a recording by hand, in the browser; compare two raters",
		Long: `Shows a recording that classlens analyze has been over as a page in the browser, on this machine alone: choose a student, press a letter for what they do. Every change is
saved at once, in OUT-labels/<rater>/<recording>/ (--out names another folder than OUT-labels), and the same command goes on from there. A rater's folder is a data set:
"classlens dataset", "train" and "eval" read OUT-labels/<rater>. Faces are shown as they are; no picture is kept.

For figures that stand up to review, have the moments drawn (--sample) and the rater see neither what the network says nor the rest of their own labels (--blind). Raters with the same
--sample, --seed and --window get the same windows, --agreement compares them.

The page is at the address printed, which holds a secret: who has it, and can reach this machine's own ports, sees the recording. From another machine:
ssh -L PORT:127.0.0.1:PORT, with --port PORT. Ctrl-C ends the program.

Exit codes: 0 ended by Ctrl-C, all is saved; 1 failed, the port is in use, the results are missing, damaged or another recording's, or the labels cannot be read; 2 wrong usage;
11 another process has the labels open or analyzes the recording.`,
		Example: "  classlens label out/lesson lesson.mp4 --rater anna\n  classlens label out/lesson lesson.mp4 --rater anna --sample 100 --seed 1 --blind\n" +
			"  classlens label --agreement out-labels/anna out-labels/ben",
		Args: usageArgs(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.agreement {
				return compareRaters(cmd.OutOrStdout(), args[0], args[1], f.asJSON)
			}
			return runLabel(cmd, args[0], args[1], f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.rater, "rater", "rater1", "`NAME` of who labels: a folder for each")
	flags.StringVar(&f.out, "out", "", "`FOLDER` for the labels of all raters (default: beside OUT, OUT-labels)")
	flags.StringSliceVar(&f.kinds, "kinds", []string{"behaviour"}, "`WHAT` is labelled: behaviour, attention, engagement, several with commas")
	flags.IntVar(&f.sample, "sample", 0, "label `N` windows, drawn over students and times, instead of the whole lesson")
	flags.Uint64Var(&f.seed, "seed", 1, "of the windows drawn: raters who are to be compared have the same")
	flags.Float64Var(&f.window, "window", 10, "`SECONDS` that a window lasts")
	flags.BoolVar(&f.blind, "blind", false, "with --sample: no times, no names, no other labels, no proposals of the network")
	flags.IntVar(&f.port, "port", 0, "`PORT` of the page (default: a free one)")
	flags.BoolVar(&f.noOpen, "no-open", false, "do not open a browser, only print the address")
	flags.BoolVar(&f.agreement, "agreement", false, "compare the labels of two raters, whose folders are the arguments: agreement and Cohen's kappa over the steps that both have labelled, with intervals by bootstrap over students")
	flags.BoolVar(&f.asJSON, "json", false, "with --agreement: as JSON")
	completeValues(cmd, "kinds", "behaviour", "attention", "engagement", "behaviour,attention,engagement")
	must(cmd.MarkFlagDirname("out"))
	cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
		if len(args) == 0 || f.agreement {
			return nil, cobra.ShellCompDirectiveFilterDirs
		}
		return videoFiles(cmd, args, toComplete)
	}
	return cmd
}

func compareRaters(out io.Writer, a, b string, asJSON bool) error {
	found, err := label.Agree(a, b)
	if err != nil {
		return err
	}
	if asJSON {
		return json.NewEncoder(out).Encode(found)
	}
	fmt.Fprint(out, found.Text())
	return nil
}

func runLabel(cmd *cobra.Command, results, recording string, f labelFlags) error {
	if f.asJSON {
		return usageError{errors.New("--json goes with --agreement")}
	}
	if f.port < 0 || f.port > 65535 {
		return usageError{fmt.Errorf("--port %d: want 1 to 65535, or none for a free one", f.port)}
	}
	made, err := analysis.OpenResults(results)
	if err != nil {
		return labelError(err)
	}
	session, err := label.Open(cmd.Context(), label.Options{Results: results, Recording: recording, SHA256: made.SHA256, Video: made.Video,
		Out: f.out, Rater: f.rater, Kinds: f.kinds, Sample: f.sample, Seed: f.seed, Window: f.window, Blind: f.blind})
	if err != nil {
		return labelError(err)
	}
	err = serveLabels(cmd, session, f)
	if closing := session.Close(); err == nil {
		err = closing
	}
	if err == nil {
		fmt.Fprintf(cmd.ErrOrStderr(), "label: %s saved in %s\n", session.Text(), session.Path())
	}
	return ended{err}
}

// labelError gives the errors of opening their exit codes.
func labelError(err error) error {
	switch {
	case errors.Is(err, label.ErrUsage):
		return usageError{err}
	case errors.Is(err, safefile.ErrLocked):
		return outcome{exitLocked, errorLine(err)}
	}
	return err
}

// serveLabels shows the page until Ctrl-C.
func serveLabels(cmd *cobra.Command, session *label.Session, f labelFlags) error {
	server, err := label.Listen(session, f.port)
	if err != nil {
		return err
	}
	log := cmd.ErrOrStderr()
	if session.Reanalyzed() {
		fmt.Fprintf(log, "label: the recording was analyzed anew since these labels were begun; boxes and names are those of then (%s)\n", session.Path())
	}
	fmt.Fprintf(log, "label: %s so far in %s\n", session.Text(), session.Path())
	fmt.Fprintf(cmd.OutOrStdout(), "%s\n", server.URL())
	fmt.Fprintln(log, "label: open the address above in a browser on this machine; Ctrl-C ends, every change is saved at once")
	if !f.noOpen {
		openBrowser(server.OnceURL())
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve() }()
	select {
	case err := <-failed:
		return err
	case <-cmd.Context().Done():
		return server.Close()
	}
}

// openBrowser shows an address where there is a desktop to show it on; the address is printed besides.
func openBrowser(url string) {
	program := "xdg-open"
	switch {
	case runtime.GOOS == "darwin":
		program = "open"
	case os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "":
		return
	}
	browser := exec.CommandContext(context.Background(), program, url)
	if browser.Start() == nil {
		go func() { _ = browser.Wait() }() // it may say what it likes
	}
}
