"""A secret in a component's field: given to whoever needs it, and never shown or written."""

from __future__ import annotations

import hmac
from typing import Any

from hookline.errors import ConfigError, Problem
from hookline.telling.secrets import HIDDEN, REFERENCE, remember, revealed


class Secret:
    """A text that is used and never shown: `password: Secret`, and `self.password.reveal()` where it is needed.

    In config it is best a reference, `${oc.env:DB_PASSWORD}`, which is written wherever the config is; a secret that was
    given as it is, is written as `***`. It is in no fingerprint, so a new one changes no result; another reference does.
    """

    __slots__ = ("_said",)

    def __init__(self, said: str) -> None:
        self._said = said
        if not REFERENCE.fullmatch(said):
            remember(said)

    def reveal(self) -> str:
        """Return the secret; raises ConfigError where it refers to a variable that is not set."""
        try:
            value = revealed(self._said)
        except KeyError as error:
            name = error.args[0]
            told = f"environment variable '{name}' is not set"
            raise ConfigError("a secret is missing", [Problem(name, told)], hint=f"export {name}=...") from None
        remember(value, str(self))
        return value

    def __str__(self) -> str:
        return self._said if REFERENCE.fullmatch(self._said) else HIDDEN

    def __repr__(self) -> str:
        return f"Secret({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._said.encode(), other._said.encode())

    def __hash__(self) -> int:
        return hash(str(self))

    def __reduce__(self) -> tuple[Any, ...]:
        return Secret, (self._said,)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """Take a text or a secret, and write what may be shown."""
        from pydantic_core import core_schema

        text = core_schema.no_info_after_validator_function(cls, core_schema.str_schema())
        return core_schema.union_schema(
            [core_schema.is_instance_schema(cls), text],
            serialization=core_schema.plain_serializer_function_ser_schema(str),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> Any:
        """Say that it is a text which is written and never read back."""
        return {"type": "string", "writeOnly": True}
