late records do not fill a gap
e0 nnnnnn
e1 nn..nn
e2 nn..nn
e3 nn..nn
after 3 e1 n at 2
after 3 e2 n at 2
after 3 e3 n at 2
want
3 opened gap #1 since 2 points 1 usual 4 low 2 value 1
5 resolved gap #1 since 2 points 2 usual 4 low 2 value 1 until 4 filled
