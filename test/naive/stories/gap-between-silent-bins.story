absence counts whole bins before and after a gap
e0 n............
e1 nnn...nnnnnnn
e2 nnn...nnnnnnn
e3 nnn...nnnnnnn
want
6+1 opened gap #1 since 3 points 1 usual 4 low 2 value 0
7+1 resolved gap #1 since 3 points 3 usual 4 low 2 value 0 until 6 filled
8+1 opened absence e0 #2 since 1 points 7 usual 101
