// Package store keeps everything that Exhibit knows, in SQLite or in PostgreSQL, through one set of queries. It is the
// only package that speaks SQL.
//
// What is evidence and what is projection: pages are kept verbatim, in frames of zstd with the SHA-256 of the whole body,
// and are never changed. Event rows, the dictionary of their values and the hourly counts are derived from pages and can
// be made again by Rebuild. Gaps, health and statuses are derived on reading and stored nowhere.
//
// Times are UTC and are stored as Unix milliseconds, 0 meaning "none"; what is finer than a millisecond stays in the
// event's bytes. Methods may be called from several goroutines and several processes at once. "Not found" is an
// *evidence.Error with code NotFound; input that cannot be is Invalid; what is there already is Conflict.
package store
