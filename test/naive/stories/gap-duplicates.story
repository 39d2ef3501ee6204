duplicates are one entity
e0 nndnnn
e1 nn..nn
e2 nn..nn
e3 nn..nn
want
3 opened gap #1 since 2 points 1 usual 4 low 2 value 1
5 resolved gap #1 since 2 points 2 usual 4 low 2 value 1 until 4 filled
