package collect

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// Holder names this process as the holder of leases: "host/pid/start". Another process on the same host can tell by it
// that the holder is dead, even if its process number was given to somebody else since. started is used where the
// system does not say when the process started.
func Holder(started time.Time) string {
	host, err := os.Hostname()
	if err != nil || host == "" {
		host = "unknown"
	}
	return fmt.Sprintf("%s/%d/%s", strings.ReplaceAll(host, "/", "_"), os.Getpid(), processStart(started))
}

// processStart is field 22 of /proc/self/stat, in clock ticks since boot (proc_pid_stat(5)); elsewhere the time given.
func processStart(otherwise time.Time) string {
	stat, err := os.ReadFile("/proc/self/stat")
	if err == nil {
		// The command's name, field 2, stands in parentheses and may hold anything.
		if end := strings.LastIndexByte(string(stat), ')'); end >= 0 {
			if fields := strings.Fields(string(stat[end+1:])); len(fields) > 19 {
				return fields[19]
			}
		}
	}
	return fmt.Sprint(otherwise.UnixMilli())
}
