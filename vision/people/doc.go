// Package people finds people in a picture with pretrained nets and says where
// their heads are.
//
// A *candidate* is what one net says about one place: a face box (CenterFace,
// FaceBoxes) or a body with points (MoveNet MultiPose). Each is turned into a
// head box by the proportions of the body; candidates of several nets and scales that
// show the same head are fused into one scene.Person. No face is described or
// compared, only found.
package people
