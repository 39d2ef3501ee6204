a reopened one tells its peak, and is updated beyond that
e0 bnnnnAnnnnbaAC
e1 nnnnnnnnnnnnnn
e2 nnnnnnnnnnnnnn
e3 nnnnnnnnnnnnnn
want
0 opened deviation e0 #1 since 0 points 1 value 88 peak 88 at 0
4 resolved deviation e0 #1 since 0 points 1 value 88 peak 88 at 0 until 4 recovered
5 reopened deviation e0 #1 since 0 points 2 value 118 peak 118 at 5
9 resolved deviation e0 #1 since 0 points 2 value 118 peak 118 at 5 until 9 recovered
10 reopened deviation e0 #1 since 0 points 3 value 88 peak 118 at 5
13 updated deviation e0 #1 since 0 points 6 value 128 peak 128 at 13
