package sub

import (
	_ "anomalydetector/known"
	_ "os"
)
