package onepassword

import "strings"

// labels name the values of events in words, by their path.
var labels = map[string]string{
	"uuid": "Event", "timestamp": "Time", "session_uuid": "Session", "category": "Result", "type": "Reason", "country": "Country",
	"details": "What the rule matched", "details.value": "What the rule matched", "account_uuid": "Account", "used_version": "Version of the item", "vault_uuid": "Vault",
	"item_uuid": "Item", "action": "Action", "actor_uuid": "Actor", "actor_type": "Kind of actor", "actor_account_uuid": "Actor's account",
	"object_type": "Kind of object", "object_uuid": "Object", "aux_id": "Further number", "aux_uuid": "Further id", "aux_info": "Further detail",
	"session.uuid": "Session", "session.login_time": "Signed in at", "session.device_uuid": "Device", "session.ip": "IP address",
	"client.app_name": "App", "client.app_version": "Version of the app", "client.platform_name": "Platform", "client.platform_version": "Version of the platform",
	"client.os_name": "Operating system", "client.os_version": "Version of the operating system", "client.ip_address": "IP address", "client.ip": "IP address",
	"location.country": "Country of the address", "location.region": "Region", "location.city": "City", "location.latitude": "Latitude", "location.longitude": "Longitude",
}

// personLabels name the values inside an object that is a person.
var personLabels = map[string]string{
	"uuid": "id", "uuid:": "id", "name": "name", "email": "email", "user_type": "kind", "user_account_uuid": "account",
}

var personObjects = map[string]string{
	"target_user": "User", "user": "User", "actor_details": "Actor", "object_details": "Object", "aux_details": "Further person",
}

// labelOf gives a label for a path; the path itself if it is not known.
func labelOf(path string) string {
	if label, ok := labels[path]; ok {
		return label
	}
	if object, key, ok := strings.Cut(path, "."); ok {
		if who, what := personObjects[object], personLabels[key]; who != "" && what != "" {
			return who + ": " + what
		}
	}
	return path
}
