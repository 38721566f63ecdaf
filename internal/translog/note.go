package translog

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// The types of keys and signatures (C2SP signed-note, tlog-cosignature).
const (
	algEd25519     = 1 // over the text
	algCosignature = 4 // Ed25519 over "cosignature/v1", the time and the text
)

// Limits of a note.
const (
	maxNote       = 64 << 10
	maxSignatures = 32
	maxKeyName    = 256
)

// ErrNote says that a text is no signed note.
var ErrNote = errors.New("it is not a signed note")

// strict refuses bits that belong to no byte. It still passes over line breaks: decode64 does not.
var strict = base64.StdEncoding.Strict()

// decode64 reads base64 in the one form in which strict writes it.
func decode64(text string) ([]byte, error) {
	if i := strings.IndexAny(text, "\r\n"); i >= 0 {
		return nil, base64.CorruptInputError(i)
	}
	b, err := strict.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("reading base64: %w", err)
	}
	return b, nil
}

// Key verifies signatures of one signer.
type Key struct {
	Name string
	ID   uint32
	alg  byte
	pub  ed25519.PublicKey
}

// String gives the C2SP verifier key: name+id+base64.
func (k Key) String() string {
	return fmt.Sprintf("%s+%08x+%s", k.Name, k.ID, strict.EncodeToString(append([]byte{k.alg}, k.pub...)))
}

// Witness reports whether the key makes cosignatures.
func (k Key) Witness() bool { return k.alg == algCosignature }

// ParseKey reads a C2SP verifier key.
func ParseKey(vkey string) (Key, error) {
	bad := fmt.Errorf("%.120q is not a verifier key", vkey)
	name, rest, ok1 := strings.Cut(vkey, "+")
	id, data, ok2 := strings.Cut(rest, "+")
	raw, err := decode64(data)
	n, errID := strconv.ParseUint(id, 16, 32)
	if !ok1 || !ok2 || err != nil || errID != nil || len(id) != 8 || strings.ToLower(id) != id || !validName(name) || len(raw) != 1+ed25519.PublicKeySize {
		return Key{}, bad
	}
	k := Key{Name: name, alg: raw[0], pub: raw[1:]}
	k.ID = keyID(name, k.alg, k.pub)
	if uint64(k.ID) != n || k.alg != algEd25519 && k.alg != algCosignature {
		return Key{}, bad
	}
	return k, nil
}

func validName(name string) bool {
	bad := func(r rune) bool { return unicode.IsSpace(r) || r == '+' || unicode.IsControl(r) }
	return name != "" && len(name) <= maxKeyName && utf8.ValidString(name) && !strings.ContainsFunc(name, bad)
}

func keyID(name string, alg byte, pub []byte) uint32 {
	h := sha256.New()
	h.Write([]byte(name))
	h.Write([]byte{'\n', alg})
	h.Write(pub)
	return binary.BigEndian.Uint32(h.Sum(nil))
}

// SigningKey signs as one signer. It prints as nothing.
type SigningKey struct {
	key  Key
	priv ed25519.PrivateKey
}

// NewSigningKey makes a key that signs notes under a name; one for a witness makes cosignatures.
func NewSigningKey(name string, witness bool) (*SigningKey, error) {
	if !validName(name) {
		return nil, fmt.Errorf("%.80q cannot be the name of a key: it is empty, too long, or has a space or a plus in it", name)
	}
	_, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	return signingKey(name, witness, priv), nil
}

func signingKey(name string, witness bool, priv ed25519.PrivateKey) *SigningKey {
	alg := byte(algEd25519)
	if witness {
		alg = algCosignature
	}
	pub := priv.Public().(ed25519.PublicKey)
	return &SigningKey{key: Key{Name: name, ID: keyID(name, alg, pub), alg: alg, pub: pub}, priv: priv}
}

// Verifier is the public half.
func (s *SigningKey) Verifier() Key { return s.key }

// String gives the name alone.
func (s *SigningKey) String() string { return "signing key " + s.key.Name }

// GoString gives the name alone.
func (s *SigningKey) GoString() string { return s.String() }

const secretPrefix = "EXHIBIT+SIGNING+KEY+1 "

// Secret writes the private half, to be sealed at once.
func (s *SigningKey) Secret() string {
	kind := "log"
	if s.key.Witness() {
		kind = "witness"
	}
	return secretPrefix + kind + " " + s.key.Name + " " + strict.EncodeToString(s.priv.Seed())
}

// ParseSigningKey reads what Secret wrote. Its errors quote nothing.
func ParseSigningKey(secret string) (*SigningKey, error) {
	bad := errors.New("the signing key cannot be read")
	rest, ok := strings.CutPrefix(strings.TrimSpace(secret), secretPrefix)
	parts := strings.Split(rest, " ")
	if !ok || len(parts) != 3 || !validName(parts[1]) || parts[0] != "log" && parts[0] != "witness" {
		return nil, bad
	}
	seed, err := decode64(parts[2])
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, bad
	}
	return signingKey(parts[1], parts[0] == "witness", ed25519.NewKeyFromSeed(seed)), nil
}

// SignText signs a text as a note would; the signature is base64.
func (s *SigningKey) SignText(text []byte) string {
	return strict.EncodeToString(ed25519.Sign(s.priv, text))
}

// VerifyText checks what SignText made.
func (k Key) VerifyText(text []byte, signature string) bool {
	sig, err := decode64(signature)
	return err == nil && len(sig) == ed25519.SignatureSize && ed25519.Verify(k.pub, text, sig)
}

// line gives a signature line over text; at is the time of a cosignature.
func (s *SigningKey) line(text []byte, at time.Time) string {
	sig := binary.BigEndian.AppendUint32(nil, s.key.ID)
	if s.key.Witness() {
		sig = binary.BigEndian.AppendUint64(sig, uint64(at.Unix()))
		sig = append(sig, ed25519.Sign(s.priv, cosigned(text, uint64(at.Unix())))...)
	} else {
		sig = append(sig, ed25519.Sign(s.priv, text)...)
	}
	return "— " + s.key.Name + " " + strict.EncodeToString(sig) + "\n"
}

func cosigned(text []byte, at uint64) []byte {
	return append([]byte("cosignature/v1\ntime "+strconv.FormatUint(at, 10)+"\n"), text...)
}

// Signature is one signature line of a note.
type Signature struct {
	Name string
	ID   uint32
	raw  []byte // behind the id
	Line string // with its line break
}

// By reports whether the line says that it is the key's.
func (s Signature) By(k Key) bool { return s.Name == k.Name && s.ID == k.ID }

// Verify checks the signature over a note's text. For a cosignature it gives the time that the witness vouches for.
func (s Signature) Verify(k Key, text []byte) (at time.Time, ok bool) {
	if !s.By(k) {
		return time.Time{}, false
	}
	if !k.Witness() {
		return time.Time{}, len(s.raw) == ed25519.SignatureSize && ed25519.Verify(k.pub, text, s.raw)
	}
	if len(s.raw) != 8+ed25519.SignatureSize {
		return time.Time{}, false
	}
	sec := binary.BigEndian.Uint64(s.raw)
	if sec > 1<<40 {
		return time.Time{}, false
	}
	return time.Unix(int64(sec), 0).UTC(), ed25519.Verify(k.pub, cosigned(text, sec), s.raw[8:])
}

// Note is a text with signature lines.
type Note struct {
	Text       []byte // up to and with the line break before the blank line
	Signatures []Signature
}

// ParseNote takes a signed note apart (C2SP signed-note). It checks no signature. It never panics.
func ParseNote(b []byte) (Note, error) {
	if len(b) == 0 || len(b) > maxNote || !utf8.Valid(b) || b[len(b)-1] != '\n' || bytes.ContainsFunc(b, func(r rune) bool { return r < ' ' && r != '\n' }) {
		return Note{}, ErrNote
	}
	at := bytes.LastIndex(b, []byte("\n\n"))
	if at < 0 {
		return Note{}, ErrNote
	}
	n := Note{Text: b[:at+1]}
	for line := range bytes.Lines(b[at+2:]) {
		s, err := parseLine(string(line))
		if err != nil {
			return Note{}, err
		}
		n.Signatures = append(n.Signatures, s)
	}
	if len(n.Signatures) == 0 || len(n.Signatures) > maxSignatures {
		return Note{}, ErrNote
	}
	return n, nil
}

func parseLine(line string) (Signature, error) {
	rest, ok := strings.CutPrefix(line, "— ")
	name, data, ok2 := strings.Cut(strings.TrimSuffix(rest, "\n"), " ")
	raw, err := decode64(data)
	if !ok || !ok2 || err != nil || len(raw) < 5 || !validName(name) {
		return Signature{}, ErrNote
	}
	return Signature{Name: name, ID: binary.BigEndian.Uint32(raw), raw: raw[4:], Line: line}, nil
}

// Bytes puts the note together again.
func (n Note) Bytes() []byte {
	b := append(bytes.Clone(n.Text), '\n')
	for _, s := range n.Signatures {
		b = append(b, s.Line...)
	}
	return b
}

// Signed reports whether one of the keys has signed the note. A line that says it is of a known key and does not verify
// spoils the whole note.
func (n Note) Signed(keys ...Key) (by Key, at time.Time, err error) {
	found := false
	for _, s := range n.Signatures {
		for _, k := range keys {
			if !s.By(k) {
				continue
			}
			t, ok := s.Verify(k, n.Text)
			if !ok {
				return Key{}, time.Time{}, fmt.Errorf("the signature of %s is wrong", k.Name)
			}
			if !found {
				by, at, found = k, t, true
			}
		}
	}
	if !found {
		return Key{}, time.Time{}, errNotSigned
	}
	return by, at, nil
}

var errNotSigned = errors.New("none of the known keys has signed it")

// NotSigned reports whether an error of Signed says that no known key signed, as opposed to one that signed wrongly.
func NotSigned(err error) bool { return errors.Is(err, errNotSigned) }
