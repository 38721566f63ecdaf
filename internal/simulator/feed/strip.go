package feed

import "bytes"

// StripV2 appends raw to dst without the members that only version 2 of the Events API has (account_uuid, actor_type,
// actor_account_uuid, user_type, user_account_uuid), at any depth. Everything else is kept to the byte. raw must be
// valid JSON.
func StripV2(dst, raw []byte) []byte {
	kept := 0 // raw[:kept] is copied or dropped
	for i := 0; i < len(raw); {
		quote := bytes.IndexByte(raw[i:], '"')
		if quote < 0 {
			break
		}
		i += quote
		end := stringEnd(raw, i)
		colon := skipSpace(raw, end)
		if colon == len(raw) || raw[colon] != ':' || !onlyV2(raw[i+1:end-1]) {
			i = end
			continue
		}
		dst = append(dst, raw[kept:i]...)
		kept = skipSpace(raw, valueEnd(raw, skipSpace(raw, colon+1)))
		if kept < len(raw) && raw[kept] == ',' {
			kept = skipSpace(raw, kept+1) // the member goes with the comma behind it
		} else {
			dst = bytes.TrimSuffix(bytes.TrimRight(dst, " \t\r\n"), []byte{','}) // the last one with the comma before it
		}
		i = kept
	}
	return append(dst, raw[kept:]...)
}

func onlyV2(key []byte) bool {
	switch string(key) {
	case "account_uuid", "actor_type", "actor_account_uuid", "user_type", "user_account_uuid":
		return true
	}
	return false
}

// stringEnd is the index behind the string that begins at i.
func stringEnd(raw []byte, i int) int {
	for from := i + 1; ; {
		quote := bytes.IndexByte(raw[from:], '"')
		if quote < 0 {
			return len(raw)
		}
		end := from + quote
		escapes := 0
		for end-1-escapes > i && raw[end-1-escapes] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return end + 1
		}
		from = end + 1
	}
}

func skipSpace(raw []byte, i int) int {
	for i < len(raw) && (raw[i] == ' ' || raw[i] == '\t' || raw[i] == '\n' || raw[i] == '\r') {
		i++
	}
	return i
}

// valueEnd is the index behind the value that begins at i.
func valueEnd(raw []byte, i int) int {
	depth := 0
	for i < len(raw) {
		switch raw[i] {
		case '"':
			i = stringEnd(raw, i)
			if depth == 0 {
				return i
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',':
			if depth == 0 {
				return i
			}
		}
		i++
	}
	return i
}
