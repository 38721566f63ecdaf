//go:build offline

package source

// Transport is nothing in a build that can reach no network: the verifier that stands alone (cmd/exhibit-verify) reads
// events that are in its hands already.
type Transport = any
