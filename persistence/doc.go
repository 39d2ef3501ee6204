// Package persistence stores what a node must remember: its id, and the windows of
// all partitions of its detectors. They are in one directory, which one process at a
// time uses; the windows are in a Badger database in it.
//
// A Store is the open database. A Partition is the stored state of one Kafka
// partition, and has one owner at a time. The package knows neither Kafka nor
// actors. Of this module it imports prefetch only. Of windows it decides only which
// points can be left out. An owner may store a state of an entity in place of its
// window, which means nothing to this package either; see state.go. With Options.Seen a partition also keeps when each entity
// was last seen, and a state of its owner that means nothing to this package.
//
// # How a checkpoint is written
//
// A checkpoint stores all committed points, together with the offset of the next
// record. The owner of a Partition adds points with Append, marks them
// with Commit, and then takes three steps:
//
//   - Plan decides in memory what the checkpoint writes. It lists the new points,
//     the new entities, the journal blocks to trim, and the entities whose windows
//     it needs. Plan.Fill copies the ends of those windows, and Plan.FillStates the
//     states.
//   - Write writes the plan. It may run on another goroutine, because it touches
//     only the store and the plan. The owner goes on meanwhile: it appends, loads
//     and looks up entities.
//   - Settle takes over what was written. After an error the rest is in the next
//     plan again. Settle also returns the entities that are evicted. An entity that
//     got a point after Plan stays cached.
//
// Between Settle and Plan the owner may wait for more points. Shed then drops those that
// windows have lost in the meantime; see shed.go.
//
// A crash or a failed write leaves the checkpoint of before or this one, never a
// mixture. If the owner closes the partition while a plan is being written, the
// next owner gets it at the end of Write.
//
// # Layout
//
//	data/             made with permissions 0700
//	├── LOCK          held by the process that uses the directory
//	├── node-id       the id by which the broker knows a restarted process, and its checksum
//	├── state/        the Badger database, and VERIFIED; see verified.go
//	│   └── journal/  journal blocks and states of large checkpoints; see files.go and state_files.go
//	└── state.damaged-TIME/   damaged databases, at most two
//
// The first byte of a key is its kind. Numbers in keys are big-endian, so that
// keys sort as the numbers do:
//
//	head     'h' | detector | 0 | partition u32              one a partition
//	entity   'e' | slot u32 | key                            one an entity: its id
//	chunk    'c' | slot u32 | id u32 | position u32          a run of an entity's points
//	state    't' | slot u32 | id u32                         what the owner keeps of an entity; only with Head.States
//	block    'j' | slot u32 | seq u64                        the points of a checkpoint
//	part     's' | slot u32 | tag u8 | part u32              a part of a section; only with Options.Seen
//	mark     'z'                                             written by each transaction; see mark.go
//
// A value begins with its format and a checksum of its body and then its key.
// Older versions left the key out; bit 7 of the format tells. Numbers in bodies are
// varints, except the values of points: those are float64, little-endian.
//
//	+--------+------------+------
//	| format | crc32c u32 | body
//	+--------+------------+------
//	head     source | offset history complete-from complete-for-new-from stream-time swept lateness |
//	         slot seq reserved entities flags | and, if they are known, cluster id | topic id |
//	         and, in format 2, sections
//	entity   id
//	chunk    through newest count | count × (change of the step of time, value)
//	         or, in format 2, with an outline after through
//	state    through newest position | bytes
//	         or, in format 2, where it is: file | offset | length
//	block    count | count × (step of id, step of time, value)
//	         or, in format 2, where it is: file | offset | length
//	part     tag 1, page of last seen: count | count × (0, or 1 + step of time)
//	         tag 2, the owner's state: generation | bytes
//
// Only a head that names sections, a block or a state that is in a file, and a chunk with an
// outline have format 2; see sections.go, files.go, state_files.go and outline.go. All other
// values have format 1. The head of a partition with such a block, state or chunk names the
// section files, filed states or outlines, so that a version that does not know them refuses
// the whole directory.
//
// # How the parts go together
//
// A checkpoint writes the new points as journal blocks, and the head that counts
// them. It then shortens the journal: what the oldest blocks hold of windows is
// sealed into chunks, one an entity, and the blocks are deleted. A window is
// therefore the entity's chunks in order, and then its points in the blocks after
// the last chunk's through. The last chunk may have an outline of the window, in the place
// of which an owner need not read the points.
//
//	chunk 0        chunk 32       chunk 64     block 17  block 18
//	[p0 ... p31]   [p32 ... p63]  [p64 ... ]   p90       p91        up to the head's offset
//
// When each entity was last seen is in the journal, too. A checkpoint that trims
// blocks also writes pages for the entities whose newest point they had; see seen.go.
// The parts of the owner's state are written before the head that names them.
//
// All that belongs to a partition is in a slot. A partition that begins anew uses a
// new slot. What was stored before counts until the head refers to the new
// slot. The store deletes slots without a head in the background.
//
// # Damage
//
// The store inspects the files before Badger opens them; see inspect.go. The topic
// replaces what is damaged. If a value cannot be read, its partition is rebuilt. If
// a file of Badger's is damaged in another way, all partitions are; see damage.go.
//
// snapshot.go has the portable form of a partition, archive.go that of several.
package persistence
