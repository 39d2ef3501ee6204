an entity that was not absent when it became silent is not absent later
warm 0
e0 .n...n.nnnnnnnnnn....................
e1 nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn
e2 nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn
e3 nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn
e4 nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn
want
