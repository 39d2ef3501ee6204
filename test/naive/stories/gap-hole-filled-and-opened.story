one record can end a gap and open another one
e0 nnnnnn
e1 n.nnnn
e2 n.nnnn
e3 n.nnnn
skip 3 3
want
2 opened gap #1 since 1 points 1 usual 4 low 2 value 1
6 resolved gap #1 since 1 points 1 usual 4 low 2 value 1 until 2 filled
6 opened gap #2 since 3 points 1 usual 4 low 2 value 0
7 resolved gap #2 since 3 points 3 usual 4 low 2 value 0 until 6 filled
