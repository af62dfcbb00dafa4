"""Statements under the protection `aggregates`: a closed form, computed as cells, protected, then answered.

`form` finds the cores of a statement (each SELECT whose FROM holds people) and proves them closed; `cells` is
their SQL; `protect` drops and perturbs cells; `outer` is the statement over protected cells; `run` does it.
"""
