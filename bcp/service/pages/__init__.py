"""The pages: what people see, drawn on the server, readable without script, colour or mouse.

Promise: one style sheet, no framework, no font from outside, each page under 30 kB; a state is told
by shape, word and colour together; what is not known is never drawn as good; a page drawn from an
old state refuses to act on it and shows both statements. Handlers turn rooms' values into view
values; templates only arrange them; pictures are pure functions in `pictures/`.

What may not enter: decisions of the domain (they belong to the room that owns the state), SQL,
colours or words of a state anywhere but in `style.css` and the catalogue.
"""
