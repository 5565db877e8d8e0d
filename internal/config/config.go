// Package config reads the settings into one plain struct. It is the only package
// that imports viper; configs/default.yaml is the manual of all keys.
//
// Precedence: flag, environment (CLASSLENS_SECTION_KEY), file, default.
package config

// Config is every setting. Its keys, units and ranges are described in
// configs/default.yaml; a test checks that the two agree.
type Config struct {
	Video    Video    `mapstructure:"video" json:"video"`
	People   People   `mapstructure:"people" json:"people"`
	Network  Network  `mapstructure:"network" json:"network"`
	Timeline Timeline `mapstructure:"timeline" json:"timeline"`
	Report   Report   `mapstructure:"report" json:"report"`
	Run      Run      `mapstructure:"run" json:"run"`
}

// Video settings: what is decoded and what is refused.
type Video struct {
	StepSeconds    float64 `mapstructure:"step_seconds" json:"step_seconds" min:"0.2" max:"10"`
	BetweenFPS     float64 `mapstructure:"between_fps" json:"between_fps" min:"0" max:"15"`
	MaxWidth       int     `mapstructure:"max_width" json:"max_width" min:"16" max:"16384"`
	MaxHeight      int     `mapstructure:"max_height" json:"max_height" min:"16" max:"16384"`
	MaxFPS         float64 `mapstructure:"max_fps" json:"max_fps" min:"1" max:"1000"`
	MaxHours       float64 `mapstructure:"max_hours" json:"max_hours" min:"0.01" max:"48"`
	HangSeconds    float64 `mapstructure:"hang_seconds" json:"hang_seconds" min:"5" max:"600"`
	MemoryMB       int     `mapstructure:"memory_mb" json:"memory_mb" min:"512" max:"65536"`
	GPUDecode      bool    `mapstructure:"gpu_decode" json:"gpu_decode"`
	KeyframeChange float64 `mapstructure:"keyframe_change" json:"keyframe_change" min:"0.01" max:"1"`
}

// People settings: how students are found.
type People struct {
	Preset   string  `mapstructure:"preset" json:"preset" oneof:"fast default best"`
	MinScore float64 `mapstructure:"min_score" json:"min_score" min:"0.05" max:"0.9"`
}

// Network settings: the classroom network.
type Network struct {
	Size           string  `mapstructure:"size" json:"size" oneof:"s m l"`
	Weights        string  `mapstructure:"weights" json:"weights"`
	ContextSeconds float64 `mapstructure:"context_seconds" json:"context_seconds" min:"0" max:"10"`
	UnsureBelow    float64 `mapstructure:"unsure_below" json:"unsure_below" min:"0" max:"1"`
	AttentionBelow float64 `mapstructure:"unsure_attention_below" json:"unsure_attention_below" min:"0" max:"1"`
	UsualTurned    float64 `mapstructure:"usual_turned" json:"usual_turned" min:"0" max:"1"`
}

// Timeline settings: how the decisions for single steps become intervals.
type Timeline struct {
	ChangeCost         float64 `mapstructure:"change_cost" json:"change_cost" min:"0" max:"10"`
	MinIntervalSeconds float64 `mapstructure:"min_interval_seconds" json:"min_interval_seconds" min:"0" max:"60"`
}

// Report settings: pictures and their privacy.
type Report struct {
	Keyframes int  `mapstructure:"keyframes" json:"keyframes" min:"0" max:"200"`
	BlurFaces bool `mapstructure:"blur_faces" json:"blur_faces"`
}

// Run settings: where the networks run, and what an interruption may cost.
type Run struct {
	Device    string `mapstructure:"device" json:"device" oneof:"auto cpu cuda cuda:N cuda:UUID cuda:all"`
	Precision string `mapstructure:"precision" json:"precision" oneof:"auto float32 fp16 bf16"`
	Flow      string `mapstructure:"flow" json:"flow" oneof:"auto cpu cuda"`
	Threads   int    `mapstructure:"threads" json:"threads" min:"0" max:"256"`

	AtOnce         int     `mapstructure:"at_once" json:"at_once" min:"0" max:"16"`
	SegmentSeconds float64 `mapstructure:"segment_seconds" json:"segment_seconds" min:"1" max:"3600"`
	Scratch        string  `mapstructure:"scratch" json:"scratch"`
}
