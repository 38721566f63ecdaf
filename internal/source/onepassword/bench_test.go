package onepassword

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// benchItems are events as long as usual ones, about 700 bytes.
var benchItems = map[string]string{
	"signinattempts": `{"uuid":"%026d","session_uuid":"UED4KFZ5BH37IQWTJ7LG4VPWK7","timestamp":"2026-02-02T11:54:%02d.24645983Z","country":"CA","category":"success","type":"credentials_ok","details":null,"target_user":{"uuid":"OJQGU46KAPROEJLCK674RH%04d","name":"Robin Example","email":"robin.example.%[3]d@example.com","user_type":"user","user_account_uuid":"ACCOUNTUUIDACCOUNTUUIDACCO"},"client":{"app_name":"1Password Browser Extension","app_version":"20195","platform_name":"Chrome","platform_version":"126.0.6478.127","os_name":"MacOSX","os_version":"14.5","ip_address":"192.0.2.%[4]d"},"location":{"country":"Canada","region":"Ontario","city":"Toronto","latitude":43.64,"longitude":-79.433},"account_uuid":"ACCOUNTUUIDACCOUNTUUIDACCO"}`,
	"itemusages":     `{"uuid":"%026d","timestamp":"2026-02-02T11:54:%02d.246Z","used_version":3,"vault_uuid":"jaqxqf5qylslqiitnduawrndc5","item_uuid":"bvwmmwxisuca7wbehrby%04[3]d","user":{"uuid":"OJQGU46KAPROEJLCK674RH%04[3]d","name":"Robin Example","email":"robin.example.%[3]d@example.com","user_type":"user","user_account_uuid":"ACCOUNTUUIDACCOUNTUUIDACCO"},"client":{"app_name":"1Password Browser Extension","app_version":"20195","platform_name":"Chrome","platform_version":"126.0.6478.127","os_name":"MacOSX","os_version":"14.5","ip_address":"192.0.2.%[4]d"},"location":{"country":"Canada","region":"Ontario","city":"Toronto","latitude":43.64,"longitude":-79.433},"account_uuid":"ACCOUNTUUIDACCOUNTUUIDACCO","action":"reveal"}`,
	"auditevents":    `{"uuid":"%026d","timestamp":"2026-02-02T11:54:%02d.246459831Z","actor_uuid":"OJQGU46KAPROEJLCK674RH%04[3]d","actor_details":{"uuid":"OJQGU46KAPROEJLCK674RH%04[3]d","name":"Robin Example","email":"robin.example.%[3]d@example.com"},"actor_type":"user","actor_account_uuid":"ACCOUNTUUIDACCOUNTUUIDACCO","account_uuid":"ACCOUNTUUIDACCOUNTUUIDACCO","action":"join","object_type":"gm","object_uuid":"pf8soyakgngrphytsyjed4ae3u","aux_id":9277034,"aux_uuid":"K6VFYDCJKHGGDI7QFAXX65LCDY","aux_details":{"uuid":"K6VFYDCJKHGGDI7QFAXX65LCDY","name":"Sam Example","email":"sam@example.com"},"aux_info":"A","session":{"uuid":"A5K6COGVRVEJXJW3XQZGS7VAMM","login_time":"2026-02-02T08:54:21.24645983Z","device_uuid":"lc5fqgbrcm4plajd8mwncv2b3u","ip":"192.0.2.%[4]d"},"location":{"country":"Canada","region":"Ontario","city":"Toronto","latitude":43.64,"longitude":-79.433}}`,
}

func benchPage(stream string, n int) []byte {
	var b strings.Builder
	b.WriteString(`{"cursor":"aGVsbG8","has_more":true,"items":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, benchItems[stream], i, i%60, i%300, i%250)
	}
	b.WriteString(`]}`)
	return []byte(b.String())
}

// BenchmarkSplit splits and normalises pages of 1,000 events.
func BenchmarkSplit(b *testing.B) {
	for _, stream := range Kind().Streams {
		b.Run(string(stream.Stream), func(b *testing.B) {
			page := benchPage(string(stream.Stream), 1000)
			b.SetBytes(int64(len(page)))
			b.ReportAllocs()
			for b.Loop() {
				if e, err := split(stream.Stream, page, 1000, time.Time{}); err != nil || len(e.records) != 1000 {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/event")
			b.ReportMetric(float64(len(page))/1000, "bytes/event")
		})
	}
}

// BenchmarkValid is the floor to compare BenchmarkSplit with in the same run: the library walks the page and does nothing
// with it.
func BenchmarkValid(b *testing.B) {
	page := jsontext.Value(benchPage("signinattempts", 1000))
	b.SetBytes(int64(len(page)))
	for b.Loop() {
		if !page.IsValid(jsontext.AllowDuplicateNames(true)) {
			b.Fatal("not valid")
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/event")
}

func BenchmarkDescribe(b *testing.B) {
	raw := fmt.Appendf(nil, benchItems["auditevents"], 1, 2, 3, 4)
	b.ReportAllocs()
	for b.Loop() {
		describe(Audit, raw)
	}
}
