package evidence

import (
	"errors"
	"fmt"
)

// Code says to a program what kind of error happened.
type Code string

// The codes. Pages, API and command line each map them once: to an HTTP status or to an exit code.
const (
	Invalid      Code = "invalid"      // the input is wrong; nothing was changed
	NotFound     Code = "not_found"    // no such thing in this workspace
	Conflict     Code = "conflict"     // it is there already, or somebody else changed it first
	Forbidden    Code = "forbidden"    // this person may not do that
	Unauthorized Code = "unauthorized" // nobody is signed in, or the source refused the token
	Unavailable  Code = "unavailable"  // a source or a database cannot be reached; trying again may help
	Internal     Code = "internal"     // a defect in Exhibit
)

// Error is an error meant for a person: Message is one or two sentences that say what happened and what to do.
// Err is the cause for the operator's log and is never shown.
type Error struct {
	Code    Code
	Message string
	Err     error
}

// Error gives the message alone; the cause stays for the log.
func (e *Error) Error() string { return e.Message }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an Error without a cause.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// ErrorCode gives the code of the first Error in err's chain, Internal for any other error and "" for nil.
func ErrorCode(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}
