"""How a file of any shape becomes typed rows, quarantined rows and counted lines that are no data.

`read.read` is the one way in. A file is opened (`opening`), its table found (`header`), its records
parted (`delimited`, `workbook`, `jsonlines`, `columnar`; awkward ones one by one in `collect`) and
every column converted at once (`convert`). Only the standardising methods and Arrow are called: no
database, no clock. To the row: rows in the file = rows read + rows quarantined.
"""
