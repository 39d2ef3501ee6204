// Package upward imports what its layout allows, and what it does not.
package upward

import (
	_ "anomalydetector/datapoint"
	_ "anomalydetector/detection"
)
