a hole of many bins is one gap, which ends with the first whole bin
e0 nnnnn
e1 nnnnn
e2 nnnnn
e3 nnnnn
skip 2 80
want
82 opened gap #1 since 2 points 1 usual 4 low 2 value 0
83 resolved gap #1 since 2 points 80 usual 4 low 2 value 0 until 82 filled
