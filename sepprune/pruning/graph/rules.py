"""The table of all rules, by operation. To add a rule, see ``docs/adding-a-rule.md``."""

from __future__ import annotations

from . import (
    rules_contractions,
    rules_convolutions,
    rules_elementwise,
    rules_indexing,
    rules_norms,
    rules_products,
    rules_recurrent,
    rules_reductions,
    rules_shapes,
    rules_slices,
    rules_spatial,
)
from .flow import Rules

#: one table per kind of operation
TABLES: tuple[Rules, ...] = (
    rules_contractions.RULES,
    rules_convolutions.RULES,
    rules_elementwise.RULES,
    rules_indexing.RULES,
    rules_norms.RULES,
    rules_products.RULES,
    rules_recurrent.RULES,
    rules_reductions.RULES,
    rules_shapes.RULES,
    rules_slices.RULES,
    rules_spatial.RULES,
)

RULES: Rules = {name: rule for table in TABLES for name, rule in table.items()}
