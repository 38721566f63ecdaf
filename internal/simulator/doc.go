// Package simulator serves the 1Password Events Reporting API to tests, benchmarks and demonstrations, with the data of
// an invented company (package company), real ES256 tokens and faults on demand. It is a test instrument: it shares no
// code with Exhibit's client of that API, so that the two cannot be wrong in the same way.
//
// # What it imitates, and how well that is known
//
// Documented at https://developer.1password.com/docs/events-api/ (reference, pagination, status-codes, rate-limits,
// authorization, get-started, audit-events): the paths and methods, the two request bodies, limit 1 to 1000 with
// default 100, start_time one hour before end_time by default, the fields and enumerations of the three streams in v1
// and v2, 120 days of retention, 600 requests a minute and 30,000 an hour, the status codes.
//
// Observed in public code, issues and payloads (1Password/events-api-splunk, 1Password/events-api-elastic,
// elastic/integrations, the Cortex XSIAM collector, Sumo Logic's documentation): ascending order by (millisecond, uuid),
// inclusive start, the claims of a token, error bodies {"Error":{"Message":"Unauthorized"}} and the plain text
// "404 page not found", any Content-Type accepted, the same cursor again when nothing is new, timestamps with 0 to 9
// digits, missing locations and actions, country names beside codes, details null.
//
// Inferred, because nobody has published it: end_time is exclusive; has_more means that the page is full, so that an
// exactly full last page is followed by an empty one; cursors carry position, limit and end, never expire and work for
// every token of the account; a cursor older than the retention resumes silently; a body with a cursor and other keys
// is read as its cursor; a corrupt cursor and a limit below one are 400; the request limit counts per account in windows
// of the clock; the body of 429 has the form of the others.
//
// # What it does not do
//
// No v3 beta, no Users API, no check of the server's region beyond the host in the token, no state across restarts
// beside the seed: revoked tokens are good again, cursors and tokens of the same seed go on working. Audit aux_info of
// access grants is invented, since its form is not documented.
package simulator
