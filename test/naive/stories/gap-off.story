with gap_below 0 there are no gaps, but an empty bin still counts for no absence
set gap_below 0
set absence_after 2
e0 n......
e1 nn.n.nn
e2 nn...nn
e3 nn...nn
want
5+1 opened absence e0 #1 since 1 points 4 usual 101
