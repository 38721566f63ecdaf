package apitoken

import (
	"crypto/rand"
	"crypto/sha256"
	"hash/crc32"
	"strings"

	"github.com/exhibithq/exhibit/internal/seal"
)

// A token is "exh_", 43 random letters and digits, and 6 that check the rest. The prefix and the check let scanners of
// source code find tokens that leaked, and let the server turn away what is none without asking the database.
const (
	// Prefix is how every token begins.
	Prefix = "exh_"

	alphabet    = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	randomSize  = 43 // of 62 letters each: 256 bits
	checkSize   = 6
	tokenLength = len(Prefix) + randomSize + checkSize
)

// newToken makes a token. crypto/rand never fails.
func newToken() seal.Secret {
	body := make([]byte, 0, randomSize)
	for len(body) < randomSize {
		var b [2 * randomSize]byte
		rand.Read(b[:])
		for _, c := range b {
			if c &= 63; int(c) < len(alphabet) && len(body) < randomSize { // all letters are equally likely
				body = append(body, alphabet[c])
			}
		}
	}
	text := Prefix + string(body)
	return seal.NewSecret(text + check(text))
}

// check is the CRC-32 of text in six letters.
func check(text string) string {
	sum := crc32.ChecksumIEEE([]byte(text))
	var out [checkSize]byte
	for i := range out {
		out[checkSize-1-i] = alphabet[sum%uint32(len(alphabet))]
		sum /= uint32(len(alphabet))
	}
	return string(out[:])
}

// wellFormed reports whether text could be a token: it has the length, the letters and the check of one.
func wellFormed(text string) bool {
	if len(text) != tokenLength || !strings.HasPrefix(text, Prefix) {
		return false
	}
	if strings.Trim(text[len(Prefix):], alphabet) != "" {
		return false
	}
	body := text[:tokenLength-checkSize]
	return check(body) == text[tokenLength-checkSize:]
}

func hash(token seal.Secret) [32]byte { return sha256.Sum256([]byte(token.Reveal())) }
