a state that begins anew has no row of anomalies, and resolves none
set open_after 2
e0 aaann
anew 1
e1 nnnnn
e2 nnnnn
e3 nnnnn
want
2 opened deviation e0 #1 since 1 points 2 value 112 peak 112 at 1
