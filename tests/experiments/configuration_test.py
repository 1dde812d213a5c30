"""What a run's `config.gin` holds after several processes."""

import gin
import pytest

from experiments.configuration import operative


@gin.configurable(module="shop")
def sell(price, pieces=1, note="none"):
    return price, pieces, note


@gin.configurable(module="shop")
def buy(pieces=(1, 2, 3)):
    return pieces


CONFIGURATION = """
PRICE = 3
PIECES = 2
first/shop.sell.price = %PRICE
second/shop.sell.price = 7
second/shop.sell.note = 'a note that is so long that gin does not put it beside its name'
shop.buy.pieces = %PIECES
"""


@pytest.fixture
def process():
    """Gives a function that starts anew with the configuration and sells in some scopes."""

    def process(*scopes, earlier=""):
        gin.clear_config()
        gin.parse_config(CONFIGURATION)
        for scope in scopes:
            with gin.config_scope(scope):
                buy() if scope == "buy" else sell()
        return operative(earlier)

    yield process
    gin.clear_config()


def test_it_is_gins_own_where_one_process_did_it_all(process):
    text = process("first", "second", "buy")
    assert sorted(text.split()) == sorted(gin.operative_config_str().split())


def test_what_earlier_processes_used_is_kept(process):
    whole = process("first", "second", "buy")
    assert process("second", "buy", earlier=process("first")) == whole
    assert process("buy", earlier=process("second", earlier=process("first"))) == whole
    assert process(earlier=whole).split("# Macros:")[1] == whole.split("# Macros:")[1]


def test_it_is_a_gin_file(process):
    text = process("buy", earlier=process("first", "second"))
    gin.clear_config()
    gin.parse_config(text)
    with gin.config_scope("second"):
        assert sell()[0] == 7
    with gin.config_scope("buy"):
        assert buy() == 2
