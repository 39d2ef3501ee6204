bins without any point are a gap, which the next record tells
e0 nn..nn
e1 nn..nn
want
4 opened gap #1 since 2 points 1 usual 2 low 1 value 0
5 resolved gap #1 since 2 points 2 usual 2 low 1 value 0 until 4 filled
