it is updated when the peak grows by half, and only then
e0 aAaAb
e1 nnnnn
e2 nnnnn
e3 nnnnn
want
0 opened deviation e0 #1 since 0 points 1 value 112 peak 112 at 0
1 updated deviation e0 #1 since 0 points 2 value 118 peak 118 at 1
