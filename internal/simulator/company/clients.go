package company

import "math/rand/v2"

// app is a client as the Events API names it; versions are build numbers, newest first.
type app struct {
	name     string
	versions []string
	platform string   // platform_name
	platVers []string // platform_version: browser version, computer model, or CPU for the command line
	os       string
	osVers   []string
}

// device is one installed client of a person.
type device struct {
	app
	id         string // lower-case identifier
	appVersion string
	platform   string
	platVers   string
	osVers     string
	number     int64 // the numeric device id of audit events' aux_id
}

func pick[T any](rng *rand.Rand, list []T) T { return list[rng.IntN(len(list))] }

// newDevice installs an app. A Mac app in five reports its host name as platform, as the real one has been seen to.
func newDevice(rng *rand.Rand, a app, owner string) device {
	d := device{
		app: a, id: newID(rng, lowerID), appVersion: pick(rng, a.versions), platform: a.platform,
		platVers: pick(rng, a.platVers), osVers: pick(rng, a.osVers), number: 9_000_000 + rng.Int64N(3_000_000),
	}
	if a.name == "1Password for Mac" && rng.IntN(5) == 0 {
		d.platform = owner + "-MacBook"
	}
	return d
}

// appendClient appends the client object of a sign-in attempt or item usage.
func (d device) appendClient(dst []byte, address string) []byte {
	dst = appendMember(dst, '{', "app_name", d.name)
	dst = appendMember(dst, ',', "app_version", d.appVersion)
	dst = appendMember(dst, ',', "platform_name", d.platform)
	dst = appendMember(dst, ',', "platform_version", d.platVers)
	dst = appendMember(dst, ',', "os_name", d.os)
	dst = appendMember(dst, ',', "os_version", d.osVers)
	dst = appendMember(dst, ',', "ip_address", address)
	return append(dst, '}')
}

func desktops() []app {
	return []app{
		{"1Password for Mac", []string{"81108042", "81106030", "81104019"}, "MacBook Pro", []string{"Mac15,3", "Mac14,7", "MacBookPro18,3"}, "MacOSX", []string{"15.7.1", "15.6", "14.8"}},
		{"1Password for Windows", []string{"81108042", "81106030", "81102015"}, "LENOVO", []string{"21HM", "20XW", "82SF"}, "Windows", []string{"10.0.26100", "10.0.22631"}},
		{"1Password for Linux", []string{"81108042", "81104019"}, "Linux", []string{"x86_64"}, "Linux", []string{"Debian GNU/Linux 13", "Ubuntu 24.04.3 LTS"}},
	}
}

func phones() []app {
	return []app{
		{"1Password for iOS", []string{"81108030", "81106025"}, "iPhone", []string{"iPhone15,4", "iPhone14,7"}, "iOS", []string{"26.1", "18.7.2"}},
		{"1Password for Android", []string{"81108030", "81104010"}, "Pixel 9", []string{"Pixel 9", "SM-S921B"}, "Android", []string{"16", "15"}},
	}
}

func browsers() []app {
	return []app{
		{"1Password Browser Extension", []string{"81108021", "81106016", "20195"}, "Chrome", []string{"142.0.7444.60", "141.0.7390.123"}, "MacOSX", []string{"10.15.7"}},
		{"1Password Browser Extension", []string{"81108021", "81104009"}, "Firefox", []string{"145.0", "144.0.2"}, "Linux", []string{"x86_64"}},
		{"1Password Browser Extension", []string{"81108021", "81106016"}, "Edge", []string{"142.0.3595.53"}, "Windows", []string{"10.0"}},
		{"1Password for Web", []string{"1924", "1917"}, "Chrome", []string{"142.0.7444.60"}, "Windows", []string{"10.0"}},
	}
}

func commandLine() app {
	return app{"1Password CLI", []string{"2320001", "2310101"}, "1Password CLI", []string{"amd64", "arm64"}, "Linux", []string{"0.0", ""}}
}

func machines() []app {
	return []app{
		{"1Password Connect", []string{"1080001", "1070300"}, "1Password Connect", []string{"amd64"}, "Linux", []string{"0.0"}},
		{"1Password SDK", []string{"0030101", "0020102"}, "go", []string{"1.25"}, "Linux", []string{"amd64"}},
		{"1Password CLI", []string{"2320001"}, "1Password CLI", []string{"amd64"}, "Linux", []string{"0.0"}},
		{"1Password SCIM Bridge", []string{"2090900"}, "1Password SCIM Bridge", []string{"amd64"}, "Linux", []string{"0.0"}},
	}
}
