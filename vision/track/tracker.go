package track

import (
	"math"

	"classlens/vision/scene"
)

// Tracker collects a recording's detections step by step. It is not safe for
// several goroutines.
type Tracker struct {
	o      Options
	follow Follower
	ring   ring

	steps []stepInfo
	live  []*tracklet // found lately or still followed, in order of their start
	done  []*tracklet
	views []view
	// unsettled: nobody was found yet since a cut back to a known view.
	unsettled bool
	follows   Follows
	wardrobe  wardrobe
	width     int // of the picture, pixels
	height    int
}

// Follows counts the cheap checks between two looks at the picture: one head over the
// frames of one step each.
type Follows struct {
	Moved   int // followed by flow
	Unmoved int // its pixels had not changed
}

// Follows says how often heads were followed so far.
func (t *Tracker) Follows() Follows { return t.follows }

// stepInfo is what is kept of each step and half.
type stepInfo struct {
	index  int // the decoder's number; it leaves out steps without data
	time   float64
	shot   int
	view   int
	looked bool
	half   bool // no step, but half-way to the next one: has no sighting
	cam    pose // room to picture
}

// hit is one detection, in room coordinates.
type hit struct {
	step          int
	cx, cy, w, h  float64
	score         float64
	body          scene.Box // in picture coordinates, zero when none was found
	points        *[scene.NumKeypoints]scene.Keypoint
	after, before []xy // where flow carries it at the following and the preceding steps, as far as it was not found there
	walking       bool // on foot between places
	dress         dress
}

type xy struct{ x, y float64 }

// tracklet is a run of hits of one person.
type tracklet struct {
	hits []*hit
	w, h float64 // running size
	x, y float64 // where it is now, by flow or found
	miss int     // looked-at steps since the last hit
	lost bool    // no longer linked, only followed
	view int
}

func (t *tracklet) last() *hit { return t.hits[len(t.hits)-1] }

// NewTracker makes a tracker. follow moves points from frame to frame; nil
// takes heads to stay where they are between steps.
func NewTracker(o Options, follow Follower) *Tracker {
	return &Tracker{o: o.withDefaults(), follow: follow}
}

// missSeconds is for how long a tracklet may be missed and still be linked: two looks, one a second.
// Two misses fall to a bent head; after more, joining over the whole recording
// judges better than the next frame does.
const missSeconds = 2.0

// Add takes the next step, or half, with the people found at it. nil people: it was not
// looked; an empty list: it was looked and nobody found. It keeps neither.
func (t *Tracker) Add(step *scene.Step, people []scene.Person) {
	now := len(t.steps)
	info := stepInfo{index: step.Index, time: step.Time, shot: step.Shot, looked: people != nil, half: step.Half, cam: still}
	cut := now > 0 && t.steps[now-1].shot != step.Shot
	if now > 0 && !cut {
		info.cam = t.steps[now-1].cam.then(step.Camera, step.Frame.Width, step.Frame.Height)
	}
	if cut || now == 0 {
		info.view, info.cam = t.viewOf(step)
	} else {
		info.view = t.steps[now-1].view
	}
	t.steps = append(t.steps, info)
	t.width, t.height = step.Frame.Width, step.Frame.Height
	defer t.remember(now, step)
	if cut {
		t.unsettled = true
		t.done = append(t.done, t.live...)
		t.live = nil
	}
	if cut || now == 0 {
		t.ring.begin(step)
	} else {
		t.ring.push(now, step.Between)
		t.carry(now, step.Camera != scene.Still())
	}
	if people == nil {
		return
	}
	hits := make([]*hit, 0, len(people))
	for i := range people {
		if h := newHit(now, t.steps[now].cam, &people[i]); h != nil && h.score >= t.o.LinkScore {
			h.dress = dressOf(step.Frame, people[i].Head)
			hits = append(hits, h)
		}
	}
	if t.unsettled && len(hits) > 0 {
		t.settle(now, hits)
		t.unsettled = false
	}
	t.link(now, hits)
}

// remember keeps what the view last showed and where the camera was.
func (t *Tracker) remember(now int, step *scene.Step) {
	v := &t.views[t.steps[now].view]
	v.cam = t.steps[now].cam
	v.activity.add(now, step, v.cam)
	if thumb := thumbnail(step); thumb != nil {
		v.thumb = thumb
	}
}

func newHit(step int, cam pose, p *scene.Person) *hit {
	if p.Head.Empty() || math.IsNaN(p.Head.X+p.Head.Y+p.Score) {
		return nil
	}
	x, y := p.Head.Center()
	x, y = cam.toRoom(x, y)
	s := cam.scale()
	h := &hit{step: step, cx: x, cy: y, w: p.Head.W / s, h: p.Head.H / s, score: p.Score, body: p.Body}
	if p.Points != ([scene.NumKeypoints]scene.Keypoint{}) {
		points := p.Points
		h.points = &points
	}
	return h
}
