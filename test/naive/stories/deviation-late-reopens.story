a late anomaly reopens one that is not dropped yet
e0 nnannnnnnn
after 9 e0 a at 1
e1 nnnnnnnnnn
e2 nnnnnnnnnn
e3 nnnnnnnnnn
want
2 opened deviation e0 #1 since 2 points 1 value 112 peak 112 at 2
6 resolved deviation e0 #1 since 2 points 1 value 112 peak 112 at 2 until 6 recovered
9+3 reopened deviation e0 #1 since 2 points 2 value 112 peak 112 at 2
