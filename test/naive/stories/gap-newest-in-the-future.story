an entity whose newest point is in the future counts with each of its points
e0 nnnnnn
e1 nnnnnn
e2 nn..nn
e3 nn..nn
e4 nn..nn
after 1 e0 n at 35000
after 2 e0 n at 2
want
4 opened gap #1 since 3 points 1 usual 5 low 3 value 2
5 resolved gap #1 since 3 points 1 usual 5 low 3 value 2 until 4 filled
