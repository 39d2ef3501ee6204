// Package readme runs the commands of the pages, and compares their output with what the page shows.
//
// Each fenced block of sh says in its info string how it is run:
//
//	env=checkout   in the source tree
//	env=clone      in a copy of the source tree
//	env=running    in a directory with hegemonydetector.conf, beside a detector that runs on an embedded broker.
//	               The blocks of a page share it
//	env=stopped    in the directory of that detector, after it has ended
//	by=FILE        a test of another folder runs it. FILE takes it from the page with test/readme/block,
//	               so the block has a name, too
//	never="WHY"    nothing runs it, for this reason
//	until=3s       with env: the command never ends by itself, and is ended then
//	quiet=yes      the commands may print nothing
//	name=NAME      what another test calls it
//
// The commands see an anomalydetector on their PATH. For localhost:8080, CONF, kafka1:9092 and 64524 they get the
// address of the page, hegemonydetector.conf, the broker and an ASN of the stream. A block of text with the word output after a block
// of sh is its output. Three dots in it stand for anything.
//
// The declarations are always checked. The commands run if README_COMMANDS is set (make readme), because
// make check is one of them.
package readme
