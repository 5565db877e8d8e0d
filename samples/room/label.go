package room

// Label is what the training files say of one student in one picture: COCO's
// fields of a person, and what a classroom needs besides. Boxes are [x, y,
// width, height] in picture pixels.
type Label struct {
	ID           int         `json:"id"`
	ImageID      int         `json:"image_id"`
	Category     int         `json:"category_id"`
	Box          [4]float32  `json:"bbox"` // of the visible pixels
	Area         float32     `json:"area"` // visible pixels
	Crowd        int         `json:"iscrowd"`
	Keypoints    [51]float32 `json:"keypoints"` // x, y, 0 outside | 1 covered | 2 visible
	NumKeypoints int         `json:"num_keypoints"`
	Student      string      `json:"student"`   // unique over the data set: scene and seat
	Head         [4]float32  `json:"head_bbox"` // whole
	Upper        [4]float32  `json:"upper_bbox"`
	Whole        [4]float32  `json:"whole_bbox"`
	HeadHidden   float32     `json:"head_hidden"` // share
	BodyHidden   float32     `json:"body_hidden"`
	HeadYaw      float32     `json:"head_yaw"`
	HeadPitch    float32     `json:"head_pitch"`
	GazeYaw      float32     `json:"gaze_yaw"`
	GazePitch    float32     `json:"gaze_pitch"`
	ClassYaw     float32     `json:"class_yaw"`
	Behaviour    string      `json:"behaviour"`
	Posture      string      `json:"posture"`
	Attention    string      `json:"attention"`
	Engagement   int         `json:"engagement"` // -1 unknown
}

// Picture is one image of the training files.
type Picture struct {
	ID       int     `json:"id"`
	File     string  `json:"file_name"`
	Flow     string  `json:"flow_file,omitempty"`
	Width    int     `json:"width"`
	Height   int     `json:"height"`
	Room     int     `json:"room"` // scenes never share figures or rooms: split by it
	Layout   string  `json:"layout"`
	Camera   string  `json:"camera"`
	Sequence int     `json:"sequence"`
	Step     int     `json:"step"`
	Time     float64 `json:"time_s"` // within the sequence
}

// enough is how much of a head or body must show for a label, in pixels.
const enough = 25

// NewLabel makes a label of a truth; false where the student can hardly be
// seen.
func NewLabel(t *Truth) (Label, bool) {
	if t.Pixels < 4*enough || t.HiddenBody > .92 || t.SeenHead.W*t.SeenHead.H < enough && t.HiddenHead > .9 {
		return Label{}, false
	}
	l := Label{Category: 1, Box: four(t.SeenBody), Area: float32(t.Pixels), Student: t.ID, Head: four(t.Head), Whole: four(t.Body), Upper: four(t.Upper()),
		HeadHidden: round2(t.HiddenHead), BodyHidden: round2(t.HiddenBody), HeadYaw: round1(t.HeadYaw), HeadPitch: round1(t.HeadPitch), GazeYaw: round1(t.GazeYaw),
		GazePitch: round1(t.GazePitch), ClassYaw: round1(t.ClassYaw), Behaviour: t.Behaviour, Posture: string(t.Posture), Attention: t.Attention, Engagement: t.Engagement}
	for k, p := range t.Points {
		if p.Seen > 0 {
			l.Keypoints[3*k], l.Keypoints[3*k+1], l.Keypoints[3*k+2] = round1(p.X), round1(p.Y), float32(p.Seen)
			l.NumKeypoints++
		}
	}
	return l, true
}

// Upper is the box of head, shoulders, arms and hips, a little wider.
func (t *Truth) Upper() Rect {
	b := bounds{}
	b.add(Vec{t.Head.X, t.Head.Y, 1})
	b.add(Vec{t.Head.X + t.Head.W, t.Head.Y + t.Head.H, 1})
	for k := 5; k <= 12; k++ {
		b.add(Vec{t.Points[k].X, t.Points[k].Y, 1})
	}
	r := b.rect()
	px, py := r.W*.08, r.H*.03
	return Rect{r.X - px, r.Y - py/2, r.W + 2*px, r.H + py}
}

func four(r Rect) [4]float32   { return [4]float32{round1(r.X), round1(r.Y), round1(r.W), round1(r.H)} }
func round1(x float32) float32 { return float32(floor(x*10+.5)) / 10 }
func round2(x float32) float32 { return float32(floor(x*100+.5)) / 100 }
