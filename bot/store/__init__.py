"""The database: tables and queries, one file of queries for each noun.

Functions take an explicit connection, so that the caller says what belongs into one transaction:

    store = open_store(data)                       # bot/store/opening.py
    with store.writing() as connection:
        drafts.get(connection, 7)

Nothing outside this folder knows SQL.
"""
