bins of a gap are no silence
set absence_after 0
e0 na........
e1 nnnn...nnn
e2 nnnn...nnn
e3 nnnn...nnn
want
1 opened deviation e0 #1 since 1 points 1 value 112 peak 112 at 1
7+1 opened gap #2 since 4 points 1 usual 4 low 2 value 0
8+1 resolved gap #2 since 4 points 3 usual 4 low 2 value 0 until 7 filled
9+1 resolved deviation e0 #1 since 1 points 1 value 112 peak 112 at 1 until 5 silent
