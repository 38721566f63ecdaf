package recipe

import (
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// personKey tells people apart: by uuid, else by email; "" if the source names neither.
func personKey(p evidence.Person) string {
	if p.UUID != "" {
		return "uuid " + p.UUID
	}
	if p.Email != "" {
		return "email " + strings.ToLower(p.Email)
	}
	return ""
}

// personFilter is the value of evidence.KeyPerson that finds a person again.
func personFilter(p evidence.Person) string {
	if p.UUID != "" {
		return p.UUID
	}
	return p.Email
}

// personLabel names a person for a reader: name and email as the event gives them, else the uuid.
func personLabel(p evidence.Person) string {
	switch {
	case p.Name != "" && p.Email != "":
		return p.Name + " <" + p.Email + ">"
	case p.Name != "":
		return p.Name
	case p.Email != "":
		return p.Email
	}
	return p.UUID
}

// milli writes Unix milliseconds as a time.
func milli(ms int64) string { return exact(time.UnixMilli(ms)) }
