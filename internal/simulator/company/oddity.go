package company

// oddity is a way in which real events depart from the tidy ones, as seen in public samples of the Events API, or a
// text that a reader must survive.
type oddity int

const (
	tidy             oddity = iota
	oddTie                  // same millisecond as the event before
	oddNoLocation           // the whole object is missing
	oddCountry              // a country's name where its code is usual, or the other way round
	oddOffset               // timestamp with an offset instead of Z
	oddWhole                // timestamp without a fraction
	oddMillis               // three digits
	oddEight                // eight digits
	oddUnknown              // a value of an enumeration that no document lists
	oddEmpty                // empty strings
	oddSparse               // the optional members of v2 are missing
	oddExtraKey             // a member that no document lists, with numbers that lose their form when they are re-encoded
	oddHostileName          // markup, formulae, control characters, very long text as a person's name
	oddHostileClient        // the same as the name of a machine, or in free text
	oddTimeout              // u2f_timout, as the OpenAPI document 1.2.0 spells it
	oddCategory             // an unknown category
	oddNoAction             // action missing
	oddEmptyAction          // action empty
	oddVersionZero          // used_version 0
	oddVersionHuge          // used_version 4294967295
	oddNoDetails            // actor_details missing, as before 2023-08
	oddUnknownPair          // a known action on a known object type that no document pairs
)

// oddities lists what may be odd in each stream.
func oddities(stream int) []oddity {
	all := []oddity{oddTie, oddNoLocation, oddCountry, oddOffset, oddWhole, oddMillis, oddEight, oddUnknown, oddEmpty, oddSparse, oddExtraKey, oddHostileName, oddHostileClient}
	switch stream {
	case signIns:
		return append(all, oddTimeout, oddCategory)
	case usages:
		return append(all, oddNoAction, oddEmptyAction, oddVersionZero, oddVersionHuge)
	}
	return append(all, oddNoDetails, oddUnknownPair)
}

// oddity tells what is odd about the background event with this number: nothing, for most. The kinds take turns, so
// that each comes up in a small run too.
func (c *Company) oddity(stream int, number uint64) oddity {
	stride := uint64(c.strides)
	if number%stride != stride/2 {
		return tidy
	}
	kinds := oddities(stream)
	return kinds[number/stride%uint64(len(kinds))]
}

func (o oddity) precision(usual precision) precision {
	switch o {
	case oddWhole:
		return 0
	case oddMillis:
		return 3
	case oddEight:
		return 8
	}
	return usual
}
