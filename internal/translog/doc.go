// Package translog is the workspace's log: an append-only Merkle tree (RFC 6962, SHA-256) whose leaves commit to everything
// that evidence rests on. It holds the formats and the arithmetic, and touches neither a database nor a network, so that
// whoever verifies a bundle runs the same few lines as whoever wrote it. docs/formats.md describes every format byte by
// byte and gives test vectors.
//
//	leaf bytes   = "exhibit/leaf/v1" SP kind LF canonical-JSON LF        1 to 65,535 bytes
//	leaf hash    = SHA-256(0x00 || leaf bytes)                           RFC 6962
//	node hash    = SHA-256(0x01 || left || right)                        RFC 6962
//	record id    = hex(SHA-256(leaf bytes))                              what one leaf calls another by
//	commitment   = SHA-256("exhibit/commit/v1" 0x00 || len(tag) || tag || salt || uint64(len(data)) || data)
//
// A leaf begins with a printable character and a commitment with a text that no leaf begins with, so that none can be
// taken for another or for a node. What could tell of a person is never in a leaf, only a commitment to it; the salt lies
// beside the data and goes with it.
package translog
