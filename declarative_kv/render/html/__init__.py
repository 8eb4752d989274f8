"""Plans and drift as one self-contained page: no request leaves it, and nothing in it is markup that a name brought.

`element` builds markup, `frame` is the page around all, `sections`, `changes`, `matrix` and `graph` are its parts,
`plan_page` and `drift_page` put them together. The style sheet and the script lie beside as files.
"""
