"""Every public signature says its types; mypy checks that they are right."""

import inspect

import pytest

from aim_keras import callbacks, layers, metrics, models, optimizers, search

PUBLIC = {
    f"{package.__name__}.{name}": getattr(package, name)
    for package in (callbacks, layers, metrics, models, optimizers, search)
    for name in package.__all__
}


def own_functions(item):
    """A function itself; of a class its constructor and what else it defines in public."""
    if not inspect.isclass(item):
        return [item]
    members = [getattr(f, "fget", None) or getattr(f, "__func__", f) for f in vars(item).values()]
    functions = [f for f in members if inspect.isfunction(f)]
    return [f for f in functions if f.__name__ == "__init__" or f.__name__[0] not in "_<"]


@pytest.mark.parametrize("name", PUBLIC)
def test_signature(name):
    functions = own_functions(PUBLIC[name])
    assert functions
    for function in functions:
        signature = inspect.signature(function)
        untyped = [
            parameter.name
            for parameter in signature.parameters.values()
            if parameter.annotation is inspect.Parameter.empty
            and parameter.name not in ("self", "cls")
        ]
        assert not untyped, function
        assert signature.return_annotation is not inspect.Signature.empty, function
