package store

import (
	"encoding/binary"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/translog"
)

// benchLeaves is how many leaves the log of BenchmarkProof has: EXHIBIT_BENCH_LEAVES, or fewer than one wants to know about.
func benchLeaves() int64 {
	if n, err := strconv.ParseInt(os.Getenv("EXHIBIT_BENCH_LEAVES"), 10, 64); err == nil && n > 0 {
		return n
	}
	return 200_000
}

// BenchmarkProof proves leaves at random places of a large log, and the log's growth from random sizes: the 50th and 99th
// percentile of the time. The tree alone is stored, which is all that a proof reads.
func BenchmarkProof(b *testing.B) {
	benchConfigs(b, func(b *testing.B, cfg Config) {
		s, err := Open(b.Context(), cfg)
		if err != nil {
			b.Fatal(err)
		}
		defer s.Close()
		size := benchLeaves()
		plantTree(b, s, size)
		nodes := LogState{No: 1, Size: size}.nodes(b.Context(), s)
		root, err := translog.Root(size, nodes)
		if err != nil {
			b.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(3, 5))
		measure := func(name string, ask func(n int64) error) {
			b.Run(name, func(b *testing.B) {
				var took []time.Duration
				for b.Loop() {
					start := time.Now()
					if err := ask(rng.Int64N(size)); err != nil {
						b.Fatal(err)
					}
					took = append(took, time.Since(start))
				}
				slices.Sort(took)
				b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
				b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
			})
		}
		measure("inclusion", func(n int64) error {
			p, err := translog.ProveLeaf(size, n, nodes)
			if err != nil {
				return err
			}
			return translog.CheckLeaf(p, size, root, n, benchLeaf(n))
		})
		measure("consistency", func(n int64) error {
			_, err := translog.ProveConsistency(size, n+1, nodes)
			return err
		})
	})
}

func benchLeaf(n int64) translog.Hash {
	return translog.LeafHash(binary.BigEndian.AppendUint64(nil, uint64(n)))
}

// plantTree stores the tree of a log of size leaves in the first workspace.
func plantTree(b *testing.B, s *Store, size int64) {
	b.Helper()
	var edge [64]translog.Hash // the last complete subtree of each level
	read := func(at []translog.Node) ([]translog.Hash, error) {
		out := make([]translog.Hash, len(at))
		for i, n := range at {
			out[i] = edge[n.Level]
		}
		return out, nil
	}
	const atOnce = 100_000
	for n := int64(0); n < size; {
		tx, err := s.write.BeginTx(b.Context(), nil)
		if err != nil {
			b.Fatal(err)
		}
		put, err := tx.PrepareContext(b.Context(), `INSERT INTO log_node (id, hashes) VALUES ($1, $2)`)
		if err != nil {
			b.Fatal(err)
		}
		for end := min(n+atOnce, size); n < end; n++ {
			hashes, err := translog.Grow(n, binary.BigEndian.AppendUint64(nil, uint64(n)), read)
			if err != nil {
				b.Fatal(err)
			}
			var joined []byte
			for level, h := range hashes {
				edge[level] = h
				joined = append(joined, h[:]...)
			}
			if _, err := put.ExecContext(b.Context(), 1<<leafBits|n, joined); err != nil {
				b.Fatal(err)
			}
		}
		if err := tx.Commit(); err != nil {
			b.Fatal(err)
		}
	}
}
