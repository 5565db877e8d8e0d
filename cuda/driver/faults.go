//go:build cuda

package driver

import (
	"os"
	"strconv"
	"strings"
)

// faultPlan makes one call fail. Calls are counted on the device's thread.
type faultPlan struct {
	at, code int
	calls    int
	hit      string // the call that failed
}

func (p *faultPlan) next(op string) int {
	p.calls++
	if p.calls != p.at {
		return 0
	}
	p.hit = op
	return p.code
}

func planFromEnvironment(simulated bool) *faultPlan {
	if !simulated {
		return nil
	}
	n, code, ok := strings.Cut(os.Getenv(FaultVariable), ":")
	at, err1 := strconv.Atoi(n)
	c, err2 := strconv.Atoi(code)
	if !ok || err1 != nil || err2 != nil || at < 1 || c < 1 {
		return nil
	}
	return &faultPlan{at: at, code: c}
}
