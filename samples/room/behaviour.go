package room

// Behaviours in the order used everywhere in classlens.
var Behaviours = []string{"look_forward", "read", "write", "raise_hand", "turn", "stand", "discuss", "phone", "head_down", "other"}

// Posture names a way of showing a behaviour.
type Posture string

// postures maps each posture to its behaviour.
var postures = map[Posture]string{
	"listen": "look_forward", "crossed": "look_forward", "lap": "look_forward", "chin": "look_forward", "leanback": "look_forward",
	"read": "read", "bookup": "read", "finger": "read", "readchin": "read",
	"write": "write", "writehead": "write", "type": "write",
	"hand": "raise_hand", "halfhand": "raise_hand", "deskhand": "raise_hand",
	"turn": "turn", "turnback": "turn", "turnround": "turn", "turnfolded": "turn", "window": "turn",
	"stand": "stand", "recite": "stand",
	"talk": "discuss", "talkback": "discuss", "whisper": "discuss",
	"phonelap": "phone", "phonedesk": "phone", "phoneup": "phone",
	"sleep": "head_down", "sleepside": "head_down",
	"drink": "other", "bag": "other", "stretch": "other", "underdesk": "other", "walk": "other", "yawn": "other",
	"explain": "stand", "point": "stand", "board": "stand", "wait": "stand",
}

// PosturesOf lists the seated student's postures that show a behaviour.
func PosturesOf(behaviour string) []Posture {
	var l []Posture
	for _, p := range sorted(stringKeys(postures)) {
		q := Posture(p)
		if postures[q] == behaviour && q != "walk" && !teaching[q] {
			l = append(l, q)
		}
	}
	return l
}

// teaching are the teacher's own postures.
var teaching = map[Posture]bool{"explain": true, "point": true, "board": true, "wait": true}

func stringKeys(m map[Posture]string) map[string]string {
	r := map[string]string{}
	for k, v := range m {
		r[string(k)] = v
	}
	return r
}

// Mapping from behaviour to attention and engagement: configs/labels.yaml's.
// Engagement is -1 where the student cannot be seen.
func mapped(behaviour string) (attention string, engagement int) {
	switch behaviour {
	case "turn", "phone", "head_down":
		return "off_task", 0
	case "read", "write", "raise_hand":
		return "on_task", 2
	case "discuss":
		return "on_task", 3
	case "other":
		return "unknown", 1
	}
	return "on_task", 1
}

// standing tells whether a posture is on one's feet.
func (p Posture) standing() bool {
	return p == "stand" || p == "recite" || p == "walk" || teaching[p]
}
