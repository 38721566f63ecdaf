// Package collect reads sources into the store, page by page, and says of every stream what has been read and what has
// not. One loop serves all streams of all sources: a source is a stateless page function, and everything that waits,
// retries, gives up, remembers or counts is here.
//
// # The life of a page
//
//  1. A reader takes the lease of its stream. The lease's epoch makes it the only writer: a reader that lost the lease
//     without noticing can write nothing. A crash here leaves a lease that runs out, or that the next reader takes at
//     once because its holder is dead.
//  2. It waits for the account's request budget and asks the source for one page. A crash here loses nothing: the same
//     request comes again and is harmless.
//  3. It commits the page, its events, the coverage and the next bookmark in one transaction, which the store refuses if
//     the lease, the bookmark or the sequence moved meanwhile. A crash before it means that the page is read again; a
//     crash after it means that reading goes on behind the page. There is no moment between.
//  4. If the answer to a commit is lost, nobody knows which of the two happened. The reader then forgets all it knew and
//     takes its position from the store.
//
// # What coverage claims
//
// A coverage window is never a guess. While a stream is drained it reaches up to the time of the last record, exclusive,
// and only when the source kept its documented order; at the end of a drain it reaches up to the moment at which the
// last request was sent, or the source's own clock if that is behind. It never reaches before what the source can still
// have kept. What the source publishes later with an older time cannot be known at that moment: closed windows are read
// again after 1 hour, 24 hours, 7, 30 and 110 days, and what then turns up is kept and marked as late.
//
// # Trouble
//
// Whatever goes wrong ends neither the process nor another stream, and is never silent: it stands as the trouble of its
// stream, with a reason and since when, until the next good page closes it.
package collect
