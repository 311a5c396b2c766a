"""Rows of a forest plot: the coefficients of one or several models, brought together by name."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analyses.formatting import TIMES, capitalised, hazard_ratio, label, per_step
from analyses.plots.style import FigureStyle
from analyses.results.coefficient import Coefficient
from analyses.results.cox import CoxModel
from analyses.results.fine_gray import FineGray
from analyses.results.pooled_cox import PooledCox
from analyses.results.terms import BETWEEN, Term

Model = CoxModel | FineGray | PooledCox
Models = Model | Mapping[str, Model | Sequence[Model]]


@dataclass(frozen=True, slots=True)
class RatioWords:
    """What the ratios of a column are called: over numbers, under the axis, in running text."""

    head: str
    titles: tuple[str, ...]
    hints: tuple[str, str]
    plural: str


_HAZARD = RatioWords(
    "HR",
    ("Hazard ratio (log scale)", "HR (log scale)", "HR"),
    ("← lower hazard", "higher hazard →"),
    "hazard ratios",
)
_SUBDISTRIBUTION = RatioWords(
    "sHR",
    (
        *("Subdistribution hazard ratio (log scale)", "Subdistribution hazard ratio"),
        *("sHR (log scale)", "sHR"),
    ),
    ("← lower incidence", "higher incidence →"),
    "subdistribution hazard ratios (sHR)",
)


def words_of(models: Sequence[Model]) -> RatioWords:
    """The words of a column: of Fine and Gray models, or of Cox models."""
    of_incidence = bool(models) and all(isinstance(model, FineGray) for model in models)
    return _SUBDISTRIBUTION if of_incidence else _HAZARD


@dataclass(frozen=True, slots=True)
class ForestRow:
    """One line: its words, and the coefficient of each column (None where a model lacks it).

    A heading names a term whose levels follow; it has no coefficients. `against` is the level
    compared with, in words.
    """

    term: str
    level: str | None
    words: str
    heading: bool
    against: str = ""
    coefficients: tuple[Coefficient | None, ...] = ()

    @property
    def shown(self) -> Coefficient | None:
        """The coefficient whose patients and events are printed: of the last column with one."""
        return next((c for c in reversed(self.coefficients) if c is not None), None)


def named_columns(models: Models) -> tuple[tuple[str, tuple[Model, ...]], ...]:
    """(title, models) of each column; a single model has no title."""
    if isinstance(models, Model):
        return (("", (models,)),)
    return tuple(
        (title, (given,) if isinstance(given, Model) else tuple(given))
        for title, given in models.items()
    )


def forest_rows(columns: Sequence[tuple[str, tuple[Model, ...]]]) -> tuple[ForestRow, ...]:
    """Rows in the order of the column with the most terms, then what only others have."""
    terms: dict[str, Term] = {}
    levels: dict[str, dict[str | None, None]] = {}
    found: dict[tuple[int, str, str | None], Coefficient] = {}
    widest_first = sorted(enumerate(columns), key=lambda item: -_n_terms(item[1][1]))
    for place, (_, models) in widest_first:
        for model in models:
            terms = {**{term.name: term for term in model.terms}, **terms}
            for c in model.coefficients:
                levels.setdefault(c.term, {}).setdefault(c.level)
                found[place, c.term, c.level] = c
    rows = []
    for name, own in levels.items():
        term = terms[name]
        if set(own) != {None}:
            rows.append(ForestRow(name, None, term_words(term), True))
        if term.kind == "spline":  # the columns of a curve are no hazard ratios singly
            continue
        for level in own:
            words = term_words(term) if level is None else level_words(term, level)
            every = [found.get((i, name, level)) for i, _ in enumerate(columns)]
            lead = next(every[i] for i, _ in widest_first if every[i] is not None)
            # Ratios against different references do not stand side by side.
            cells = tuple(
                c if c is None or lead is None or c.reference == lead.reference else None
                for c in every
            )
            against = reference_words(term, level)
            rows.append(ForestRow(name, level, words, False, against, cells))
    return tuple(rows)


def _n_terms(models: Sequence[Model]) -> int:
    return len({term.name for model in models for term in model.terms})


def term_words(term: Term) -> str:
    """Words for a term as a whole, with the step of a number."""
    if term.kind == "interaction":
        return TIMES.join(label(part.name) for part in term.parts)
    if term.kind == "spline":
        return f"{label(term.name)} (spline)"
    if term.kind == "over_time":
        return f"{term_words(term.parts[0])}, {'by period' if term.cuts else 'over time'}"
    return per_step(term.name, term.per) if term.kind == "number" else label(term.name)


def level_words(term: Term, level: str) -> str:
    """Words for one level, found through the term's own parts and never read out of a string."""
    if term.kind == "over_time":
        return _period_words(term, level)
    if term.kind != "interaction":
        return capitalised(level) if term.kind == "spline" else label(term.name, level)
    pair = _pair(term, level)
    return TIMES.join(
        per_step(part.name, part.per) if x is None else level_words(part, x)
        for part, (x, _) in zip(term.parts, pair, strict=True)
    )


def _period_words(term: Term, level: str) -> str:
    """Words for one level in one period, or for its change with time."""
    for (joined, _), (own, _, when) in zip(term.labels, term.in_time, strict=True):
        if joined == level:
            name = "" if own is None else level_words(term.parts[0], own)
            between = ", " if term.cuts else TIMES
            return capitalised(between.join(part for part in (name, when) if part))
    raise KeyError(f"the term {term.name!r} has no level {level!r}")


def reference_words(term: Term, level: str | None) -> str:
    """Words for what a level is compared with; empty for a number."""
    if term.kind == "category" and term.reference is not None:
        return label(term.name, term.reference)
    if term.kind == "over_time":
        return reference_words(term.parts[0], level)
    if term.kind != "interaction":
        return ""
    pair = zip(term.parts, _pair(term, level), strict=True)
    return TIMES.join(level_words(part, x) for part, (_, x) in pair if x is not None)


def _pair(term: Term, level: str | None) -> tuple[tuple[str | None, str | None], ...]:
    """(level, reference) of each part of the interaction that has this joined level."""
    for pair in itertools.product(*(part.labels for part in term.parts)):
        joined = BETWEEN.join(x for x, _ in pair if x is not None)
        if joined == (level or ""):
            return pair
    raise KeyError(f"the interaction {term.name!r} has no level {level!r}")


def notes(
    columns: Sequence[tuple[str, tuple[Model, ...]]],
    rows: Sequence[ForestRow],
    *,
    clipped: bool,
    counted: bool,
) -> tuple[str, ...]:
    """What a reader must know of the picture; `counted` where events and patients are shown."""
    models = [model for _, own in columns for model in own]
    if not models:
        return ("No model.",)
    said = [f"{'; '.join(_fitted(models))}; squares are sized by events."]
    if any(_is_robust(model) for model in models):
        said.append("Limits from the robust variance.")
    if any(term.kind == "spline" for model in models for term in model.terms):
        said.append("Splines are curves and have no single ratio.")
    if clipped:
        said.append("Arrows: limits beyond the axis.")
    if counted and len(columns) > 1:
        said.append(f"Events and patients are those of the column “{columns[-1][0]}”.")
    missing: dict[str, list[str]] = {}
    for row in rows:
        for (title, _), c in zip(columns, row.coefficients, strict=False):
            if c is not None and c.status != "ok":
                where = f"{row.words} ({title.lower()})" if title else row.words
                missing.setdefault(c.reason or "no reason given", []).append(where)
    said += [f"Not estimable: {', '.join(who)}: {why}." for why, who in missing.items()]
    return (" ".join(said),)


def _fitted(models: Sequence[Model]) -> list[str]:
    """What the models are, each kind once."""
    cox = [model for model in models if isinstance(model, CoxModel | PooledCox)]
    ties = sorted({model.ties.capitalize() for model in cox})
    said = [f"Cox models, {' and '.join(ties)} ties"] if ties else []
    drawn = sorted({model.m for model in models if isinstance(model, PooledCox)})
    said += [f"imputed by Rubin's rules over {m} imputations" for m in drawn]
    if any(isinstance(model, FineGray) for model in models):
        said.append("Fine and Gray models, HR of the subdistribution (sHR)")
    return said


def _is_robust(model: Model) -> bool:
    if isinstance(model, CoxModel | PooledCox):
        return model.robust
    return model.variance != "Fine and Gray"


def alternative_text(
    columns: Sequence[tuple[str, tuple[Model, ...]]],
    rows: Sequence[ForestRow],
    style: FigureStyle,
) -> str:
    """The figure in words: every hazard ratio with its limits."""
    plurals = dict.fromkeys(words_of(models).plural for _, models in columns)
    said = [f"Forest plot of {' and '.join(plurals)}."]
    for place, (title, _) in enumerate(columns):
        parts = []
        for row in rows:
            c = row.coefficients[place] if row.coefficients else None
            if c is None or c.is_reference:
                continue
            against = f" against {row.against}" if row.against else ""
            ratio = hazard_ratio(*c.hazard_ratio, style.numbers)
            parts.append(f"{row.words}{against} {ratio}")
        head = f"{title}: " if title else ""
        said.append(f"{head}{'; '.join(parts) or 'no coefficient'}.")
    return " ".join(said)
