a bin with less than half of the usual entities is a gap until the next whole bin
e0 nnnnnn
e1 nnnnnn
e2 nn..nn
e3 nn..nn
e4 nn..nn
want
3 opened gap #1 since 2 points 1 usual 5 low 3 value 2
5 resolved gap #1 since 2 points 2 usual 5 low 3 value 2 until 4 filled
