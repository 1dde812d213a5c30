"""What a configuration sets, checked before anything runs with it.

A value for a function or class of this project must be of the parameter's type hint; one for a
class of Keras, which has no hints, of the class of the parameter's default, where that is a number,
a string or a boolean. What is made when it is called for, `@...()`, is looked at by what it is
given to.

So a mistake in a configuration ends in words here, or where an object is made of what the
configuration names (`making`). Any other error that Python raises is one of ours, and keeps its
traceback.
"""

import contextlib
import difflib
import functools
import inspect
import re
import typing

import gin
import pydantic
import tensorflow as tf

HINTED, BY_DEFAULT = ("aim_keras", "experiments"), ("keras",)
OF_DEFAULT = {bool: bool, int: float, float: float, str: str | None}
MACRO = "gin.macro"
OPTIONS = pydantic.ConfigDict(strict=True, arbitrary_types_allowed=True, allow_inf_nan=False)
OF_A_WRONG_VALUE = (
    *(TypeError, AttributeError, LookupError, ArithmeticError),
    *(tf.errors.InvalidArgumentError, tf.errors.UnimplementedError),
)


class _UnknownError(Exception):
    """A value that is not there before it is made."""


def check(config):
    """Checks the values of a parsed configuration, but for classes of which nothing is made.

    Args:
        config: `{(scope, name of a function or class): {parameter: value}}`.

    Raises:
        ValueError: naming the parameter, and the macro that gives its value.
    """
    named = {reference.configurable.selector for reference in gin.config.iterate_references(config)}
    for (scope, name), bindings in config.items():
        configured = gin.get_configurable(name)
        if name == MACRO or (inspect.isclass(configured) and name not in named):
            continue
        hints = _hints(configured)
        for parameter, value in bindings.items():
            place = f"{scope}/{name}.{parameter}".removeprefix("/")
            if isinstance(value, gin.config.ConfigurableReference) and value.selector == MACRO:
                place += f" ({'/'.join(value.scopes)})"
            with contextlib.suppress(_UnknownError):
                _check(place, _resolved(value, config, place), hints.get(parameter, typing.Any))


def macros():
    """The macros of the configuration so far."""
    return {scope for scope, name in gin.config._CONFIG if name == MACRO}


def values():
    """What the configuration sets, a sorted line each: `scope/name.parameter = value`."""
    config = gin.config._CONFIG
    return sorted(
        f"{scope}/{name}.{parameter} = {_written(value, config)}"
        for (scope, name), bindings in config.items()
        if name != MACRO
        for parameter, value in bindings.items()
    )


def check_macros(bindings, known):
    """Checks that bindings set no macro that is neither known nor used: gin sets it in silence.

    Args:
        bindings: What was parsed last.
        known: The macros that there were before.

    Raises:
        ValueError: naming the macro, and the one that it resembles.
    """
    text, used = "\n".join(bindings), _used()
    for name in macros() - known - used:
        is_set = re.search(rf"^\s*{re.escape(name)}\s*=", text, re.MULTILINE)
        if is_set and not re.search(rf"%{re.escape(name)}\b", text):
            raise ValueError(
                "A macro must be one that the configuration has. "
                f"Received: {name}{_resembling(name, known)}"
            )


def _used():
    references = gin.config.iterate_references(gin.config._CONFIG)
    return {"/".join(r.scopes) for r in references if r.configurable.selector == MACRO}


def check_scopes(stages):
    """Checks the scopes of all values: gin leaves out those of a scope that nothing has.

    Args:
        stages: The scopes that there are beside those of references and those of orders, `order_3`.

    Raises:
        ValueError: naming the value.
    """
    config = gin.config._CONFIG
    references = gin.config.iterate_references(config)
    known = {
        *stages,
        *(s for r in references if r.configurable.selector != MACRO for s in r.scopes),
    }
    for scope, name in config:
        for part in scope.split("/") if scope and name != MACRO else []:
            if part not in known and not re.fullmatch(r"order_\d+", part):
                raise ValueError(
                    f"{scope}/{name}: a scope must be a stage's ({', '.join(stages)}), an order's, "
                    "as order_3, or a reference's. "
                    f"Received: {part}{_resembling(part, known | {'order_3'})}"
                )


def _resembling(name, names):
    close = difflib.get_close_matches(name, names, 1)
    return f"; is it {close[0]}?" if close else ""


@contextlib.contextmanager
def making(function):
    """Ends in words where `function` cannot make an object of the values that gin gives it.

    Only for what a configuration names to be made: an optimizer, a model, a data set, not for the
    work that is done with them.

    Raises:
        ValueError: in place of what Python, or TensorFlow, raises of a wrong value.
    """
    try:
        yield
    except OF_A_WRONG_VALUE as error:
        name = getattr(function, "__qualname__", type(function).__qualname__)
        raise ValueError(
            f"{function.__module__}.{name} must have values that it takes. "
            f"Received: {given(function)}, of which came {type(error).__name__}: {error}"
        ) from error


def check_given(function):
    """Raises `ValueError` unless the configuration gives what a function must be given."""
    there = given(function)
    parameters = inspect.signature(function).parameters.values()
    required = [p.name for p in parameters if p.default is gin.REQUIRED]
    if missing := [name for name in required if name not in there]:
        raise ValueError(
            f"The configuration must give {', '.join(missing)} of "
            f"{function.__module__}.{function.__name__}. Received: {', '.join(there) or 'nothing'}"
        )
    with making(function):
        gin.get_bindings(function)


def given(function, resolve_references=False):
    """What gin gives a function or a class, wrapped by it or not; nothing to what it has not."""
    for known in (function, *getattr(function, "__mro__", [inspect.unwrap(function)])):
        with contextlib.suppress(ValueError):
            return gin.get_bindings(known, resolve_references)
    return {}


def _hints(configured):
    """The type of each parameter of which something is known, in a form that checks."""
    function = configured.__init__ if inspect.isclass(configured) else configured
    package = configured.__module__.split(".")[0]
    if package in HINTED:
        return _with_options(typing.get_type_hints(function, include_extras=True))
    if package not in BY_DEFAULT:
        return {}
    defaults = {p.name: type(p.default) for p in inspect.signature(function).parameters.values()}
    return {name: OF_DEFAULT[kind] for name, kind in defaults.items() if kind in OF_DEFAULT}


def _with_options(hints):
    """The same, with those that `**options: Unpack[...]` stands for in the place of `options`."""
    for name, hint in list(hints.items()):
        if typing.get_origin(hint) is typing.Unpack:
            (options,) = typing.get_args(hint)
            del hints[name]
            hints |= typing.get_type_hints(options, include_extras=True)
    return hints


def _resolved(value, config, place):
    """A value with the values of its macros, and what its references name.

    Raises:
        ValueError: on a macro that is set to itself.
        _UnknownError: on a reference to what a call will give.
    """
    if isinstance(value, list | tuple | set):
        return type(value)(_resolved(item, config, place) for item in value)
    if isinstance(value, dict):
        return {key: _resolved(item, config, place) for key, item in value.items()}
    if not isinstance(value, gin.config.ConfigurableReference):
        return value
    if not value.evaluate:
        return value.scoped_configurable_fn
    if value.selector != MACRO:
        raise _UnknownError
    if value.config_key not in config:
        raise ValueError(f"{place} must not be set to itself. Received: {value}")
    inside = {key: of for key, of in config.items() if key != value.config_key}
    return _resolved(config[value.config_key]["value"], inside, place)


def _written(value, config):
    """A value with those of its macros, and with the whole name of what a reference names."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(_written(item, config) for item in value)}]"
    if isinstance(value, dict):
        items = (f"{key!r}: {_written(item, config)}" for key, item in value.items())
        return f"{{{', '.join(items)}}}"
    if not isinstance(value, gin.config.ConfigurableReference):
        return repr(value)
    if value.selector == MACRO:
        return _written(config[value.config_key]["value"], config)
    name = "/".join([*value.scopes, value.configurable.selector])
    return f"@{name}()" if value.evaluate else f"@{name}"


@functools.cache
def _adapter(hint):
    return pydantic.TypeAdapter(hint, config=OPTIONS)


def _check(place, value, hint):
    try:
        _adapter(hint).validate_python(value)
    except pydantic.ValidationError as error:
        rules = dict.fromkeys(map(_rule, error.errors()))
        raise ValueError(f"{place}: {' or '.join(rules)}. Received: {value!r:.200}") from error


def _rule(error):
    """What pydantic says of a value, or of one of its items."""
    items = "".join(f"item {key} " for key in error["loc"] if isinstance(key, int))
    return items + re.sub("^Input should", "must", error["msg"])
