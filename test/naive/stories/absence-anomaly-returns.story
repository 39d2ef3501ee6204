an anomaly returns an absent entity as any point
e0 n.....annnn
e1 nnnnnnnnnnn
e2 nnnnnnnnnnn
e3 nnnnnnnnnnn
want
5+1 opened absence e0 #1 since 1 points 4 usual 101
6 resolved absence e0 #1 since 1 points 5 usual 101 until 6 returned
6 opened deviation e0 #2 since 6 points 1 value 112 peak 112 at 6
10 resolved deviation e0 #2 since 6 points 1 value 112 peak 112 at 6 until 10 recovered
