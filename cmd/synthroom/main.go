// Command synthroom draws the sample lesson and labelled pictures of made-up
// classrooms with package samples/room.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"classlens/samples/room"
)

const usage = `usage: synthroom COMMAND [flags]

  assets          fetch the CC0 meshes and sheets (137 MB, once) with pip and npm
  lesson          draw the sample lesson and its truth
  frame           draw one picture of the lesson
  truth-overlay   draw the truth on frames of the lesson
  flow            write the optical flow of chosen frames of the lesson
  crops           labelled pictures for training, from a seed
  rooms           clips of many rooms and cameras with boxes, from a seed

synthroom COMMAND -h lists a command's flags.
`

var commands = map[string]func(ctx context.Context, args []string) error{
	"assets": runAssets, "lesson": runLesson, "frame": runFrame, "truth-overlay": runOverlay, "flow": runFlow, "crops": runCrops, "rooms": runRooms,
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(os.Args) == 2 && slices.Contains([]string{"-h", "-help", "--help", "help"}, os.Args[1]) {
		fmt.Print(usage)
		return
	}
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	err := commands[os.Args[1]](ctx, os.Args[2:])
	switch {
	case err == nil:
	case ctx.Err() != nil: // whatever else was said: ffmpeg gets the terminal's Ctrl-C too, and its pipe breaks
		os.Exit(130)
	default:
		fmt.Fprintln(os.Stderr, "synthroom:", err)
		if errors.As(err, new(usageError)) {
			os.Exit(2)
		}
		os.Exit(1)
	}
}

// usageError is wrong usage: exit code 2.
type usageError struct{ error }

// parse reads a command's flags, and gives the names of those that were set. It ends the program as package flag does.
func parse(fs *flag.FlagSet, args []string) (map[string]bool, error) {
	_ = fs.Parse(args)
	if fs.NArg() > 0 {
		return nil, usageError{fmt.Errorf("%s takes flags only, not %q", fs.Name(), fs.Arg(0))}
	}
	set := map[string]bool{}
	fs.Visit(func(f *flag.Flag) { set[f.Name] = true })
	return set, nil
}

func missing(command, name string) error {
	return usageError{fmt.Errorf("%s: -%s is missing", command, name)}
}

func open() (*room.Assets, error) {
	dir, err := room.AssetDir()
	if err != nil {
		return nil, err
	}
	return room.OpenAssets(dir)
}

func runAssets(ctx context.Context, _ []string) error {
	dir, err := room.AssetDir()
	if err != nil {
		return err
	}
	if err := room.Fetch(ctx, dir, func(s string) { fmt.Fprintln(os.Stderr, s) }); err != nil {
		return err
	}
	a, err := room.OpenAssets(dir)
	if err != nil {
		return err
	}
	return a.Close()
}
