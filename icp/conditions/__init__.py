"""Conditions over one account: a small tree with one meaning everywhere.

```
Condition
 ├─ Compare   vendors >= 5      industry = 'Retail'     end < date '2026-12-31'
 ├─ In        industry in ('Retail', 'Hospitality')     Flag: not operations_team
 ├─ Missing   budget is missing
 ├─ Has       tools has 'SAP'                           (a column of several values)
 └─ And, Or, Not
```

A condition is written as text and read back (`parse`, `str`), runs on frames
(`expr`), on one row (`holds`) and in a database (`to_sql`), and explains itself
(`words`). All use the three-valued logic of SQL: an unknown value makes a comparison
unknown, and unknown never counts as true (`covers`).
"""

from icp.conditions.parse import ConditionText, parse
from icp.conditions.sql import to_sql
from icp.conditions.tree import (
    And,
    Compare,
    Condition,
    Has,
    In,
    Missing,
    Not,
    Operator,
    Or,
    Value,
)

__all__ = [
    "And",
    "Compare",
    "Condition",
    "ConditionText",
    "Has",
    "In",
    "Missing",
    "Not",
    "Operator",
    "Or",
    "Value",
    "parse",
    "to_sql",
]
