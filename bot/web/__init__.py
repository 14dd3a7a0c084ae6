"""The moderators' pages: server-rendered, one file for each page; they work without JavaScript.

`app.py` puts them together, `guard.py` decides who may ask for what, `server.py` starts them.
"""
