bins of a gap do not count for absence
e0 nn.......
e1 nnn...nnn
e2 nnn...nnn
e3 nnn...nnn
want
6+1 opened gap #1 since 3 points 1 usual 4 low 2 value 0
7+1 resolved gap #1 since 3 points 3 usual 4 low 2 value 0 until 6 filled
