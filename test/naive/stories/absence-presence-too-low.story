an entity in less than absence_min_presence of the bins is not absent
warm 0
e0 n.nn.nn.nn.nn.nn......
e1 n.nnnn.nnnn.nnnn......
e2 nnnnnnnnnnnnnnnnnnnnnn
e3 nnnnnnnnnnnnnnnnnnnnnn
e4 nnnnnnnnnnnnnnnnnnnnnn
e5 nnnnnnnnnnnnnnnnnnnnnn
want
20+2 opened absence e1 #1 since 16 points 4 usual 101
