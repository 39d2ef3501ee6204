a late anomaly opens another one when stream time has left reopen_within
e0 nnannnnnnnnnnnnnnnnnnnnnnnnnn
after 28 e0 a at 4
e1 nnnnnnnnnnnnnnnnnnnnnnnnnnnnn
e2 nnnnnnnnnnnnnnnnnnnnnnnnnnnnn
e3 nnnnnnnnnnnnnnnnnnnnnnnnnnnnn
want
2 opened deviation e0 #1 since 2 points 1 value 112 peak 112 at 2
6 resolved deviation e0 #1 since 2 points 1 value 112 peak 112 at 2 until 6 recovered
28+3 opened deviation e0 #2 since 4 points 1 value 112 peak 112 at 4
