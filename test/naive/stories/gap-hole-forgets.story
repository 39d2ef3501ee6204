an entity that does not return from a hole longer than the history is not absent
e0 nn
e1 nnnnnnnn
e2 nnnnnnnn
e3 nnnnnnnn
skip 2 40
want
42+1 opened gap #1 since 2 points 1 usual 4 low 2 value 0
43+1 resolved gap #1 since 2 points 40 usual 4 low 2 value 0 until 42 filled
