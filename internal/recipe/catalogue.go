package recipe

import (
	"cmp"
	"slices"
	"strings"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// fact names one column of the catalogue, from which recipes take theirs.
type fact int

const (
	fTime fact = iota
	fUntil
	fEvents
	fFinding
	fWhat
	fStream
	fAction
	fType
	fResult
	fPerson
	fEmail
	fPersonUUID
	fPersonKind
	fWhom
	fWhomEmail
	fWhomUUID
	fRole
	fGroup
	fVault
	fItem
	fObject
	fOther
	fDetail
	fIP
	fCountry
	fRegion
	fCity
	fApp
	fAppVersion
	fPlatform
	fOS
	fOSVersion
	fDevice
	fSession
	fConnection
	fNoteworthy
	fRecipe
	fDays
	fDigest
	fPages
	fWithout
	fFirst
	fLast
	fMissing
	fBytes
	fLength
	fTitle
	fFor
	fVersion
	fPage
	fRecords
	fRows
	fMade
	fSkewLeast
	fSkewMost
	fWays
	facts // how many there are
)

// catalogue holds the columns, so that the same thing has the same heading and key in every recipe.
var catalogue = [facts]Column{
	fTime: {"time", "Time (UTC)", Time}, fUntil: {"until", "Until (UTC)", Time}, fEvents: {"events", "Events", Number}, fFinding: {"finding", "Finding", Text},
	fWhat: {"what", "What", Text}, fStream: {"stream", "Stream", Text}, fAction: {"action", "Action", Text}, fType: {"type", "Type", Text}, fResult: {"result", "Result", Text},
	fPerson: {"person", "Person", Text}, fEmail: {"email", "Email", Text}, fPersonUUID: {"person_uuid", "Person's uuid", Text}, fPersonKind: {"person_kind", "Kind of person", Text},
	fWhom: {"whom", "Whom it is about", Text}, fWhomEmail: {"whom_email", "Whose email", Text}, fWhomUUID: {"whom_uuid", "Whose uuid", Text},
	fRole: {"role", "Role", Text}, fGroup: {"group_uuid", "Group's uuid", Text}, fVault: {"vault_uuid", "Vault's uuid", Text}, fItem: {"item_uuid", "Item's uuid", Text},
	fObject: {"object_uuid", "Object's uuid", Text}, fOther: {"aux_uuid", "Further uuid", Text}, fDetail: {"detail", "Detail", Text},
	fIP: {"ip", "IP address", Text}, fCountry: {"country", "Country", Text}, fRegion: {"region", "Region", Text}, fCity: {"city", "City", Text},
	fApp: {"app", "App", Text}, fAppVersion: {"app_version", "App version", Text}, fPlatform: {"platform", "Platform", Text},
	fOS: {"os", "System", Text}, fOSVersion: {"os_version", "System version", Text}, fDevice: {"device_uuid", "Device's uuid", Text}, fSession: {"session_uuid", "Session's uuid", Text},
	fConnection: {"connection", "Connection", Text}, fNoteworthy: {"noteworthy", "Noteworthy", Text}, fRecipe: {"recipe", "Recipe", Text},
	fDays: {"days", "Days", Number}, fDigest: {"sha256", "SHA-256", Text}, fPages: {"pages", "Pages", Number}, fWithout: {"without", "Without it", Number},
	fFirst: {"first", "First number", Number}, fLast: {"last", "Last number", Number}, fMissing: {"missing", "Missing numbers", Number}, fBytes: {"bytes", "Bytes", Number},
	fLength: {"length", "Length", Text}, fTitle: {"title", "Title", Text}, fFor: {"attached_to", "Attached to", List}, fVersion: {"version", "Version", Number},
	fPage: {"page", "Page", Number}, fRecords: {"records", "Records", Number}, fRows: {"rows", "Rows", Number}, fMade: {"made_at", "Made at (UTC)", Time},
	fWays: {"ways", "Ways of use", List}, fSkewLeast: {"skew_least", "Clock behind at most (s)", Number}, fSkewMost: {"skew_most", "Clock ahead at most (s)", Number},
}

// layout is the columns of one recipe and where each fact stands among them.
type layout struct {
	columns []Column
	at      [facts]int // -1: the recipe has no such column
}

func lay(order ...fact) *layout {
	l := &layout{}
	for i := range l.at {
		l.at[i] = -1
	}
	for i, f := range order {
		l.columns = append(l.columns, catalogue[f])
		l.at[f] = i
	}
	return l
}

// pick gives the places of facts, leaving out those that the recipe has no column for.
func (l *layout) pick(order ...fact) []int {
	var out []int
	for _, f := range order {
		if l.at[f] >= 0 {
			out = append(out, l.at[f])
		}
	}
	return out
}

// all gives the places of all columns but some.
func (l *layout) all(but ...fact) []int {
	var out []int
	for i := range l.columns {
		if !slices.Contains(l.pick(but...), i) {
			out = append(out, i)
		}
	}
	return out
}

// cells is one row by facts; what the recipe has no column for is dropped.
type cells struct {
	l    *layout
	text []string
}

func (l *layout) row() cells { return cells{l, make([]string, len(l.columns))} }

func (c cells) set(f fact, text string) {
	if at := c.l.at[f]; at >= 0 {
		c.text[at] = text
	}
}

func (c cells) get(f fact) string {
	if at := c.l.at[f]; at >= 0 {
		return c.text[at]
	}
	return ""
}

func (c cells) person(p evidence.Person) {
	c.set(fPerson, p.Name)
	c.set(fEmail, p.Email)
	c.set(fPersonUUID, p.UUID)
}

// event fills in what an event of any stream tells.
func (b *builder) event(l *layout, e evidence.Event) (cells, fields) {
	f := b.raw.read(e.Raw)
	c := l.row()
	c.person(e.Person)
	c.set(fTime, when(e, f))
	c.set(fStream, string(e.Stream))
	c.set(fAction, e.Action)
	c.set(fType, e.Type)
	c.set(fResult, string(e.Result))
	c.set(fPersonKind, cmp.Or(f.get("actor_type"), f.get("target_user.user_type"), f.get("user.user_type")))
	c.set(fConnection, b.source(e.Connection))
	c.set(fNoteworthy, strings.Join(e.Odd.Words(), " "))
	place(c, e, f)
	matter(c, e, f)
	if e.Stream == audits {
		about(c, e, f)
	}
	return c, f
}

// place fills in from where an event was caused.
func place(c cells, e evidence.Event, f fields) {
	c.set(fIP, e.IP)
	c.set(fCountry, cmp.Or(e.Country, f.get("location.country")))
	c.set(fRegion, f.get("location.region"))
	c.set(fCity, f.get("location.city"))
	c.set(fApp, e.Client)
	c.set(fAppVersion, f.get("client.app_version"))
	c.set(fPlatform, f.get("client.platform_name"))
	c.set(fOS, f.get("client.os_name"))
	c.set(fOSVersion, f.get("client.os_version"))
	c.set(fDevice, f.get("session.device_uuid"))
	c.set(fSession, cmp.Or(f.get("session.uuid"), f.get("session_uuid")))
}

// matter fills in the identifiers that an event names.
func matter(c cells, e evidence.Event, f fields) {
	c.set(fVault, e.Vault)
	c.set(fItem, e.Item)
	c.set(fObject, f.get("object_uuid"))
	c.set(fOther, f.get("aux_uuid"))
	c.set(fDetail, cmp.Or(f.get("aux_info"), f.get("details.value")))
}

// about fills in whom and what an audit event is about, which depends on its kind of object.
func about(c cells, e evidence.Event, f fields) {
	whom, id := "object_details", f.get("object_uuid")
	switch e.Type {
	case "gm":
		whom, id = "aux_details", f.get("aux_uuid")
		c.set(fGroup, f.get("object_uuid"))
		c.set(fRole, memberRole(f.get("aux_info")))
	case "uva", "device", "satoken", "cred", "ec":
		whom, id = "aux_details", f.get("aux_uuid")
	case "gva":
		whom, id = "", ""
		c.set(fGroup, f.get("aux_uuid"))
	case "group":
		whom, id = "", ""
		c.set(fGroup, f.get("object_uuid"))
	case "user", "sa":
	default:
		whom, id = "", ""
	}
	if whom == "" {
		return
	}
	c.set(fWhom, f.get(whom+".name"))
	c.set(fWhomEmail, f.get(whom+".email"))
	c.set(fWhomUUID, cmp.Or(id, f.get(whom+".uuid")))
}

// memberRole says what aux_info of a membership means; what is not documented stands as it came.
func memberRole(info string) string {
	switch info {
	case "A":
		return "manager"
	case "R":
		return "member"
	}
	return info
}
