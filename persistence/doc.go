// Package persistence keeps what a node must remember on disk, in a directory
// that one process at a time may use: its id, and the windows of all partitions
// of its detectors, in a Badger database.
//
// It never talks to Kafka, knows no actors, and decides nothing about windows but
// which of their points can be left out. It imports nothing of ours.
//
// # Layout
//
//	data/             made with permissions 0700
//	├── LOCK          held by the process that uses the directory
//	├── node-id       what the broker knows a restarted process by, and its checksum
//	├── state/        the Badger database, and VERIFIED; see verified.go
//	└── state.damaged-TIME/   databases that were damaged, at most two
//
// A key begins with a letter for its kind; numbers in keys are big-endian, so
// that keys sort as the numbers do:
//
//	head     'h' | detector | 0 | partition u32              one a partition
//	entity   'e' | slot u32 | key                            one an entity: its id
//	chunk    'c' | slot u32 | id u32 | position u32          a run of an entity's points
//	block    'j' | slot u32 | seq u64                        the points of a checkpoint
//	mark     'z'                                             written by each transaction; see mark.go
//
// A value begins with its format and a checksum of its body and then its key (versions
// before this one left the key out; bit 7 of the format tells). In the bodies
// numbers are varints, and the values of points float64, little-endian:
//
//	+--------+------------+------
//	| format | crc32c u32 | body
//	+--------+------------+------
//	head     source | offset history base forgotten stream-time swept lateness | slot seq reserved entities
//	entity   id
//	chunk    through newest count | count × (change of the step of time, value)
//	block    count | count × (step of id, step of time, value)
//
// # How they go together
//
// A checkpoint is one journal block of the points since the last one, and the
// head that counts it in. What the oldest blocks hold is sealed into chunks, one
// an entity, and the blocks are deleted. A window is therefore: the entity's
// chunks in order, then its points of the blocks after the last chunk's through.
//
//	chunk 0        chunk 32       chunk 64     block 17  block 18
//	[p0 ... p31]   [p32 ... p63]  [p64 ... ]   p90       p91        up to the head's offset
//
// All that belongs to a partition is in a slot. A partition that begins anew
// does so in a fresh one, and what was stored before counts until a head refers
// to the fresh slot. Slots that no head refers to are deleted in the background.
//
// # Damage
//
// inspect.go looks at the files before Badger does. What is found damaged is rebuilt from
// the topic: a partition if one of its values cannot be read, all if a file of Badger's is
// damaged in another way; see damage.go.
//
// snapshot.go has the portable form of a partition, archive.go that of several.
package persistence
