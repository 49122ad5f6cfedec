"""The application check of a restore test: a dump is loaded and asked, not believed.

Promise: nothing here can touch a live database. The server is made anew in the scratch folder, hears
on a unix socket in its own private folder only (no TCP), has one database whose name the plan refuses
for live ones, dies with us, and is destroyed with what was restored.

`server` (the throw-away server of either engine), `loading` (load one dump and ask it), `opening`
(every dump of a restored snapshot against the expectations of the custody record).
"""
