// Command classlens turns recorded lessons into per-student timelines of
// observable behaviour, attention and engagement, and predicts academic
// performance from learning logs. One file a command; main maps errors to the
// documented exit codes.
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
)

// Exit codes, as documented in README.md.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitPartial     = 3  // finished, but some inputs are partial or failed
	exitLocked      = 11 // another process works on what is not done
	exitInterrupted = 130
)

// outcome ends a run whose recordings did not all end well, after the reason of
// each was printed; summary adds a line when there were several.
type outcome struct {
	code    int
	summary string
}

func (o outcome) Error() string { return o.summary }

// ended wraps the result, nil where all went well, of a command whose only end is Ctrl-C: that is no interruption.
type ended struct{ result error }

func (e ended) Error() string {
	if e.result == nil {
		return ""
	}
	return e.result.Error()
}

func (e ended) Unwrap() error { return e.result }

// usageError is a mistake on the command line or in a settings file.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func main() {
	video.RunWorkerIfAsked()
	ctx, stop := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	if heeded := heeded(); len(heeded) > 0 { // Notify takes none for all
		signal.Notify(signals, heeded...)
	}
	go func() { // the first signal finishes what is under way; a second ends the program at once
		<-signals
		stop()
		<-signals
		os.Exit(exitInterrupted)
	}()
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // a reader that is gone stops no analysis: the write fails, and that is all
	err := newRoot().ExecuteContext(ctx)
	var asked ended
	if ctx.Err() != nil && !errors.As(err, &asked) {
		fmt.Fprintln(os.Stderr, "classlens: interrupted; the same command again continues")
		os.Exit(exitInterrupted)
	}
	os.Exit(exitCode(err))
}

// heeded are the signals that end a run early, but for those that whoever started it has it ignore: nohup, or a shell's job in the background.
func heeded() []os.Signal {
	return slices.DeleteFunc([]os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}, signal.Ignored)
}

// errorLine is an error, or several joined, on one line.
func errorLine(err error) string {
	var parts []string
	for line := range strings.Lines(err.Error()) {
		if line = strings.TrimSpace(line); line != "" {
			parts = append(parts, line)
		}
	}
	return oneLine(strings.Join(parts, "; "))
}

// exitCode says the error in one line and gives its code.
func exitCode(err error) int {
	var usage usageError
	var closed outcome
	var asked ended
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
