package upward

import _ "anomalydetector/episode"
