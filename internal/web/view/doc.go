// Package view holds the pages as components, and the words and rows that they are given. A view decides nothing: the
// handlers of package web ask the use cases and fill these types; everything that came from outside goes through ui.Text.
package view
