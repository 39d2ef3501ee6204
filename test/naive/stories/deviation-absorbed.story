beyond the band of its first anomaly it is absorbed
e0 axxxx
e1 nnnnn
e2 nnnnn
e3 nnnnn
want
0 opened deviation e0 #1 since 0 points 1 value 112 peak 112 at 0
4 resolved deviation e0 #1 since 0 points 1 value 112 peak 112 at 0 until 4 absorbed
