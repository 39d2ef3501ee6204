an absent entity is forgotten in a hole, and told after its gap
set history_hours 2
e0 n......
e1 nnnnnnnnnn
e2 nnnnnnnnnn
e3 nnnnnnnnnn
skip 7 95
skip 8 40
want
5+1 opened absence e0 #1 since 1 points 4 usual 101
102+1 opened gap #2 since 7 points 1 usual 3 low 2 value 0
143+1 resolved gap #2 since 7 points 95 usual 3 low 2 value 0 until 102 filled
143+1 opened gap #3 since 103 points 1 usual 0 low 1 value 0
143+1 resolved absence e0 #1 since 1 points 142 usual 101 until 104 forgotten
144+1 resolved gap #3 since 103 points 40 usual 0 low 1 value 0 until 143 filled
