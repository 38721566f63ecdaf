package seal

import (
	"fmt"
	"io"
	"log/slog"
)

// Redacted is what a Secret shows in place of its value.
const Redacted = "[redacted]"

// Secret holds a value that must never be printed. Every way to print, log or marshal it gives Redacted; only Reveal
// gives the value. The zero Secret holds the empty string. Secrets may be copied and shared between goroutines.
type Secret struct {
	// value is behind a pointer because fmt and slog print the unexported fields of a surrounding struct by
	// reflection, without asking any method: of a pointer they print the address.
	value *string
}

// NewSecret wraps value.
func NewSecret(value string) Secret { return Secret{value: &value} }

// Reveal gives the value. Call it where the value leaves the program, keep the result in a local variable, and never
// put it into an error.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// Empty reports whether there is no value.
func (s Secret) Empty() bool { return s.Reveal() == "" }

// String gives Redacted.
func (s Secret) String() string { return Redacted }

// GoString gives Redacted.
func (s Secret) GoString() string { return Redacted }

// Format writes Redacted, whatever the verb and flags.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// LogValue gives Redacted to log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(Redacted) }

// MarshalText gives Redacted.
func (s Secret) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// MarshalJSON gives Redacted as a JSON string.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + Redacted + `"`), nil }
