half of the usual entities are enough
e0 nnnnnn
e1 nnnnnn
e2 nn..nn
e3 nn..nn
want
