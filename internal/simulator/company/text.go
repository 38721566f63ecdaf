package company

import (
	"math/rand/v2"
	"strconv"
	"time"
	"unicode/utf8"
)

// idLength is the length of every identifier of the Events API: 26 characters of base 32, 130 bits.
const idLength = 26

const (
	upperID = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567" // events, users, sessions, accounts
	lowerID = "abcdefghijklmnopqrstuvwxyz234567" // devices, groups, vaults, items
)

// appendID appends a random identifier.
func appendID(dst []byte, rng *rand.Rand, alphabet string) []byte {
	var bits uint64
	for i := range idLength {
		if i%12 == 0 {
			bits = rng.Uint64()
		}
		dst = append(dst, alphabet[bits&31])
		bits >>= 5
	}
	return dst
}

func newID(rng *rand.Rand, alphabet string) string { return string(appendID(nil, rng, alphabet)) }

// appendQuoted appends s as a JSON string, escaping only what RFC 8259 section 7 demands, so that text beyond ASCII
// stays readable; NUL and other control characters become \u escapes.
func appendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(s); i++ {
		switch b := s[i]; {
		case b == '"' || b == '\\':
			dst = append(dst, '\\', b)
		case b < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', "0123456789abcdef"[b>>4], "0123456789abcdef"[b&15])
		default:
			dst = append(dst, b)
		}
	}
	return append(dst, '"')
}

// appendMember appends ,"key":"value" or, as the first member of an object, {"key":"value".
func appendMember(dst []byte, sep byte, key, value string) []byte {
	dst = append(dst, sep, '"')
	dst = append(dst, key...)
	dst = append(dst, '"', ':')
	return appendQuoted(dst, value)
}

// precision is the number of fractional digits that a timestamp has before trailing zeros are trimmed.
type precision int

// quantise cuts nanoseconds down to a precision. Eight digits mean exactly eight: the last is made not to be zero.
func quantise(nano int64, p precision) int64 {
	switch p {
	case 0:
		return nano - nano%1e9
	case 3:
		return nano - nano%1e6
	case 8:
		nano -= nano % 10
		if nano/10%10 == 0 {
			nano += 10
		}
	}
	return nano
}

// appendTime appends a time as Go's RFC3339Nano prints it, in the zone with this offset.
func appendTime(dst []byte, nano int64, zone *time.Location) []byte {
	return time.Unix(0, nano).In(zone).AppendFormat(dst, time.RFC3339Nano)
}

func appendInt(dst []byte, v int64) []byte { return strconv.AppendInt(dst, v, 10) }

// hostile are texts that a reader must show literally and never run, evaluate or trip over.
func hostile() []string {
	long := make([]byte, 0, 4096)
	for len(long) < 2048 {
		long = utf8.AppendRune(long, 'ẞ')
	}
	return []string{
		`<script>alert("exhibit")</script>`,
		`=cmd|' /C calc'!A0`,
		"invoice\u202Efdp.exe",
		string(long),
		"👩🏽‍🚀🏴‍☠️ 🧨",
		"before\x00after",
		`"><img src=x onerror=alert(1)>`,
		"'; DROP TABLE events; --",
		"line one\r\nline two\ttab",
		"＝HYPERLINK(\"https://example.net\")",
		"@SUM(1+1)*cmd",
		"{{7*7}} ${7*7} %s %n",
		"../../../../etc/passwd",
		"e\u0301 \u200Bzero\u200Bwidth",
	}
}
