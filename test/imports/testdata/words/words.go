// Package words uses more of the vocabulary than words.
package words

import "anomalydetector/messages"

type mine struct{ phase messages.Phase }

func merged(names []messages.EntityName) mine {
	messages.MergeNames(names, 1)
	return mine{messages.Ready}
}

var _ = merged
