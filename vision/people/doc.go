// Package people finds people in a picture and their heads, with the project's own head
// detector and pretrained nets.
//
// A *candidate* is what one net finds at one place: a head box (the own net), a face box (CenterFace,
// FaceBoxes) or a body with points (MoveNet MultiPose). Faces and bodies are turned into
// head boxes by the proportions of the body; candidates of several nets and scales that
// show the same head are fused into one scene.Person. Faces are only found, never described or
// compared.
//
// A *look* is one frame's search, planned by the preset: it may run several nets at several sizes, each in a
// *pass* over the whole picture or the part where people are.
package people
