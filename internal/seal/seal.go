// Package seal keeps secrets unreadable at rest. Each workspace has its own keyset (Tink, XChaCha20-Poly1305); the keyset
// is stored in the database, wrapped by the key-encryption key, which lies in a file beside it or elsewhere. Whoever
// has the database alone has nothing.
//
// What is sealed is bound to its workspace, connection and purpose as associated data: a sealed token that is moved to
// another row does not open. No error of this package holds a secret or a key.
package seal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// The two ways in which something sealed does not open.
var (
	// ErrKeyset says that a workspace's keyset does not open: the key file is another one than that which wrapped it,
	// or the keyset was altered or belongs to another workspace.
	ErrKeyset = errors.New("the workspace's keyset does not open with this key file")
	// ErrSealed says that sealed bytes do not open: they were altered, or sealed for another workspace, connection or
	// purpose.
	ErrSealed = errors.New("what was sealed does not open")
)

// Purpose says what a sealed value is for. It is part of the associated data, so it must never be renamed.
type Purpose string

// The purposes.
const (
	PurposeToken    Purpose = "token"    // a connection's bearer token
	PurposeLogKey   Purpose = "log-key"  // the private key that signs a log's checkpoints
	PurposeApproval Purpose = "approval" // a bearer token that an approval holds until its person has decided
	PurposeNotify   Purpose = "notify"   // password, address or key of a channel of notifications
	PurposeTOTP     Purpose = "totp"     // secret of a member's one-time codes
)

// The first words of the associated data keep wrapped keysets and sealed values apart.
const (
	labelKeyset = "exhibit/keyset/v1"
	labelValue  = "exhibit/value/v1"
)

// NewKeyset makes a fresh keyset for a workspace and gives it wrapped, ready to be stored.
func (k *KEK) NewKeyset(workspace evidence.ID) ([]byte, error) {
	handle, err := keyset.NewHandle(aead.XChaCha20Poly1305KeyTemplate())
	if err != nil {
		return nil, fmt.Errorf("making a keyset: %w", err)
	}
	var b bytes.Buffer
	ad := associated(labelKeyset, string(workspace))
	if err := handle.WriteWithAssociatedData(keyset.NewBinaryWriter(&b), k.aead, ad); err != nil {
		return nil, fmt.Errorf("wrapping a keyset: %w", err)
	}
	return b.Bytes(), nil
}

// Box opens a workspace's wrapped keyset. It fails with ErrKeyset if the keyset is not the workspace's or was wrapped
// by another key.
func (k *KEK) Box(workspace evidence.ID, wrapped []byte) (*Box, error) {
	ad := associated(labelKeyset, string(workspace))
	// The causes are dropped on purpose: Tink's messages are of no use to a person.
	handle, err := keyset.ReadWithAssociatedData(keyset.NewBinaryReader(bytes.NewReader(wrapped)), k.aead, ad)
	if err != nil {
		return nil, ErrKeyset
	}
	primitive, err := aead.New(handle)
	if err != nil {
		return nil, ErrKeyset
	}
	return &Box{workspace: workspace, aead: primitive}, nil
}

// Box seals and opens the secrets of one workspace. It may be used by several goroutines at once.
type Box struct {
	workspace evidence.ID
	aead      tink.AEAD
}

// Seal encrypts plaintext for one connection and purpose. The same plaintext sealed twice gives different bytes. A
// value that belongs to no connection has an empty one.
func (b *Box) Seal(plaintext Secret, connection evidence.ID, purpose Purpose) ([]byte, error) {
	ad := associated(labelValue, string(b.workspace), string(connection), string(purpose))
	sealed, err := b.aead.Encrypt([]byte(plaintext.Reveal()), ad)
	if err != nil {
		return nil, fmt.Errorf("sealing a %s: %w", purpose, err)
	}
	return sealed, nil
}

// Open gives what Seal was given for the same connection and purpose, or ErrSealed.
func (b *Box) Open(sealed []byte, connection evidence.ID, purpose Purpose) (Secret, error) {
	ad := associated(labelValue, string(b.workspace), string(connection), string(purpose))
	plaintext, err := b.aead.Decrypt(sealed, ad)
	if err != nil {
		return Secret{}, fmt.Errorf("opening a %s: %w", purpose, ErrSealed)
	}
	return NewSecret(string(plaintext)), nil
}

// associated joins parts, each behind its length, so that no two lists of parts give the same bytes.
func associated(parts ...string) []byte {
	var b []byte
	for _, p := range parts {
		b = binary.BigEndian.AppendUint32(b, uint32(len(p)))
		b = append(b, p...)
	}
	return b
}
