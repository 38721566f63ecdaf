package evidence

import "time"

// Comment is what somebody said about an action. It is never changed and never deleted.
type Comment struct {
	ID        ID
	Workspace ID
	Action    ID
	At        time.Time
	Who       string
	Text      string
	Mentions  []ID // members
}
