"""Edge cases of the HER2 classification: what may be chosen, and what a study has chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cohort import her2_rules
from cohort.errors import Problem, SpecError, listed, suggest

NAMED = "policy"  # the key under which a study names a set of choices


def policies() -> dict[str, tuple[str, ...]]:
    """Edge cases by id with the choices a study file may name, the default first."""
    return {policy.id: policy.choices for policy in her2_rules.policies()}


def named_policies() -> dict[str, dict[str, str]]:
    """Sets of choices by name, each as edge case to choice."""
    found: dict[str, dict[str, str]] = {}
    for row in her2_rules.read("named_policies"):
        found.setdefault(row["name"], {})[row["policy"]] = row["choice"]
    return found


def named_meaning(name: str) -> str:
    """The sentence that the methods text prints for a named set."""
    return next(r["meaning"] for r in her2_rules.read("named_policies") if r["name"] == name)


def given(policies: Mapping[str, str] | str | None) -> dict[str, str]:
    """What was given, as edge case to choice; a text is the name of a set."""
    return {NAMED: policies} if isinstance(policies, str) else dict(policies or {})


def resolved(policies: Mapping[str, str] | str | None) -> dict[str, str]:
    """Every edge case with the choice in force.

    Raises
    ------
    SpecError
        With every name, edge case and choice that does not exist or contradicts the named set.
    """
    chosen = given(policies)
    problems = policy_problems(chosen, _place)
    if problems:
        raise SpecError(problems)
    named = named_policies().get(chosen.get(NAMED, ""), {})
    return {
        policy.id: chosen.get(policy.id, named.get(policy.id, policy.choices[0]))
        for policy in her2_rules.policies()
    }


def asked_for(edition: int, policies: Mapping[str, str] | str | None) -> dict[str, str]:
    """Every edge case with the choice in force, of an edition that exists.

    Raises
    ------
    SpecError
        As `resolved`, and for an edition that is not there.
    """
    known = her2_rules.editions()
    problems: tuple[Problem, ...] = ()
    if edition not in known:
        allowed = f"Editions: {listed(map(str, known))}"
        problems = (Problem("her2.edition", f"{edition!r} is not available", allowed),)
    problems += policy_problems(given(policies), _place)
    if problems:
        raise SpecError(problems)
    return resolved(policies)


def _place(name: str) -> str:
    return f"her2.policies.{name}"


def policy_problems(chosen: Mapping[str, str], place: Callable[[str], str]) -> tuple[Problem, ...]:
    """Every wrong name, edge case and choice; `place` says where an edge case was written."""
    known, named = policies(), named_policies()
    fixed = named.get(chosen.get(NAMED, ""), {})
    problems = []
    for name, choice in chosen.items():
        if name == NAMED:
            if choice not in named:
                problems.append(
                    _unknown(place(name), f"no named policy '{choice}'", "Named", choice, named)
                )
        elif name not in known:
            problems.append(
                _unknown(place(name), f"'{name}' is not an edge case", "Edge cases", name, known)
            )
        elif choice not in known[name]:
            found = f"'{choice}' is not a choice of {name}"
            problems.append(_unknown(place(name), found, "Choices", choice, known[name]))
        elif fixed.get(name, choice) != choice:
            problems.append(
                Problem(
                    place(name),
                    f"{chosen[NAMED]} decides {name} itself: {fixed[name]}",
                    advice=f"Leave {name} out, or name each edge case instead of the policy.",
                )
            )
    return tuple(problems)


def _unknown(
    where: str, found: str, what: str, word: str, known: Mapping[str, object] | tuple[str, ...]
) -> Problem:
    return Problem(where, found, f"{what}: {listed(known)}", suggest(word, known))
