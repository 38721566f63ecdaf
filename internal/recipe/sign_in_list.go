package recipe

import "github.com/exhibithq/exhibit/internal/evidence"

// signInColumns are what lists of sign-in attempts hold.
func signInColumns() *layout {
	return lay(fTime, fUntil, fEvents, fWhat, fPerson, fEmail, fPersonUUID, fPersonKind, fResult, fAction, fType, fDetail, fIP, fCountry, fRegion, fCity,
		fApp, fAppVersion, fPlatform, fOS, fOSVersion, fSession, fConnection, fNoteworthy)
}

// refusal says why a sign-in was refused, or let through and reported, in the source's word.
func refusal(e evidence.Event) string { return e.Action + ", " + e.Type }
