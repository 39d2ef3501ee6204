package tail

import "runtime/debug"

// raceDetected says whether the race detector is on.
var raceDetected = func() bool {
	info, known := debug.ReadBuildInfo()
	if !known {
		return false
	}
	for _, setting := range info.Settings {
		if setting.Key == "-race" {
			return setting.Value == "true"
		}
	}
	return false
}()
