package analysis

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
)

// ErrFault: the program panicked over a recording. That is a mistake of the program, and costs this recording, not the batch.
var ErrFault = errors.New("a fault of the program")

// caught calls f, and turns a panic into an error that says where it was.
func caught(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w, please report it: %v, in %s", ErrFault, p, panicked())
		}
	}()
	return f()
}

// panicked names the project's function that panicked, with its line. It must be called by the deferred function that recovers.
func panicked() string {
	places := make([]uintptr, 64)
	frames := runtime.CallersFrames(places[:runtime.Callers(1, places)])
	for panicking := false; ; {
		f, more := frames.Next()
		panicking = panicking || f.Function == "runtime.gopanic"
		if panicking && strings.HasPrefix(f.Function, "classlens/") {
			return fmt.Sprintf("%s, line %d", f.Function, f.Line)
		}
		if !more {
			return "an unknown place"
		}
	}
}
