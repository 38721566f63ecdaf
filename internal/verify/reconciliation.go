package verify

// Account is an account that the log tells of, as it was read last.
type Account struct {
	Connection string
	Source     string // id of the source
	Server     string // https://host
	Account    string
}

// Reconciliation is what a second reading by somebody else found. It needs a network and is made outside of this package.
type Reconciliation struct {
	Reconciled bool               `json:"reconciled"` // all that the bundle covers was read again, and is the same
	Streams    []ReconciledStream `json:"streams"`
	NotRead    []string           `json:"not_read"` // what of it was not read again, and why
}

// ReconciledStream compares the events of one stream, by uuid and bytes.
type ReconciledStream struct {
	Connection string   `json:"connection"`
	Stream     string   `json:"stream"`
	Pages      int64    `json:"pages"`
	Seen       int64    `json:"seen"`    // events that the source gave now
	Known      int64    `json:"known"`   // of them those that the bundle has too, with the same bytes
	New        int64    `json:"new"`     // those that it lacks
	Changed    int64    `json:"changed"` // those that it has with other bytes
	Missing    int64    `json:"missing"` // events of the bundle that the source did not give
	Examples   []string `json:"examples"`
}

// Same reports whether the second reading gave what the first did.
func (s ReconciledStream) Same() bool { return s.New == 0 && s.Changed == 0 && s.Missing == 0 }

// Seen is told of each event of the pages once, in the order of the log.
type Seen func(connection, stream, uuid string, at int64, raw []byte)
