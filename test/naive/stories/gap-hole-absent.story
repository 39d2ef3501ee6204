an entity that does not return from a hole shorter than the history is absent after whole bins
e0 nn
e1 nnnnnnnn
e2 nnnnnnnn
e3 nnnnnnnn
skip 2 10
want
12+1 opened gap #1 since 2 points 1 usual 4 low 2 value 0
13+1 resolved gap #1 since 2 points 10 usual 4 low 2 value 0 until 12 filled
16+1 opened absence e0 #2 since 2 points 14 usual 101
