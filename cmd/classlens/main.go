// Command classlens turns recorded lessons into per-student timelines of
// observable behaviour, attention and engagement, and predicts academic
// performance from learning logs. Each command has a file, cmd_NAME.go; main maps
// errors to the documented exit codes.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"classlens/vision/video"

	"github.com/spf13/cobra"
)

// Exit codes, as documented in README.md.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitPartial     = 3  // finished, but some inputs are partial or failed
	exitLocked      = 11 // another process is working on what is not done
	exitInterrupted = 130
)

// outcome ends a run whose recordings did not all end well, after the reason for
// each was printed; summary adds a line when there were several.
type outcome struct {
	code    int
	summary string
}

func (o outcome) Error() string { return o.summary }

// untilCtrlC wraps the result, nil where all went well, of a command that runs until Ctrl-C, which therefore does not count as an interruption.
type untilCtrlC struct{ result error }

func (e untilCtrlC) Error() string {
	if e.result == nil {
		return ""
	}
	return e.result.Error()
}

func (e untilCtrlC) Unwrap() error { return e.result }

// usageError is a mistake on the command line or in a settings file.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func main() {
	video.RunWorkerIfAsked()
	ctx, stop := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	if heeded := heededSignals(); len(heeded) > 0 { // Notify with an empty list would take all signals
		signal.Notify(signals, heeded...)
	}
	go func() { // the first signal lets the work in hand finish; a second ends the program at once
		<-signals
		stop()
		<-signals
		os.Exit(exitInterrupted)
	}()
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // by default, a closed pipe on stdout would kill the program; this way only the write fails
	cmd, err := newRoot().ExecuteContextC(ctx)
	if text, yes := cutShort(ctx, cmd, err); yes {
		fmt.Fprintln(os.Stderr, "classlens:", text)
		os.Exit(exitInterrupted)
	}
	os.Exit(exitCode(err))
}

// whenInterrupted is the annotation of a command that says how to go on after an interruption; the others begin again.
const whenInterrupted = "when interrupted"

// goesOn is that of commands which go on by themselves.
var goesOn = map[string]string{whenInterrupted: "the same command again continues"}

// cutShort tells whether a signal cut the command short, and what to say then. One that came too late, when everything was done, or to a command that runs until
// Ctrl-C, did not.
func cutShort(ctx context.Context, cmd *cobra.Command, err error) (text string, yes bool) {
	var asked untilCtrlC
	if ctx.Err() == nil || err == nil || errors.As(err, &asked) {
		return "", false
	}
	text = "interrupted"
	if how := cmd.Annotations[whenInterrupted]; how != "" {
		text += "; " + how
	}
	return text, true
}

// heededSignals are the signals that end a run early, except those that the parent process set to be ignored, as nohup does, and a shell for a job in the
// background.
func heededSignals() []os.Signal {
	return slices.DeleteFunc([]os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}, signal.Ignored)
}

// errorLine gives an error, or several joined ones, as one line.
func errorLine(err error) string {
	var parts []string
	for line := range strings.Lines(err.Error()) {
		if line = strings.TrimSpace(line); line != "" {
			parts = append(parts, line)
		}
	}
	return oneLine(strings.Join(parts, "; "))
}

// exitCode prints the error as one line and gives the exit code that it stands for.
func exitCode(err error) int {
	var usage usageError
	var closed outcome
	var asked untilCtrlC
	switch {
	case err == nil, errors.As(err, &asked) && asked.result == nil:
		return exitDone
	case errors.As(err, &usage):
		fmt.Fprintln(os.Stderr, "classlens:", errorLine(err))
		return exitUsage
	case errors.As(err, &closed):
		if closed.summary != "" {
			fmt.Fprintln(os.Stderr, "classlens:", closed.summary)
		}
		return closed.code
	default:
		fmt.Fprintln(os.Stderr, "classlens:", errorLine(err))
		return exitFailed
	}
}
