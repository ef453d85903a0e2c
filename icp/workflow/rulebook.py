"""When to walk away: the reasons, the rules that a search proposes, and policies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from icp.conditions import Condition, parse
from icp.config import PolicyConfig, add_policy, remove_policy
from icp.disqualifiers import Disqualifier, Override, deciding
from icp.errors import (
    ConfigError,
    NotFoundError,
    PermissionDeniedError,
    RuleError,
    near,
)
from icp.qualify import default_catalogue, read_catalogue
from icp.workflow.access import Area, Progress, Session, granted, needs, silent
from icp.workflow.accounts import BASES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from icp.disqualifiers import Evidence, State
    from icp.qualify import Catalogue
    from icp.store.disqualifiers import Proposed
    from icp.workflow.accounts import Accounts
    from icp.workflow.labels import Labels
    from icp.workflow.learning import Profiles


#: A workspace's own reasons, beside `icp.toml`.
REASONS: Final = "reasons.toml"
#: As they are listed: what decides first, retired ones last.
_ORDER: Final = ("policy", "active", "probation", "shadow", "proposed", "retired")


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
        """Beyond chance, confirmed on newer customers, and worth leaving for."""
        return tuple(r for r in self.rules if r.latest and r.latest.strong)


class Rules(Area):
    """Disqualifiers: what a search proposes, what people decide, what is policy.

    A rule is called by its id or the start of it.
    """

    def __init__(
        self,
        session: Session,
        accounts: Accounts,
        labels: Labels,
        profiles: Profiles,
        /,
    ) -> None:
        super().__init__(session)
        self._accounts = accounts
        self._labels = labels
        self._profiles = profiles

    @needs("analyst")
    def search(self, *, seed: int = 0, progress: Progress = silent) -> RuleSearch:
        """Search the labelled customers for rules and propose what turns up."""
        from icp.learn import learn_disqualifiers

        session = self._session
        customers = self._labels.labelled().collect()
        group, date = self._profiles.group_and_date(customers.lazy())
        result = learn_disqualifiers(
            customers,
            self._profiles.get(),
            economics=session.config.economics.economics(customers),
            schema=self._accounts.schema(),
            date=date,
            group=group,
            on=session.today(),
            seed=seed,
            progress=progress,
        )
        became = session.store.rules.propose(result.rules, actor=session.actor)
        rules = {rule.id: rule for rule in session.store.rules.all()}
        return RuleSearch(
            rules=tuple(rules[rule.id] for rule in result.rules),
            became=became,
            sentences=result.sentences(),
        )

    @needs("viewer")
    def list(self, state: State | None = None) -> tuple[Disqualifier, ...]:
        """All rules, or those of one state; policy first, retired ones last.

        Of those that wait for a decision, the strong ones are first.
        """
        policies = [policy.rule for policy in self._session.config.policy]
        rules = sorted([*policies, *self._session.store.rules.all()], key=_place)
        return tuple(rule for rule in rules if state in {None, rule.state})

    @needs("viewer")
    def in_force(self) -> tuple[Disqualifier, ...]:
        """The rules that disqualify."""
        return deciding(self.list())

    @needs("viewer")
    def get(self, ref: str, /) -> Disqualifier:
        """A rule; raises NotFoundError."""
        matches = [rule for rule in self.list() if ref and rule.id.startswith(ref)]
        if len(matches) == 1:
            return matches[0]
        count = f"{len(matches)} rules start with" if matches else "no rule is called"
        raise NotFoundError(f"{count} {ref!r}; icp rules list shows them all")

    @needs("analyst")
    def try_rule(self, when: str, /) -> Evidence:
        """What a rule of your own would have done to the customers so far."""
        from icp.learn import weigh_rule

        condition = self._condition(when)
        customers = self._labels.labelled().collect()
        economics = self._session.config.economics.economics(customers)
        today = self._session.today()
        return weigh_rule(customers, condition, economics=economics, on=today)

    @needs("analyst")
    def move(self, ref: str, state: State, /, *, reason: str) -> Disqualifier:
        """Activate, shadow, put on probation or retire a rule, saying why.

        Retiring a policy takes it out of `icp.toml`.
        """
        session, rule = self._session, self.get(ref)

        def step(before: Disqualifier) -> Disqualifier:
            today = session.today()
            return before.move(state, by=session.actor, reason=reason, on=today)

        if rule.kind == "learned":
            return session.store.rules.change(rule.id, step, actor=session.actor)
        policy = step(rule)
        session.rewrite(lambda text: remove_policy(text, rule.condition))
        self._note(policy)
        return policy

    @needs("analyst")
    def add_policy(
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
        """Add a rule that no score outweighs; it is written into `icp.toml`.

        `reason` is the code of one of the reasons to walk away.
        """
        session = self._session
        policy = PolicyConfig(
            when=self._condition(when),
            reason=self.reasons()[reason].code,
            why=_required(why),
            who=session.actor,
            since=session.today(),
            title=title,
            exit=exit,
            review_on=review_on,
        )
        session.rewrite(lambda text: add_policy(text, policy))
        self._note(policy.rule)
        return policy.rule

    @needs("rep")
    def allow_exception(
        self, ref: str, account: str, /, *, reason: str, approver: str | None = None
    ) -> Override:
        """Pursue an account although a rule covers it; policy needs an approver.

        The account is called by id or name; the approver is somebody else who may
        judge rules here.
        """
        session, rule = self._session, self.get(ref)
        approver = (approver or "").strip() or None
        if approver is not None:
            role = granted(approver, session.config.roles, None)
            if role not in {"analyst", "admin"}:
                message = f"{approver!r} is {role} here; name an analyst or an admin"
                raise PermissionDeniedError(message)
        exception = Override(
            rule=rule.id,
            account_id=str(self._accounts.find(account)["account_id"]),
            asked_by=session.actor,
            approver=approver,
            reason=_required(reason),
            on=session.today(),
        ).of(rule)
        session.store.rules.allow(exception)
        return exception

    @needs("viewer")
    def exceptions(self, account_id: str | None = None, /) -> Sequence[Override]:
        """Exceptions that were allowed, oldest first."""
        return self._session.store.rules.exceptions(account_id)

    @needs("viewer")
    def reasons(self) -> Catalogue:
        """The reasons to walk away, as `reasons.toml` of the workspace has them."""
        file = self._session.path / REASONS
        if not file.is_file():
            return default_catalogue()
        try:
            return read_catalogue(file.read_text("utf-8-sig"), file=REASONS)
        except UnicodeDecodeError as error:
            message = f"{REASONS}: cannot be read as UTF-8 text; save it as UTF-8"
            raise ConfigError(message) from error

    def _note(self, policy: Disqualifier) -> None:
        """Write what became of a policy into the event log."""
        self._session.store.note(
            "policy_rule",
            policy.id,
            actor=self._session.actor,
            condition=str(policy.condition),
            state=policy.state,
            code=policy.reason,
            reason=policy.moves[-1].reason,
        )

    def _condition(self, when: str) -> Condition:
        """The condition, over columns that customers or prospects have."""
        condition, columns = parse(when), self._columns()
        unknown = sorted(condition.columns - columns)
        if columns and unknown:
            hint = near(unknown[0], columns)
            raise RuleError(f"no account has the column {unknown[0]!r}; {hint}")
        return condition

    def _columns(self) -> set[str]:
        """The columns of all accounts; none before the first import."""
        return {
            name
            for population in BASES
            if self._accounts.table_if_any(population) is not None
            for name in self._accounts.schema(population).names
        }


def _place(rule: Disqualifier) -> tuple[int, bool]:
    weak = rule.latest is None or not rule.latest.strong
    return _ORDER.index(rule.state), weak and not rule.decides


def _required(reason: str) -> str:
    if not reason.strip():
        raise RuleError("a reason is required")
    return reason.strip()
