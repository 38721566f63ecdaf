package onepassword

import (
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/source"
)

// setup leads through 1Password's side, as far as its support pages tell:
// https://support.1password.com/events-reporting/.
func setup() []source.Step {
	return []source.Step{
		{Title: "Who may do it", Text: "An owner, an administrator, or a member of a group that has the permission View Administrative Sidebar. The account must be 1Password Business or Enterprise; on other plans the integration is not offered."},
		{Title: "Sign in and note where the account lives", Text: "Sign in on 1Password.com and look at the address in the browser: 1password.com, ent.1password.com, 1password.ca or 1password.eu. It decides which events server to choose in Exhibit."},
		{Title: "Open Events Reporting", Text: "Choose Integrations in the sidebar, then Events Reporting; in some accounts it stands under Directory, Reporting or Security there. Choose your SIEM if it is listed, else Other."},
		{Title: "Name the integration", Text: "Give it a system name that says what it is for, such as Exhibit, and add it."},
		{Title: "Name the token and choose when it expires", Text: "Give the token a name, such as Exhibit 2026-11, so that you know it among others later, and choose when it expires: after 30, 90 or 180 days, or never. 180 days is a good choice: Exhibit warns 30, 14, 7 and 1 days before."},
		{Title: "Leave all three event types ticked", Text: "Sign-in attempts, item usages and audit events. What is not ticked cannot be read with this token, and a token cannot be changed later."},
		{Title: "Issue the token and copy it", Text: "1Password shows it once. Save it in 1Password, copy it with the copy button, so that nothing is cut off, and paste it into Exhibit."},
		{Title: "When it expires", Text: "Issue a second token for the same integration, rotate it into the connection in Exhibit, see there that no interval was lost, then revoke the first one. Nothing is lost as long as that happens within 120 days."},
	}
}

// help tells apart what 1Password answers alike.
func help() []source.Help {
	return []source.Help{
		{Sign: "Nothing opens", Causes: []source.Step{
			{Title: "The browser kept the new tab closed", Text: "The page gives the same link; open it there, or allow pop-ups for Exhibit's address. \"In this tab\" on the source's page needs no new tab."},
			{Title: "The link does not work", Text: "It works once, for 30 minutes, and for the person who asked for it while signed in. Press the switch again for another one."},
			{Title: "There is no switch", Text: "Your role may not manage connections. An administrator, a collaborator or the help desk can."},
		}},
		{Sign: "The token is refused (401)", States: []evidence.State{evidence.StateUnauthorized}, Causes: []source.Step{
			{Title: "It has expired", Text: "Told from the token itself, on the connection's page under Token expires. Make a new one and rotate it in."},
			{Title: "It was revoked, or its integration was deleted", Text: "At 1Password under Integrations the token is no longer listed. Ask who did it; make a new one and rotate it in."},
			{Title: "It was cut short when it was copied", Text: "Said when it is pasted: a token has three parts with dots between them. Copy it again with the copy button."},
			{Title: "It is another kind of token", Text: "Said when it is pasted: tokens of service accounts (ops_…), of Connect servers and of the SCIM bridge cannot read events. Make one under Events Reporting."},
			{Title: "It is for another region", Text: "Said when it is pasted, and mended with one press. See The wrong region below."},
			{Title: "It was made without an event type", Text: "Only that stream is refused, and the connection is degraded, not unauthorized. Make a token with all three and rotate it in."},
			{Title: "The account was closed or its plan made smaller", Text: "1Password answers with 401 or 403 then, too. Sign in on 1Password.com and look under Billing."},
		}},
		{Sign: "No events come", States: []evidence.State{evidence.StateStale, evidence.StateBackfilling, evidence.StateDegraded}, Causes: []source.Step{
			{Title: "Nobody reads", Text: "Next read lies in the past, or is not told. Start exhibit serve (with the role worker), or run exhibit collect."},
			{Title: "The first read is not through yet", Text: "It begins with the oldest of the 120 days, so the newest events come last. The bar tells how far it is."},
			{Title: "The event type is missing", Text: "The stream says not granted. Make a token with all three event types and rotate it in."},
			{Title: "Nothing happened", Text: "Item usages cover shared vaults alone, and reach 1Password only when an app syncs. If the stream was read to the end and its coverage has no gap, there was nothing."},
			{Title: "Somebody else's clock is off", Text: "Times are those of 1Password and its apps. Check the clock of this machine if Read through lies far from now."},
		}},
		{Sign: "The wrong region", States: []evidence.State{evidence.StateUnreachable, evidence.StateUnauthorized}, Causes: []source.Step{
			{Title: "The token is for another server", Text: "A token names its server, and works there alone. When it is pasted for another one, Exhibit says so before it sends anything, and one press takes the right server."},
			{Title: "The account was moved", Text: "An account keeps its region unless 1Password moved it. Then make a new token there, and connect it as another connection: a connection's server does not change."},
		}},
		{Sign: "The server is unreachable", States: []evidence.State{evidence.StateUnreachable}, Causes: []source.Step{
			{Title: "A firewall or proxy is in between", Text: "Exhibit needs outbound HTTPS (port 443) to the events server of the connection, and nothing else. A proxy that opens TLS is refused, since the token would pass through it."},
			{Title: "The name is not found", Text: "Look the server up from this machine. An answer with a private address is refused."},
			{Title: "1Password has trouble", Text: "See status.1password.com. Exhibit keeps trying, at most 5 minutes apart, and reads everything afterwards."},
			{Title: "Too many requests (429)", Text: "All readers of an account share 600 requests a minute and 30,000 an hour. Exhibit uses a fifth of that and waits as long as it is asked to."},
		}},
		{Sign: "The plan lacks the Events API", States: []evidence.State{evidence.StatePlan}, Causes: []source.Step{
			{Title: "The account is not 1Password Business or Enterprise", Text: "Families, Teams and Teams Starter Pack do not offer it. Look under Billing on 1Password.com."},
			{Title: "The plan was changed", Text: "A token that was made before stops working. Once the plan is back, check the connection; what 1Password still keeps is read back."},
		}},
	}
}
