"""What a secret is called in the query of a URL is hidden there, and left alone where it names a column."""

from __future__ import annotations

import pytest

from hookline.telling.secrets import HIDDEN, hidden_in, redacted, redacted_tree

NAMES = ["key", "api_key", "appid", "app_key", "subscription-key", "Ocp-Apim-Subscription-Key", "AWSAccessKeyId", "sig"]
NAMES += ["X-Amz-Signature", "jwt", "session_id", "license_key", "hmac", "ticket"]


@pytest.mark.parametrize("name", NAMES)
def test_a_secret_of_a_url_is_hidden_in_a_text_and_in_parameters(name: str) -> None:
    told = redacted(f"https://host/t.csv?since=2026&{name}=Zx81abc&n=5 is gone")
    assert told == f"https://host/t.csv?since=2026&{name}={HIDDEN}&n=5 is gone"
    config = {"source": {"parameters": {name: "Zx81abc-7", "since": "2026"}}}
    assert redacted_tree(config) == {"source": {"parameters": {name: HIDDEN, "since": "2026"}}}
    assert hidden_in(config) == [f"source.parameters.{name}"]


def test_a_code_of_a_function_is_hidden_and_that_of_a_country_is_not() -> None:
    assert redacted("https://host/f?code=DE&x=1") == "https://host/f?code=DE&x=1"
    assert HIDDEN in redacted("https://host/f?code=a8Zk2Lq9Xv71mNpQ4r&x=1")


def test_columns_that_are_called_so_stay() -> None:
    config = {"source": {"key": "order-id", "session_id": "s-1", "columns": {"code": "c_1"}}}
    assert redacted_tree(config) == config
    assert redacted("code=C-17, ticket=T-1") == "code=C-17, ticket=T-1"


def test_parameters_in_a_list_are_hidden_and_named_alike() -> None:
    config = {"source": {"params": [{"key": "Zx81abc-7"}, {"since": "2026"}]}}
    assert redacted_tree(config) == {"source": {"params": [{"key": HIDDEN}, {"since": "2026"}]}}
    assert hidden_in(config) == ["source.params.0.key"]


@pytest.mark.parametrize("name", ["key", "code", "sid", "ticket"])
def test_a_value_that_is_bound_to_a_query_of_sql_is_no_secret_of_a_url(name: str) -> None:
    asked = {"query": f"select * from orders where k = :{name}", "parameters": {name: "Zx81abc-7-and-longer"}}
    config = {"source": {"url": "sqlite:///shop.db", **asked}}
    assert hidden_in(config) == []
    assert hidden_in(asked, "source") == []
    assert redacted_tree(config) == config


@pytest.mark.parametrize("name", ["password", "api_key", "token"])
def test_a_secret_that_is_bound_to_a_query_of_sql_is_hidden(name: str) -> None:
    asked = {"query": f"select crypt(:{name})", "parameters": {name: "Zx81abc-7"}}
    assert hidden_in({"source": asked}) == [f"source.parameters.{name}"]
    assert redacted_tree(asked)["parameters"] == {name: HIDDEN}
