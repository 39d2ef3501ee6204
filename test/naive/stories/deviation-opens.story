an anomaly opens a deviation at once
e0 nna
e1 nnn
e2 nnn
e3 nnn
want
2 opened deviation e0 #1 since 2 points 1 value 112 peak 112 at 2
