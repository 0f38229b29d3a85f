"""Stripe without a network: it takes the SDK's requests, notes them, and answers as Stripe would.

Parameters that this version of the interface does not know are refused, as there.
"""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import stripe

from instainstru import clock

KEY = "sk_test_stage"
SECRET = "whsec_stage"
# What a card's last digits make of a charge: decline code and code of the error.
REFUSALS = {
    "0002": ("generic_decline", "card_declined"),
    "9995": ("insufficient_funds", "card_declined"),
    "0341": (None, "processing_error"),
}
KNOWN = {
    ("POST", "payment_intents"): {"amount", "currency", "allowed_payment_method_types", "metadata"},
    ("POST", "payment_intents/*"): {"customer"},
    ("POST", "payment_intents/*/confirm"): {"payment_method", "return_url", "expand"},
    ("POST", "payment_intents/*/cancel"): {"cancellation_reason", "expand"},
    ("GET", "payment_intents/*"): {"expand"},
    ("GET", "payment_intents"): {"created", "limit", "starting_after", "expand"},
    ("POST", "refunds"): {"payment_intent", "amount", "metadata"},
    ("GET", "refunds/*"): set(),
    ("GET", "refunds"): {"payment_intent", "limit", "starting_after"},
    ("GET", "transfers"): {"transfer_group", "limit"},
    ("POST", "transfers"): {"amount", "currency", "destination", "transfer_group", "metadata"},
    ("POST", "accounts"): {
        "country", "controller", "capabilities", "external_account", "metadata",
    },
    ("GET", "accounts/*"): set(),
    ("DELETE", "accounts/*"): set(),
    ("DELETE", "customers/*"): set(),
    ("GET", "accounts/*/external_accounts"): {"limit"},
    ("POST", "account_links"): {"account", "type", "return_url", "refresh_url"},
    ("POST", "checkout/sessions"): {
        "mode", "currency", "allowed_payment_method_types", "customer_creation",
        "client_reference_id", "success_url", "cancel_url",
    },
    ("GET", "checkout/sessions/*"): {"expand"},
}  # fmt: skip


@dataclass
class Request:
    """One request as it went over the wire."""

    method: str
    path: str
    params: dict[str, str]
    headers: Mapping[str, str]

    @property
    def key(self) -> str:
        return self.headers.get("Idempotency-Key", "")


class RefusedError(Exception):
    """An error of Stripe."""

    def __init__(self, status: int, code: str, type_: str = "invalid_request_error", **more: Any):
        super().__init__(code)
        self.status = status
        said = "a sentence with 4242424242424242 in it"
        self.error = {"type": type_, "code": code, "message": said, **more}


@dataclass
class Stage(stripe.HTTPClient):
    """The company: its books, and what it was asked."""

    name = "stage"
    asked: list[Request] = field(default_factory=list)
    intents: dict[str, dict[str, Any]] = field(default_factory=dict)
    pages: dict[str, dict[str, Any]] = field(default_factory=dict)
    refunds: dict[str, dict[str, Any]] = field(default_factory=dict)
    transfers: dict[str, dict[str, Any]] = field(default_factory=dict)
    accounts: dict[str, dict[str, Any]] = field(default_factory=dict)
    answers: dict[str, tuple[str, str, int]] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)
    refund_status: str = "succeeded"
    next_failure: Any = None
    refused: dict[str, RefusedError] = field(default_factory=dict)
    """What requests whose address ends so are answered with."""
    lost: str = ""
    """The end of the address whose request is done, but whose answer never arrives, once."""
    fails_after: str = ""
    """The end of the address whose request is done, but answered with a failure, once."""
    refused_posts: str = ""
    """The end of the address to which nothing can be sent, while looking works."""
    result_at: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__()
        self._numbers = count(1)
        self._lock = threading.RLock()

    def __hash__(self) -> int:
        return id(self)

    def close(self) -> None:
        """Nothing is open."""

    def request(
        self, method: str, url: str, headers: Any, post_data: Any = None, **_: Any
    ) -> tuple[str, int, dict[str, str]]:
        parts = urlsplit(url)
        text = post_data if method.upper() == "POST" else parts.query
        asked = Request(
            method.upper(),
            parts.path.removeprefix("/v1/"),
            dict(parse_qsl(text or "", keep_blank_values=True)),
            {**headers},
        )
        with self._lock:
            self.asked.append(asked)
            return self._answer(asked)

    def _answer(self, asked: Request) -> tuple[str, int, dict[str, str]]:
        failure, self.next_failure = self.next_failure, None
        failure = failure or next(
            (why for end, why in self.refused.items() if asked.path.endswith(end)), None
        )
        is_sent = asked.method == "POST"
        if is_sent and self.refused_posts and asked.path.endswith(self.refused_posts):
            failure = 500
        if isinstance(failure, stripe.APIConnectionError):
            raise failure
        body = json.dumps([asked.path, asked.params], sort_keys=True)
        if asked.key in self.answers and asked.method == "POST":
            first, content, status = self.answers[asked.key]
            if first == body:
                return content, status, {"Idempotent-Replayed": "true"}
            failure = RefusedError(400, "idempotency_error", "idempotency_error")
        if isinstance(failure, int):
            failure = RefusedError(failure, "", "api_error")
        try:
            said, status = self._do(asked, failure), 200
        except RefusedError as refused:
            said, status = {"error": refused.error}, refused.status
        if is_sent and self.fails_after and asked.path.endswith(self.fails_after):
            self.fails_after = ""
            said, status = {"error": RefusedError(500, "", "api_error").error}, 500
        content = json.dumps(said)
        if asked.key and asked.method == "POST":
            self.answers.setdefault(asked.key, (body, content, status))
        if self.lost and asked.method == "POST" and asked.path.endswith(self.lost):
            self.lost = ""
            raise stripe.APIConnectionError("The line broke.")
        return content, status, {}

    def _do(self, asked: Request, failure: RefusedError | None) -> dict[str, Any]:
        if failure:
            raise failure
        words = asked.path.split("/")
        is_page = asked.path.startswith("checkout/sessions")
        name = words[2 if is_page else 1] if len(words) > (2 if is_page else 1) else ""
        shape = asked.path.replace(name, "*") if name else asked.path
        known = KNOWN[asked.method, shape]
        for given in asked.params:
            if given.split("[")[0] not in known:
                raise RefusedError(400, "parameter_unknown", param=given)
        act = getattr(
            self, f"_{asked.method.lower()}_" + shape.replace("/*", "_one").replace("/", "_")
        )
        return act(asked.params, name) if name else act(asked.params)

    # --- Cards: the page that people see ----------------------------------------------------------
    def _post_checkout_sessions(self, params: dict[str, str]) -> dict[str, Any]:
        name = f"cs_test_{next(self._numbers)}"
        self.pages[name] = {
            "id": name,
            "object": "checkout.session",
            "status": "open",
            "url": f"https://checkout.stripe.com/c/pay/{name}",
            "client_reference_id": params["client_reference_id"],
            "success_url": params["success_url"],
            "customer": None,
            "setup_intent": None,
        }
        return self.pages[name]

    def _get_checkout_sessions_one(self, params: dict[str, str], name: str) -> dict[str, Any]:
        if name not in self.pages:
            raise RefusedError(404, "resource_missing")
        return self.pages[name]

    def fill_in(self, name: str, number: str) -> None:
        """Type a card at the page, as its visitor does."""
        digits = number.replace(" ", "")
        self.pages[name] |= {
            "status": "complete",
            "customer": f"cus_{next(self._numbers)}",
            "setup_intent": {"id": "seti_1", "object": "setup_intent", "payment_method": {
                "id": f"pm_{next(self._numbers)}x{digits[-4:]}", "object": "payment_method",
                "card": {"brand": "visa", "last4": digits[-4:]}}},
        }  # fmt: skip

    def typed_card(self, number: str, *, bound_to: str = "") -> str:
        """Return the name of a page on which this card was typed."""
        page = self._post_checkout_sessions({"client_reference_id": bound_to, "success_url": ""})
        self.fill_in(page["id"], number)
        return str(page["id"])

    # --- Payments ---------------------------------------------------------------------------------
    def _post_payment_intents(self, params: dict[str, str]) -> dict[str, Any]:
        name = f"pi_{next(self._numbers)}"
        self.intents[name] = {
            "id": name,
            "object": "payment_intent",
            "status": "requires_payment_method",
            "amount": int(params["amount"]),
            "created": int(clock.now().timestamp()),
            "customer": None,
            "payment_method": None,
            "latest_charge": None,
            "last_payment_error": None,
            "cancellation_reason": None,
            "next_action": None,
            "metadata": {"attempt": params.get("metadata[attempt]", "")},
        }
        return self.intents[name]

    def _intent(self, name: str) -> dict[str, Any]:
        if name not in self.intents:
            raise RefusedError(404, "resource_missing")
        intent = self.intents[name]
        if self.result_at.get(name, float("inf")) <= clock.now().timestamp():
            del self.result_at[name]
            self._succeed(intent)
        return intent

    def _get_payment_intents_one(self, params: dict[str, str], name: str) -> dict[str, Any]:
        return self._intent(name)

    def _get_payment_intents(self, params: dict[str, str]) -> dict[str, Any]:
        first, last = int(params["created[gte]"]), int(params.get("created[lt]", 1 << 40))
        rows = [self._intent(name) for name in reversed(self.intents)]
        rows = [row for row in rows if first <= row["created"] < last]
        names = [row["id"] for row in rows]
        start = names.index(params["starting_after"]) + 1 if "starting_after" in params else 0
        end = start + int(params["limit"])
        return _listed(rows[start:end], "payment_intents", has_more=end < len(rows))

    def _open(self, name: str) -> dict[str, Any]:
        intent = self._intent(name)
        if intent["status"] in {"succeeded", "canceled", "processing"}:
            raise RefusedError(400, "payment_intent_unexpected_state")
        return intent

    def _post_payment_intents_one(self, params: dict[str, str], name: str) -> dict[str, Any]:
        intent = self._open(name)
        # As Stripe says: an update forgets the error of the last try.
        intent |= {"customer": params["customer"], "last_payment_error": None}
        return intent

    def _post_payment_intents_one_confirm(
        self, params: dict[str, str], name: str
    ) -> dict[str, Any]:
        intent, method = self._open(name), params["payment_method"]
        if not intent["customer"]:
            raise RefusedError(400, "payment_method_customer_mismatch")
        last4 = method[-4:]
        intent["payment_method"] = {
            "id": method, "object": "payment_method", "card": {"brand": "visa", "last4": last4},
        }  # fmt: skip
        intent["charges"] = intent.get("charges", 0) + 1
        if last4 in REFUSALS:
            self._refuse(intent, *REFUSALS[last4])
        if last4 == "3155":
            url = f"https://hooks.stripe.com/3d_secure/{name}"
            action = {"type": "redirect_to_url", "redirect_to_url": {"url": url}}
            intent |= {"status": "requires_action", "next_action": action}
        elif last4 == "9987":
            intent["status"] = "processing"
            self.result_at[name] = clock.now().timestamp() + 10
        else:
            self._succeed(intent)
        return intent

    def _succeed(self, intent: dict[str, Any]) -> None:
        intent |= {"status": "succeeded", "next_action": None}
        intent["latest_charge"] = self._charge(intent, "succeeded")

    def _refuse(self, intent: dict[str, Any], decline_code: str | None, code: str) -> None:
        intent["latest_charge"] = self._charge(intent, "failed") | {
            "failure_code": code,
            "outcome": {"reason": decline_code},
        }
        intent["status"], intent["payment_method"] = "requires_payment_method", None
        error = {"type": "card_error", "code": code, "message": "Your card was declined."}
        if decline_code:
            error["decline_code"] = decline_code
        intent["last_payment_error"] = error
        raise RefusedError(402, code, "card_error")

    def _charge(self, intent: dict[str, Any], status: str) -> dict[str, Any]:
        return {
            "id": f"ch_{next(self._numbers)}",
            "object": "charge",
            "status": status,
            "amount_refunded": 0,
            "failure_code": None,
            "outcome": None,
            "payment_method_details": {"type": "card", "card": intent["payment_method"]["card"]},
        }

    def finish_step(self, name: str, *, is_approved: bool) -> None:
        """Answer the bank's question, as its customer does."""
        intent = self.intents[name]
        if is_approved:
            return self._succeed(intent)
        code = "payment_intent_authentication_failure"
        intent |= {"status": "requires_payment_method", "payment_method": None}
        intent |= {"next_action": None, "last_payment_error": {"code": code}}
        return None

    def _post_payment_intents_one_cancel(self, params: dict[str, str], name: str) -> dict[str, Any]:
        intent = self._open(name)
        intent |= {"status": "canceled", "cancellation_reason": params["cancellation_reason"]}
        return intent

    # --- Money back, and out ----------------------------------------------------------------------
    def _post_refunds(self, params: dict[str, str]) -> dict[str, Any]:
        intent, cents = self._intent(params["payment_intent"]), int(params["amount"])
        charge = intent["latest_charge"]
        if not charge or charge["status"] != "succeeded":
            raise RefusedError(400, "charge_not_refundable")
        if not 0 < cents <= intent["amount"] - charge["amount_refunded"]:
            raise RefusedError(400, "charge_already_refunded")
        charge["amount_refunded"] += cents
        name = f"re_{next(self._numbers)}"
        self.refunds[name] = {
            "id": name,
            "object": "refund",
            "status": self.refund_status,
            "amount": cents,
            "payment_intent": intent["id"],
            "metadata": {"refund": params["metadata[refund]"]},
        }
        return self.refunds[name]

    def _get_refunds_one(self, params: dict[str, str], name: str) -> dict[str, Any]:
        if name not in self.refunds:
            raise RefusedError(404, "resource_missing")
        return self.refunds[name]

    def send_back(self, name: str) -> None:
        """Let the bank send a refund back, days after it took it."""
        refund = self.refunds[name]
        refund["status"] = "failed"
        self.intents[refund["payment_intent"]]["latest_charge"]["amount_refunded"] -= refund[
            "amount"
        ]

    def _get_refunds(self, params: dict[str, str]) -> dict[str, Any]:
        self._intent(params["payment_intent"])
        rows = [r for r in self.refunds.values() if r["payment_intent"] == params["payment_intent"]]
        return _listed(rows, "refunds")

    def _delete_customers_one(self, params: dict[str, str], name: str) -> dict[str, Any]:
        if name in self.deleted:
            raise RefusedError(404, "resource_missing")
        self.deleted.append(name)
        return {"id": name, "object": "customer", "deleted": True}

    def _delete_accounts_one(self, params: dict[str, str], name: str) -> dict[str, Any]:
        if name not in self.accounts:
            raise RefusedError(403, "account_invalid")
        del self.accounts[name]
        self.deleted.append(name)
        return {"id": name, "object": "account", "deleted": True}

    def _post_accounts(self, params: dict[str, str]) -> dict[str, Any]:
        last4 = params.get("external_account", "")[-4:]
        name = f"acct_{next(self._numbers)}x{last4}"
        self.accounts[name] = {
            "id": name,
            "object": "account",
            "details_submitted": False,
            "requirements": {"currently_due": ["external_account"]},
            "external_accounts": _listed([], "external_accounts"),
        }
        if last4:
            self._add_bank(name, last4)
        return self.accounts[name]

    def _add_bank(self, name: str, last4: str) -> None:
        """Put a bank account in the place of the former one; every one has a name of its own."""
        bank = {
            "id": f"ba_{next(self._numbers)}",
            "object": "bank_account",
            "last4": last4,
            "default_for_currency": True,
        }
        self.accounts[name]["external_accounts"] = _listed([bank], "external_accounts")

    def tell_bank(self, name: str, last4: str) -> None:
        """Fill in the page for bank details, as its visitor does."""
        self._add_bank(name, last4)
        self.accounts[name] |= {"details_submitted": True, "requirements": {"currently_due": []}}

    def tell_who(self, name: str, **told: Any) -> None:
        """Fill in the page that asks who somebody is to the tax office."""
        self.accounts[name] |= {"details_submitted": True, **told}

    def _get_accounts_one(self, params: dict[str, str], name: str) -> dict[str, Any]:
        if name not in self.accounts:
            raise RefusedError(403, "account_invalid")
        return self.accounts[name]

    def _get_accounts_one_external_accounts(
        self, params: dict[str, str], name: str
    ) -> dict[str, Any]:
        banks: dict[str, Any] = self.accounts[name]["external_accounts"]
        return banks

    def _post_account_links(self, params: dict[str, str]) -> dict[str, Any]:
        account = self._get_accounts_one({}, params["account"])
        if params["type"] == "account_update" and not account["details_submitted"]:
            raise RefusedError(400, "account_link_type_invalid")
        return {
            "object": "account_link",
            "url": f"https://connect.stripe.com/setup/{account['id']}/{next(self._numbers)}",
        }

    def _post_transfers(self, params: dict[str, str]) -> dict[str, Any]:
        if params["destination"].endswith("1116"):
            raise RefusedError(400, "insufficient_capabilities_for_transfer")
        name = f"tr_{next(self._numbers)}"
        self.transfers[name] = {
            "id": name,
            "object": "transfer",
            "amount": int(params["amount"]),
            "destination": params["destination"],
            "transfer_group": params["transfer_group"],
        }
        if params["destination"].endswith("9987"):
            raise RefusedError(500, "", "api_error")
        return self.transfers[name]

    def _get_transfers(self, params: dict[str, str]) -> dict[str, Any]:
        group = params["transfer_group"]
        rows = [row for row in self.transfers.values() if row["transfer_group"] == group]
        return _listed(rows, "transfers")

    def forget_keys(self) -> None:
        """Let a day pass: Stripe keeps its idempotency keys no longer."""
        self.answers.clear()


def _listed(rows: list[Any], path: str, *, has_more: bool = False) -> dict[str, Any]:
    return {"object": "list", "data": rows, "has_more": has_more, "url": f"/v1/{path}"}
