points are counted, so a duplicate helps
warm 0
e0 nn.nn.nnn......
e1 nn.nn.dnn......
e2 nnnnnnnnnnnnnnn
e3 nnnnnnnnnnnnnnn
e4 nnnnnnnnnnnnnnn
e5 nnnnnnnnnnnnnnn
want
13+2 opened absence e1 #1 since 9 points 4 usual 101
