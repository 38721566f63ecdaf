package onepassword

import "github.com/go-json-experiment/json/jsontext"

// place says which of an event's values a key holds, as far as facts are made from it.
type place uint8

const (
	nowhere place = iota
	placeUUID
	placeTime
	placeAction
	placeType
	placePersonUUID
	placePersonUUIDInside // in the person's own object
	placePersonUUIDTypo   // under the key "uuid:", which an old example of the documentation has
	placePersonName
	placePersonEmail
	placeVault
	placeItem
	placeObject
	placeAux
	placeAuxInside // in aux_details
	placeCountry
	placeCountryInside // in location
	placeIP
	placeIPOld // under the key "ip" of a client, as old examples have it
	placeApp
	places
)

// slot is one documented key of an object.
type slot struct {
	key   string
	kind  jsontext.Kind // of the value; null is taken for absent everywhere
	place place
	inner shape // of an object
}

// shape is what the documentation says of one object: its keys and the kinds of their values (Events API v2, OpenAPI
// 1.2.0 and the reference 1.4.1). Every key may be missing and they may come in any order, but they are listed in the
// order in which they usually come, for that is where find looks first. A shape has at most 32 keys.
type shape []slot

// find gives the position of key, looking from the position from on and then from the beginning; -1 if it is not there.
func (s shape) find(key []byte, from int) int {
	for i := from; i < len(s); i++ {
		if s[i].key == string(key) {
			return i
		}
	}
	for i := 0; i < min(from, len(s)); i++ {
		if s[i].key == string(key) {
			return i
		}
	}
	return -1
}

func text(key string, p place) slot { return slot{key: key, kind: jsontext.KindString, place: p} }
func number(key string) slot        { return slot{key: key, kind: jsontext.KindNumber} }
func object(key string, inner shape) slot {
	return slot{key: key, kind: jsontext.KindBeginObject, inner: inner}
}

var (
	locationShape = shape{
		text("country", placeCountryInside), text("region", nowhere), text("city", nowhere),
		number("latitude"), number("longitude"),
	}
	clientShape = shape{
		text("app_name", placeApp), text("app_version", nowhere), text("platform_name", nowhere), text("platform_version", nowhere),
		text("os_name", nowhere), text("os_version", nowhere), text("ip_address", placeIP), text("ip", placeIPOld),
	}
	personShape = shape{
		text("uuid", placePersonUUIDInside), text("uuid:", placePersonUUIDTypo), text("name", placePersonName), text("email", placePersonEmail),
		text("user_type", nowhere), text("user_account_uuid", nowhere),
	}
	auxShape = shape{
		text("uuid", placeAuxInside), text("uuid:", nowhere), text("name", nowhere), text("email", nowhere),
		text("user_type", nowhere), text("user_account_uuid", nowhere),
	}
	objectShape = shape{
		text("uuid", nowhere), text("uuid:", nowhere), text("name", nowhere), text("email", nowhere),
		text("user_type", nowhere), text("user_account_uuid", nowhere),
	}
	sessionShape = shape{
		text("uuid", nowhere), text("login_time", nowhere), text("device_uuid", nowhere), text("ip", placeIP),
	}
	detailsShape = shape{text("value", nowhere)}

	signInShape = shape{
		text("uuid", placeUUID), text("session_uuid", nowhere), text("timestamp", placeTime), text("category", placeAction), text("type", placeType),
		text("country", placeCountry), object("details", detailsShape), object("target_user", personShape), object("client", clientShape),
		object("location", locationShape), text("account_uuid", nowhere),
	}
	usageShape = shape{
		text("uuid", placeUUID), text("timestamp", placeTime), number("used_version"), text("vault_uuid", placeVault), text("item_uuid", placeItem),
		text("action", placeAction), object("user", personShape), object("client", clientShape), object("location", locationShape), text("account_uuid", nowhere),
	}
	auditShape = shape{
		text("uuid", placeUUID), text("timestamp", placeTime), text("actor_uuid", placePersonUUID), object("actor_details", personShape), text("actor_type", nowhere),
		text("actor_account_uuid", nowhere), text("account_uuid", nowhere), text("action", placeAction), text("object_type", placeType),
		text("object_uuid", placeObject), object("object_details", objectShape), number("aux_id"), text("aux_uuid", placeAux),
		object("aux_details", auxShape), text("aux_info", nowhere), object("session", sessionShape), object("location", locationShape),
	}
)
