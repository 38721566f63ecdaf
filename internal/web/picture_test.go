package web

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"slices"
	"testing"
)

// shrink writes a picture again with at most 256 colours; pages have few others. That makes a
// file about a third as large.
func shrink(t *testing.T, in []byte) []byte {
	t.Helper()
	src, err := png.Decode(bytes.NewReader(in))
	must(t, err)
	counts := map[color.RGBA]int{}
	eachPixel(src, func(_, _ int, c color.RGBA) { counts[c]++ })
	colours := make([]color.RGBA, 0, len(counts))
	for c := range counts {
		colours = append(colours, c)
	}
	slices.SortFunc(colours, func(a, b color.RGBA) int {
		if d := counts[b] - counts[a]; d != 0 {
			return d
		}
		return int(a.R)<<16 + int(a.G)<<8 + int(a.B) - int(b.R)<<16 - int(b.G)<<8 - int(b.B)
	})
	var palette color.Palette
	kinds, taken := map[color.RGBA]bool{}, map[color.RGBA]bool{}
	take := func(from []color.RGBA, wanted func(kind color.RGBA) bool) {
		for _, c := range from {
			kind := color.RGBA{c.R >> 4, c.G >> 4, c.B >> 4, 255}
			if len(palette) < 256 && !taken[c] && wanted(kind) {
				kinds[kind], taken[c] = true, true
				palette = append(palette, c)
			}
		}
	}
	// The surfaces first, as they are; then one of each kind, so that a rare colour is not lost to shades of grey; then the rest.
	all := func(color.RGBA) bool { return true }
	take(colours[:min(64, len(colours))], all)
	take(colours, func(kind color.RGBA) bool { return !kinds[kind] })
	take(colours, all)
	out := image.NewPaletted(src.Bounds(), palette)
	nearest := map[color.RGBA]uint8{}
	eachPixel(src, func(x, y int, c color.RGBA) {
		i, ok := nearest[c]
		if !ok {
			i = uint8(palette.Index(c)) //nolint:gosec // at most 256 colours
			nearest[c] = i
		}
		out.SetColorIndex(x, y, i)
	})
	var buf bytes.Buffer
	must(t, (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&buf, out))
	return buf.Bytes()
}

func eachPixel(m image.Image, f func(x, y int, c color.RGBA)) {
	b := m.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			f(x, y, color.RGBAModel.Convert(m.At(x, y)).(color.RGBA)) //nolint:forcetypeassert // what the model gives
		}
	}
}
