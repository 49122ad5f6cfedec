"""Announcements: what a city says, to whom, in which words, and how it is read aloud.

- `template`   texts approved beforehand (plan), with placeholders of a closed list; `fill`
- `speech`     how long a text takes when read aloud; what cannot be read aloud
- `forms`      the same text as 防災行政無線 script, as large-print poster, as telephone text
- `state`      what stands, what is due, what was promised: a fold of `announcement.` entries

Pure. May not enter: HTML, the journal, a clock. A percentage never leaves this house (R-87).
"""
