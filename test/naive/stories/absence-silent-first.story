of one record deviations end before absences open
e0 nn......
e1 na......
e2 nnnnnnnn
e3 nnnnnnnn
e4 nnnnnnnn
want
1+1 opened deviation e1 #1 since 1+1 points 1 value 112 peak 112 at 1+1
6+2 resolved deviation e1 #1 since 1+1 points 1 value 112 peak 112 at 1+1 until 5+1 silent
6+2 opened absence e0 #2 since 2 points 4 usual 101
6+2 opened absence e1 #3 since 2 points 4 usual 101
