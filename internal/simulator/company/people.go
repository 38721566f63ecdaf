package company

import "math/rand/v2"

// person is a member of the account, a guest, or a service account (a user without mail address in usage events).
type person struct {
	uuid, name, mail string
	kind             string // user_type of the v2 API: user, external_user
	office           int
	team             int
	joined, left     int64    // unix nanoseconds; zero when before, or after, the period
	factor           string   // sign-in type of a success
	bad              []string // sign-in types when the second factor fails
	devices          []device
	home             string // address
	weight           uint64 // how much this person does
	full             string // UserV2 object
	plain            string // User object, as v1 and audit events have it
	account          string // account of the user
}

// render prepares the two JSON forms of the person.
func (p *person) render() {
	p.plain = string(p.appendUser(nil, p.name, false))
	p.full = string(p.appendUser(nil, p.name, true))
}

func (p *person) appendUser(dst []byte, name string, v2 bool) []byte {
	dst = appendMember(dst, '{', "uuid", p.uuid)
	dst = appendMember(dst, ',', "name", name)
	dst = appendMember(dst, ',', "email", p.mail)
	if v2 {
		dst = appendMember(dst, ',', "user_type", p.kind)
		dst = appendMember(dst, ',', "user_account_uuid", p.account)
	}
	return append(dst, '}')
}

func (p *person) activeAt(nano int64) bool {
	return p.joined <= nano && (p.left == 0 || nano < p.left)
}

// hire makes the people. Offices are filled in a fixed ratio; the first of each office is never a joiner or leaver.
func hire(rng *rand.Rand, count, offices, teams int, account string) []*person {
	names := cultures()
	taken := map[string]int{}
	people := make([]*person, count)
	for i := range people {
		office := i % offices
		if i >= 2*offices { // later people gather in the three large offices
			office = []int{0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 5}[i%11]
		}
		c := names[office]
		given, family := pick(rng, c.given), pick(rng, c.family)
		local := given.mail + "." + family.mail
		taken[local]++
		if again := taken[local]; again > 1 {
			local += string(appendInt(nil, int64(again)))
		}
		people[i] = &person{
			uuid: newID(rng, upperID), name: given.shown + " " + family.shown, mail: local + "@example.com",
			kind: "user", office: office, team: i % teams, home: homeAddress(i), weight: 20 + rng.Uint64N(100), account: account,
		}
		people[i].equip(rng, given.mail)
		people[i].render()
	}
	return people
}

// equip gives devices and a way to sign in.
func (p *person) equip(rng *rand.Rand, owner string) {
	p.devices = append(p.devices, newDevice(rng, desktops()[draw(rng, []uint64{50, 35, 15})], owner), newDevice(rng, pick(rng, browsers()), owner))
	if rng.IntN(3) > 0 {
		p.devices = append(p.devices, newDevice(rng, pick(rng, phones()), owner))
	}
	if p.team == 0 && rng.IntN(2) == 0 {
		p.devices = append(p.devices, newDevice(rng, commandLine(), owner))
	}
	switch k := rng.IntN(10); {
	case k < 5:
		p.factor, p.bad = "mfa_ok", []string{"totp_bad", "totp_timeout", "mfa_missing"}
	case k < 6:
		p.factor, p.bad = "mfa_ok", []string{"u2f_bad", "u2f_timeout"}
	case k < 7:
		p.factor, p.bad = "mfa_ok", []string{"duo_bad", "duo_timeout", "duo_native_bad"}
	case k < 9:
		p.factor, p.bad = "credentials_ok", []string{"code_bad", "code_timeout", "mfa_missing"}
	default:
		p.factor, p.bad = "federated", []string{"totp_disabled", "u2f_disabled", "duo_disabled", "code_disabled"}
	}
}

// guest is an outside collaborator whose name is not to be trusted.
func guest(rng *rand.Rand, people int) *person {
	p := &person{
		uuid: newID(rng, upperID), name: `Contractor "<b>Bobby</b>" =1+1`, mail: "contractor@example.net", kind: "external_user",
		office: 2, team: 1, home: homeAddress(people), weight: 10, account: newID(rng, upperID),
	}
	p.equip(rng, "guest")
	p.render()
	return p
}

// robots are service accounts: they use items round the clock.
func robots(rng *rand.Rand, account string) []*person {
	var out []*person
	for i, name := range []string{"deploy-pipeline", "backup-runner", "Terraform", "SCIM provisioning"} {
		p := &person{
			uuid: newID(rng, upperID), name: name, kind: "user", office: i % 3, home: machineAddress(i), weight: 100, account: account,
		}
		p.devices = []device{newDevice(rng, machines()[i], name)}
		p.render()
		out = append(out, p)
	}
	return out
}

// vault is a shared vault; items are ordered by popularity.
type vault struct {
	id    string
	items []item
}

type item struct {
	id      string
	version int64
}

// group is a team or a built-in group of the account.
type group struct{ id, name string }

func groups(rng *rand.Rand) []group {
	names := []string{
		"Engineering", "Support", "Sales", "Finance", "Marketing", "People", "Security", "Legal", // teams, in order of person.team
		"Owners", "Administrators", "Recovery", "Team Members",
	}
	out := make([]group, len(names))
	for i, n := range names {
		out[i] = group{newID(rng, lowerID), n}
	}
	return out
}

// teamCount is how many of the groups are teams; the built-in groups follow.
const (
	teamCount    = 8
	groupOwners  = 8
	groupAdmins  = 9
	groupMembers = 11
)

// vaults makes some vaults for each team and, at the end, some for everybody.
func vaults(rng *rand.Rand, people int) [][]vault {
	out := make([][]vault, teamCount+1)
	for t := range out {
		for range 2 + rng.IntN(4+people/50) {
			v := vault{id: newID(rng, lowerID)}
			for range 20 + rng.IntN(100) {
				v.items = append(v.items, item{newID(rng, lowerID), 1 + rng.Int64N(30)})
			}
			out[t] = append(out[t], v)
		}
	}
	return out
}
