package collect

import (
	"context"
	"sync"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/source"
)

// opening opens the source of one connection once for all its streams. A failure is tried again by the next read.
type opening struct {
	open func(context.Context, evidence.Connection) (source.Source, error)
	conn evidence.Connection

	mu  sync.Mutex
	src source.Source
}

func (o *opening) source(ctx context.Context) (source.Source, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.src == nil {
		src, err := o.open(ctx, o.conn)
		if err != nil {
			return nil, err
		}
		o.src = src
	}
	return o.src, nil
}
