"""What a score is, in plain loops: slow, obvious, independent of the real plan."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from icp.schema import Kind

if TYPE_CHECKING:
    from icp.profile import AttributeTable, Profile


def naive_code(table: AttributeTable, value: Any) -> int:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return 0
    if table.kind is Kind.NUMBER:
        if math.isinf(value):
            return 1
        code = 2
        for edge in table.edges:
            if edge <= value:
                code += 1
        return code
    if table.kind is Kind.CATEGORY:
        for level, code in table.levels:
            if level == value:
                return code
        return 1
    held = table.value in value if table.kind is Kind.MULTI else value
    return 3 if held else 2


def naive_score(row: dict[str, Any], profile: Profile) -> dict[str, Any]:
    codes = [naive_code(t, row.get(t.column)) for t in profile.tables]
    parts = {"base": profile.base}
    for table, code in zip(profile.tables, codes, strict=True):
        parts[table.name] = table.points[code]
    by_name = dict(zip([t.name for t in profile.tables], codes, strict=True))
    for pair in profile.pairs:
        size = next(t.size for t in profile.tables if t.name == pair.second)
        place = by_name[pair.first] * size + by_name[pair.second]
        parts[pair.name] = pair.points[place]
    margin = sum(parts.values())
    total = sum(t.information for t in profile.tables)
    known = sum(t.information for t, c in zip(profile.tables, codes, strict=True) if c)
    known_fraction = math.floor(1000 * known / total) / 1000 if total else 1.0
    closed = profile.novelty.closed
    novelty = sum(t.pooled[c] for t, c in zip(profile.tables, codes, strict=True))
    novelty_p = (
        (1 + sum(d >= novelty for d in closed)) / (1 + len(closed)) if closed else None
    )
    return {
        **naive_answer(profile, margin, known_fraction, novelty_p),
        "margin": margin,
        **naive_nearest(profile, codes, "best"),
        **naive_nearest(profile, codes, "regrettable"),
        "known_fraction": known_fraction,
        "novelty_p": novelty_p,
        "disqualified_by": [],
        "parts": parts,
    }


def naive_answer(
    profile: Profile, margin: int, known_fraction: float, novelty_p: float | None
) -> dict[str, Any]:
    calibration, limits = profile.calibration, profile.abstention
    nothing = dict.fromkeys(("fit", "grade", "p_best", "p_low", "p_high"))
    refused = {**nothing, "state": "not_evaluable"}
    if not calibration.thresholds or profile.provenance.evidence.level == "none":
        return refused
    step = sum(threshold <= margin for threshold in calibration.thresholds)
    low, high = calibration.low[step], calibration.high[step]
    if round(known_fraction * 1000) < limits.known or high - low > limits.width:
        return refused
    if novelty_p is not None and novelty_p * 1000 < limits.novelty - 1e-9:
        return refused
    size = calibration.shown_step
    rounded = math.floor(step / size + 0.5) * size if size else None
    return {
        "fit": step / 10,
        "grade": calibration.grades[step],
        "state": "scored",
        "p_best": None if rounded is None else min(rounded, 1000) / 1000,
        "p_low": low / 1000 if size else None,
        "p_high": high / 1000 if size else None,
    }


def naive_nearest(profile: Profile, codes: list[int], kind: str) -> dict[str, Any]:
    best: tuple[int, str | None] | None = None
    for segment in profile.segments:
        if segment.kind == kind:
            distance = sum(
                row[c] for row, c in zip(segment.surprises, codes, strict=True)
            )
            if best is None or distance < best[0]:
                best = (distance, segment.name)
    distance, name = best or (0, None)
    return {f"distance_{kind}": distance, f"nearest_{kind}": name}
