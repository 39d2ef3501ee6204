with absence_after 0 there is none
set absence_after 0
e0 n........n
e1 nnnnnnnnnn
e2 nnnnnnnnnn
e3 nnnnnnnnnn
want
