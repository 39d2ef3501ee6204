an entity that vanished before stream time was known, or before it moved back, is not absent
warm 0
set history_hours 2
set absence_after 1
e0 nn.....
e1 nnnnnnn
e2 nnnnnnn
anew 1
want
