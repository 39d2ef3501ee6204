a duplicate counts as any other point
e0 add
e1 nnn
e2 nnn
e3 nnn
want
0 opened deviation e0 #1 since 0 points 1 value 112 peak 112 at 0
2 resolved deviation e0 #1 since 0 points 1 value 112 peak 112 at 0 until 2 recovered
