an entity with too few points to be scored is not absent
warm 0
e0 ......nnnnnn......
e1 .....nnnnnnn......
e2 nnnnnnnnnnnnnnnnnn
e3 nnnnnnnnnnnnnnnnnn
e4 nnnnnnnnnnnnnnnnnn
e5 nnnnnnnnnnnnnnnnnn
want
16+2 opened absence e1 #1 since 12 points 4 usual 101
