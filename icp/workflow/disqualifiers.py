"""When to walk away: rules that are proposed, judged by people, and laid down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from icp.conditions import Condition, parse
from icp.config import PolicyConfig, add_policy, remove_policy
from icp.disqualifiers import Disqualifier, Override
from icp.errors import NotFoundError, PermissionDeniedError, RuleError, near
from icp.workflow import imports, labels, learning, scoring
from icp.workflow.access import granted, needs
from icp.workflow.context import Progress, rewrite, silent
from icp.workflow.lists import Lists
from icp.workflow.rules import rules

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from icp.disqualifiers import Evidence, State
    from icp.store.disqualifiers import Proposed
    from icp.workflow.context import Context


@dataclass(frozen=True, kw_only=True)
class RuleSearch:
    """What a search for disqualifiers came to."""

    #: Strong ones first; as they are in the store now.
    rules: tuple[Disqualifier, ...]
    #: Rule id -> new, again (newer evidence), same, held back (retired not long ago).
    became: Mapping[str, Proposed]
    #: What was tried, and what was left out and why.
    sentences: tuple[str, ...]

    @property
    def strong(self) -> tuple[Disqualifier, ...]:
        """Found beyond chance, confirmed on newer customers, and worth leaving for."""
        return tuple(r for r in self.rules if r.latest and r.latest.strong)


class Rulebook(Lists):
    """Disqualifiers: what a search proposes, what people decide, what is policy."""

    @needs("analyst")
    def find_disqualifiers(
        self, *, seed: int = 0, progress: Progress | None = None
    ) -> RuleSearch:
        """Search the labelled customers and propose what is found."""
        return _find(self._context, seed, progress or silent)

    @needs("viewer")
    def disqualifiers(self, state: State | None = None) -> tuple[Disqualifier, ...]:
        """All rules, or those of one state; policy first, retired ones last."""
        found = rules(self._context)
        return tuple(rule for rule in found if state in {None, rule.state})

    @needs("viewer")
    def disqualifier(self, ref: str) -> Disqualifier:
        """The rule whose id starts like that; raises NotFoundError."""
        return _one(self._context, ref)

    @needs("analyst")
    def try_rule(self, when: str) -> Evidence:
        """What a rule of your own would have done to the customers so far."""
        return _tried(self._context, _readable(self._context, when))

    @needs("analyst")
    def move_disqualifier(self, ref: str, state: State, *, reason: str) -> Disqualifier:
        """Activate, watch (shadow), doubt (probation) or retire a rule, saying why.

        Retiring a policy takes it out of `icp.toml`.
        """
        moved = _moved(self._context, _one(self._context, ref), state, reason)
        self._reload()
        return moved

    @needs("analyst")
    def add_policy_rule(
        self,
        when: str,
        /,
        *,
        why: str,
        reason: str = "ethics",
        title: str = "",
        exit: str = "",
        review_on: date | None = None,
    ) -> Disqualifier:
        """Lay down a rule that no score buys back; it is written into `icp.toml`.

        `reason` is the code of one of the reasons to walk away.
        """
        from icp.workflow.judging import catalogue

        context = self._context
        policy = PolicyConfig(
            when=_readable(context, when),
            reason=catalogue(context)[reason].code,
            why=_said(why),
            who=context.actor,
            since=_today(context),
            title=title,
            exit=exit,
            review_on=review_on,
        )
        rewrite(context, lambda text: add_policy(text, policy))
        laid = policy.rule
        context.store.note("policy_rule", laid.id, actor=context.actor, **_told(laid))
        self._reload()
        return laid

    @needs("rep")
    def allow_exception(
        self, ref: str, account_id: str, *, reason: str, approver: str | None = None
    ) -> Override:
        """Pursue an account although a rule covers it; policy needs an approver.

        The account is called by id or name; the approver is somebody else who may
        judge rules here.
        """
        context = self._context
        rule = _one(context, ref)
        approver = (approver or "").strip() or None
        _check_approver(context, approver)
        asked = Override(
            rule=rule.id,
            account_id=str(scoring.account(context, account_id)["account_id"]),
            asked_by=context.actor,
            approver=approver,
            reason=_said(reason),
            on=_today(context),
        ).of(rule)
        context.store.rules.allow(asked)
        return asked

    @needs("viewer")
    def exceptions(self, account_id: str | None = None) -> list[Override]:
        """Exceptions that were allowed, oldest first."""
        return self._context.store.rules.exceptions(account_id)


def _one(context: Context, ref: str) -> Disqualifier:
    meant = [rule for rule in rules(context) if ref and rule.id.startswith(ref)]
    if len(meant) == 1:
        return meant[0]
    many = f"{len(meant)} rules start with" if meant else "no rule is called"
    raise NotFoundError(f"{many} {ref!r}; icp rules list shows them all")


def _find(context: Context, seed: int, progress: Progress) -> RuleSearch:
    from icp.learn import learn_disqualifiers

    customers = labels.labelled(context).collect()
    group, when = learning.respected(context, customers.lazy())
    found = learn_disqualifiers(
        customers,
        learning.profile(context, None),
        economics=context.config.economics.economics(customers),
        schema=imports.schema(context, "customers"),
        date=when,
        group=group,
        on=_today(context),
        seed=seed,
        progress=progress,
    )
    became = context.store.rules.propose(found.rules, actor=context.actor)
    now = {rule.id: rule for rule in context.store.rules.all()}
    return RuleSearch(
        rules=tuple(now[rule.id] for rule in found.rules),
        became=became,
        sentences=found.sentences(),
    )


def _tried(context: Context, condition: Condition) -> Evidence:
    from icp.learn import weigh_rule

    customers = labels.labelled(context).collect()
    economics = context.config.economics.economics(customers)
    return weigh_rule(customers, condition, economics=economics, on=_today(context))


def _moved(
    context: Context, rule: Disqualifier, state: State, reason: str
) -> Disqualifier:
    def step(before: Disqualifier) -> Disqualifier:
        return before.move(state, by=context.actor, reason=reason, on=_today(context))

    if rule.kind == "learned":
        return context.store.rules.change(rule.id, step, actor=context.actor)
    moved = step(rule)
    rewrite(context, lambda text: remove_policy(text, rule.condition))
    context.store.note("policy_rule", rule.id, actor=context.actor, **_told(moved))
    return moved


def _told(rule: Disqualifier) -> dict[str, str]:
    last = rule.moves[-1]
    return {
        "condition": str(rule.condition),
        "state": rule.state,
        "code": rule.reason,
        "reason": last.reason,
    }


def _readable(context: Context, when: str) -> Condition:
    """The condition, over columns that customers or prospects have."""
    condition = parse(when)
    known = _columns(context)
    unknown = sorted(condition.columns - known)
    if known and unknown:
        message = f"no account has the column {unknown[0]!r}; {near(unknown[0], known)}"
        raise RuleError(message)
    return condition


def _columns(context: Context) -> set[str]:
    """The columns of all accounts; none before the first import."""
    if imports.last_import(context) is None:
        return set()
    names: set[str] = set()
    for population in ("customers", "prospects"):
        try:
            names |= set(imports.schema(context, population).names)
        except NotFoundError:
            continue
    return names


def _said(reason: str) -> str:
    if not reason.strip():
        raise RuleError("nobody says why; give a reason")
    return reason.strip()


def _check_approver(context: Context, approver: str | None) -> None:
    if approver is None:
        return
    role = granted(approver, context.config.roles, None)
    if role not in {"analyst", "admin"}:
        message = f"{approver!r} is {role} here; name an analyst or an admin"
        raise PermissionDeniedError(message)


def _today(context: Context) -> date:
    return context.store.database.clock().date()
