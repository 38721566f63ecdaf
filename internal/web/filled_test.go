package web

import "testing"

// TestFilledSite runs every check that only looks at a filled site, so that the site is filled once.
func TestFilledSite(t *testing.T) {
	s := filled(t)
	for _, c := range []struct {
		name  string
		check func(*testing.T, *site)
	}{
		{"RolesTimesRoutes", checkRolesTimesRoutes},
		{"NothingInline", checkNothingInline},
		{"NoDeadLink", checkNoDeadLink},
		{"HealthAndMetrics", checkHealthAndMetrics},
		{"HomeShowsWhatIsLostFirst", checkHomeShowsWhatIsLostFirst},
		{"ConnectionTellsItsGaps", checkConnectionTellsItsGaps},
		{"EventsFilterAndPage", checkEventsFilterAndPage},
		{"SearchBox", checkSearchBox},
		{"EventPage", checkEventPage},
		{"ArtifactPage", checkArtifactPage},
		{"Proofs", checkProofs},
		{"FrameworkPages", checkFrameworkPages},
		{"MatrixPage", checkMatrixPage},
		{"API", checkAPI},
		{"Related", checkRelated},
		{"Export", checkExport},
		{"SavedFilters", checkSavedFilters},
		{"SaveAsArtifact", checkSaveAsArtifact},
		{"EventsAreLight", checkEventsAreLight},
		{"ExploreAPI", checkExploreAPI},
		{"EventBytes", checkEventBytes},
		{"Accessibility", checkAccessibility},
		{"ExplorerByHand", checkExplorerByHand},
		{"Keyboard", checkKeyboard},
	} {
		t.Run(c.name, func(t *testing.T) { c.check(t, s) })
	}
}
