package main

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
)

// TestErrorsPlayNoTricks holds that what a server says cannot steer the terminal on which it is shown.
func TestErrorsPlayNoTricks(t *testing.T) {
	hostile := errors.New("the server says \x1b]0;owned\x07 \u202egnp\nand a second line")
	for _, err := range []error{hostile, fmt.Errorf("adding: %w", hostile), usagef("%v", hostile)} {
		var out bytes.Buffer
		if code := report(&out, err); code == exitDone {
			t.Errorf("%v gives exit code %d", err, code)
		}
		if bytes.ContainsAny(out.Bytes(), "\x1b\x07\u202e") || !bytes.Contains(out.Bytes(), []byte("[U+001B]")) || bytes.Count(out.Bytes(), []byte("\n")) != 2 {
			t.Errorf("printed is %q", out.String())
		}
	}
}
