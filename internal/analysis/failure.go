package analysis

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"classlens/internal/safefile"
)

// failureName is what a recording leaves that could not be analyzed: check tells it, and the next run that gets further removes it.
const failureName = "failed.json"

type failureLine struct {
	Recording string `json:"recording"`
	State     State  `json:"state"`
	Reason    string `json:"reason"`
	Version   string `json:"version"`
}

// leaveFailure writes why the recording failed. That is for later only: where it cannot be written, nothing more is said than was said already.
func (r *run) leaveFailure(reason error) {
	if _, err := os.Lstat(r.path); errors.Is(err, fs.ErrNotExist) || errors.Is(reason, safefile.ErrLocked) {
		return // a slip of the hand is no recording; and a locked folder is another's
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

// readFailure gives the reason that an earlier run left, "" where it left none.
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
