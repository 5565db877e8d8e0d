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
		Long: `Opens a recording that classlens analyze has processed as a page in the browser, served to this machine only: choose a student, press a letter for what they do. Every change
is saved at once, in OUT-labels/<rater>/<recording>/ (--out names a folder other than OUT-labels), and the same command resumes there. A rater's folder is a data set:
"classlens dataset", "train" and "eval" read OUT-labels/<rater>. Faces are shown as they are; no picture is kept.

For figures that stand up to review, label windows drawn at random (--sample), with the network's opinion and the rest of the rater's own labels hidden (--blind). Raters with the
same --sample, --seed and --window get the same windows; --agreement compares them.

The printed address contains a secret: anyone who has it and can reach this machine's own ports sees the recording. To label from another machine, use --port PORT and
ssh -L PORT:127.0.0.1:PORT. Ctrl-C ends the program.

Exit codes: 0 ended by Ctrl-C, everything is saved; 1 failed: the port is in use, the results are missing, damaged or another recording's, or the labels cannot be read; 2 wrong usage;
11 another process has the labels open or is analyzing the recording.`,
		Example: "  classlens label out/lesson lesson.mp4 --rater anna\n  classlens label out/lesson lesson.mp4 --rater anna --sample 100 --seed 1 --blind\n" +
			"  classlens label --agreement out-labels/anna out-labels/ben",
		Args: func(cmd *cobra.Command, args []string) error {
			if f.agreement && len(args) != 2 {
				return usageError{fmt.Errorf("--agreement compares two raters: name two folders; got %q (see %s --help)", args, cmd.CommandPath())}
			}
			return usageArgs(cobra.ExactArgs(2))(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.agreement {
				for _, name := range []string{"rater", "out", "kinds", "sample", "seed", "window", "blind", "port", "no-open"} {
					if cmd.Flags().Changed(name) {
						return usageError{fmt.Errorf("--agreement only compares what is there: --%s says nothing", name)}
					}
				}
				return compareRaters(cmd.OutOrStdout(), args[0], args[1], f.asJSON)
			}
			return runLabel(cmd, args[0], args[1], f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.rater, "rater", "rater1", "`NAME` of the person who labels; each has a folder")
	flags.StringVar(&f.out, "out", "", "`FOLDER` for the labels of all raters (default: OUT-labels, next to OUT)")
	flags.StringSliceVar(&f.kinds, "kinds", []string{"behaviour"}, "`WHAT` is labelled: behaviour, attention, engagement, or several, comma-separated")
	flags.IntVar(&f.sample, "sample", 0, "label `N` windows, drawn at random over students and times, instead of the whole lesson")
	flags.Uint64Var(&f.seed, "seed", 1, "seed of the drawn windows; raters who are to be compared need the same one")
	flags.Float64Var(&f.window, "window", 10, "length of a window in `SECONDS`")
	flags.BoolVar(&f.blind, "blind", false, "with --sample: hide times, names, other labels and the network's proposals")
	flags.IntVar(&f.port, "port", 0, "`PORT` of the page (default: a free one)")
	flags.BoolVar(&f.noOpen, "no-open", false, "only print the address, do not open a browser")
	flags.BoolVar(&f.agreement, "agreement", false, "compare two raters, whose folders are the arguments: agreement and Cohen's kappa over the steps that both labelled, with bootstrap intervals over students")
	flags.BoolVar(&f.asJSON, "json", false, "with --agreement: print JSON")
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
	if one, err := os.Stat(a); err == nil {
		if other, err := os.Stat(b); err == nil && os.SameFile(one, other) {
			return usageError{fmt.Errorf("%s and %s are the same folder: everybody agrees with themselves", a, b)}
		}
	}
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
	if err := onlyWith(cmd, "sample", "seed", "window", "blind"); err != nil {
		return err
	}
	if f.port < 0 || f.port > 65535 {
		return usageError{fmt.Errorf("--port %d: want 1 to 65535, or none for a free one", f.port)}
	}
	if info, err := os.Stat(results); err == nil && !info.IsDir() {
		return usageError{fmt.Errorf("%s is a file: first comes the folder that classlens analyze left (OUT/<recording>), then the recording", results)}
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
	return untilCtrlC{err}
}

// labelError gives an error in opening results or labels its exit code.
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
		fmt.Fprintf(log, "label: the recording was analyzed again after these labels were begun; boxes and names are still those of the earlier analysis (%s)\n", session.Path())
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

// openBrowser opens an address where there is a desktop. Failing does not matter, for the address is printed as well.
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
		go func() { _ = browser.Wait() }() // reap it, however it ends
	}
}
