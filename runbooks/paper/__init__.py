"""Paper: what must exist when nothing else does (様式9, 11, runbooks, card of the first to arrive).

A sheet is a plain value (`sheet.Sheet`); `pdf` sets it with Typst (extra `pdf`), the pages render the
same value as HTML with a print style, `markdown` as text. A4, one colour, no meaning by colour.
Nobody pastes text into markup: data travels as JSON. May not enter: HTML, files of the city.
"""
