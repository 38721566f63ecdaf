package company

import (
	"net/netip"
	"time"
)

// place is where a client may be, rendered once as the two spellings of a location that the Events API mixes: an
// ISO 3166 code, and a name, as country.
type place struct {
	code     string // ISO 3166
	country  string
	city     string
	withCode string // JSON object
	withName string // JSON object
	zone     *time.Location
	offset   int64 // seconds east of UTC; zones are fixed, so that no run depends on the machine's zone database
	holidays []string
}

// newPlace renders a place; lat and long are JSON numbers.
func newPlace(code, country, region, city, lat, long string, offsetMinutes int, holidays ...string) place {
	object := func(country string) string {
		b := appendMember(nil, '{', "country", country)
		b = appendMember(b, ',', "region", region)
		b = appendMember(b, ',', "city", city)
		return string(b) + `,"latitude":` + lat + `,"longitude":` + long + `}`
	}
	return place{
		code: code, country: country, city: city, withCode: object(code), withName: object(country),
		zone: time.FixedZone("", offsetMinutes*60), offset: int64(offsetMinutes) * 60, holidays: holidays,
	}
}

// officePlaces are where the company has people; holidays are month-day in local time.
func officePlaces() []place {
	return []place{
		newPlace("CA", "Canada", "Ontario", "Toronto", "43.64", "-79.433", -300, "01-01", "07-01", "09-07", "10-12", "12-25", "12-26"),
		newPlace("DE", "Germany", "Land Berlin", "Berlin", "52.5196", "13.4069", 60, "01-01", "05-01", "10-03", "12-25", "12-26"),
		newPlace("GB", "United Kingdom", "England", "London", "51.5085", "-0.1257", 0, "01-01", "05-04", "08-31", "12-25", "12-28"),
		newPlace("IN", "India", "Karnataka", "Bengaluru", "12.9634", "77.5855", 330, "01-26", "08-15", "10-02", "11-08"),
		newPlace("JP", "Japan", "Tokyo", "Tokyo", "35.6893", "139.6899", 540, "01-01", "01-02", "05-04", "05-05", "11-03", "11-23"),
		newPlace("BR", "Brazil", "São Paulo", "São Paulo", "-23.5475", "-46.6361", -180, "01-01", "04-21", "09-07", "11-20", "12-25"),
	}
}

// Where incidents come from. The places are real, the addresses are from documentation ranges.
func elsewhere() []place {
	return []place{
		newPlace("NL", "Netherlands", "North Holland", "Amsterdam", "52.374", "4.8897", 60),
		newPlace("SG", "Singapore", "", "Singapore", "1.2897", "103.8501", 480),
		newPlace("US", "United States", "Virginia", "Ashburn", "39.0469", "-77.4903", -300),
		newPlace("AU", "Australia", "New South Wales", "Sydney", "-33.8678", "151.2073", 600),
	}
}

// officeAddress is the public address of an office (RFC 5737 TEST-NET-1).
func officeAddress(office int) string { return "192.0.2." + string(appendInt(nil, int64(10+office*8))) }

// machineAddress is the address of a service account's machine, in the same range.
func machineAddress(i int) string { return "192.0.2." + string(appendInt(nil, int64(200+i))) }

// homeAddress is a person's address at home: TEST-NET-2 while it lasts and for every third person, IPv6 (RFC 3849) for the rest.
func homeAddress(person int) string {
	if person%3 == 0 && person/3 < 250 {
		return "198.51.100." + string(appendInt(nil, int64(1+person/3)))
	}
	ip := [16]byte{0x20, 0x01, 0x0d, 0xb8, 0, byte(person>>12) | 0x10, byte(person >> 8), byte(person), 14: 0xc0, 15: 0xde}
	return netip.AddrFrom16(ip).String()
}

// strangeAddress is an address that nobody of the company has (RFC 5737 TEST-NET-3).
func strangeAddress(i int) string { return "203.0.113." + string(appendInt(nil, int64(1+i%250))) }

// Relative activity of an office in each local hour of a working day.
func hourProfile() [24]uint64 {
	return [24]uint64{2, 1, 1, 1, 2, 4, 12, 36, 82, 100, 100, 94, 58, 78, 94, 96, 86, 60, 30, 16, 12, 10, 7, 4}
}

// activity is how busy an office is in the UTC hour that begins at unixSeconds: per mille of a busy hour, times ten.
func (p place) activity(unixSeconds int64) uint64 {
	local := time.Unix(unixSeconds, 0).In(p.zone)
	weight := hourProfile()[local.Hour()] * 100
	if day := local.Weekday(); day == time.Saturday || day == time.Sunday {
		return weight * 6 / 100
	}
	today := local.Format("01-02")
	for _, h := range p.holidays {
		if h == today {
			return weight * 9 / 100
		}
	}
	return weight
}
