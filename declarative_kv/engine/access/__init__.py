"""Who can do what on which vault, secret or key, and through what: pure functions over a picture of an estate.

`estate` is that picture; `picture` draws it from specs, live, wanted or offline. `model.capabilities` lists what can be
done.
`analysis.answers` gives every answer with its path; `direct` holds what grants give by themselves, `indirect` what
their holders could give themselves with them. `difference` compares two pictures for a plan, `invariants` holds one
against the rules of the YAML. `rules` names every rule, so that a test can do without each of them.
"""
