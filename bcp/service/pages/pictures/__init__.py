"""Pictures drawn on the server: SVG and a text twin saying the same. Pure functions.

Promise: a picture is a function of values, needs no script and no colour (heights, hatching and
dots tell the states apart in a monochrome print), and `Picture.twin` says in words all that it
shows. Nothing here reads a board, a clock or a file.
"""
