// Package ui holds what every page is made of: the frame, badges, notes, numbers and times in words, icons, and the
// one way in which text from outside is shown. It knows nothing of what the pages are about.
package ui
