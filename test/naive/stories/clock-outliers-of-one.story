outliers of one entity among four move nothing
e0 nnnn
e1 nnnn
e2 nnnn
e3 nnnn
after 1 e0 n at 35000
after 1 e0 n at 35001
after 1 e0 n at 35002
after 1 e0 n at 35003
after 1 e0 n at 35004
after 1 e0 n at 35005
after 1 e0 n at 35006
after 1 e0 n at 35007
after 1 e0 n at 35008
after 1 e0 n at 35009
after 1 e0 n at 35010
after 1 e0 n at 35011
after 1 e0 n at 35012
after 1 e0 n at 35013
after 1 e0 n at 35014
after 1 e0 n at 35015
after 1 e0 n at 35016
after 1 e0 n at 35017
after 1 e0 n at 35018
after 1 e0 n at 35019
want
