an entity that vanished in the first bin is absent, though no whole bin came before
set absence_after 2
anew 0
e0 nnn.....
e1 nnnnnnnn
e2 nnnnnnnn
e3 nnnnnnnn
want
5+1 opened absence e0 #1 since 3 points 2 usual 101
