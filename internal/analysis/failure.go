package analysis

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"classlens/internal/safefile"
	"classlens/vision/probe"
	"classlens/vision/video"
)

// failureName is the file written for a recording that could not be analyzed: classlens check reports it, and the next run that gets past opening the
// recording removes it.
const failureName = "failed.json"

// refusals are what a recording fails with for what it is: as long as the file stays as it is, another run ends in the same way. (A decoder that dies or hangs may be
// one for which the machine had no memory left.)
var refusals = []error{probe.ErrNotRegular, probe.ErrFormat, probe.ErrLimits, probe.ErrNoVideo, probe.ErrTruncated, probe.ErrEmpty, video.ErrNoVideo}

// Refused tells whether the recording failed for what it is, not for want of room, rights or a device.
func (r Result) Refused() bool {
	return r.State == Failed && slices.ContainsFunc(refusals, func(why error) bool { return errors.Is(r.Err, why) })
}

type failureLine struct {
	Recording string `json:"recording"`
	State     State  `json:"state"`
	Reason    string `json:"reason"`
	Version   string `json:"version"`
}

// writeFailure records why the recording failed. The reason was already reported as an event, so failing to write it is not an error.
func (r *run) writeFailure(reason error) {
	if _, err := os.Lstat(r.path); errors.Is(err, fs.ErrNotExist) || errors.Is(reason, safefile.ErrLocked) {
		return // a mistyped name leaves no folder behind; a locked folder belongs to another process
	}
	if r.lock == nil {
		if os.MkdirAll(r.folder, 0o755) != nil {
			return
		}
		var err error
		if r.lock, err = safefile.LockFolder(r.folder); err != nil {
			r.lock = nil
			return
		}
	}
	_ = writeJSON(filepath.Join(r.folder, failureName), failureLine{r.name, Failed, reason.Error(), r.options.Version})
}

// readFailure gives the reason that an earlier run recorded, "" if there is none.
func readFailure(folder string) string {
	raw, err := os.ReadFile(filepath.Join(folder, failureName))
	if err != nil {
		return ""
	}
	var f failureLine
	if json.Unmarshal(raw, &f) != nil || f.Reason == "" {
		return "for a reason that cannot be read"
	}
	return f.Reason
}
