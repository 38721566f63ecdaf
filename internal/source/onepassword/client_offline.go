//go:build offline

package onepassword

import (
	"errors"

	"github.com/exhibithq/exhibit/internal/source"
)

// open reaches nobody in a build without a network.
func open(source.Config) (source.Source, error) {
	return nil, errors.New("this build of Exhibit cannot reach a network")
}
