of one record the gap comes first, though the bins before it let an entity be absent
set absence_after 1
e0 n
e1 nnnn
e2 nnnn
e3 nnnn
skip 2 3
want
5+1 opened gap #1 since 2 points 1 usual 4 low 2 value 0
5+1 opened absence e0 #2 since 1 points 4 usual 101
6+1 resolved gap #1 since 2 points 3 usual 4 low 2 value 0 until 5 filled
