"""How good the answers are, over posts whose right answers a person wrote down.

`corpus` reads the posts, `answering` has them answered, `marking` holds each answer against its labels,
`figures` counts, `changes` compares two runs, `page` draws one as HTML.
"""
