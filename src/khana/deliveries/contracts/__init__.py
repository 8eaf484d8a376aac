"""What a contract and a manifest may say: the two documents that describe somebody else's files.

`schema` holds the contract (how one kind of file is read onto facts), `manifest` the list of files
that make up one country's set, `loading` turns YAML into either of them with messages that a
clerk can act on. Nothing here opens a data file or knows a database.
"""
