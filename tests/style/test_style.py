# SPDX-License-Identifier: MIT
"""The rules of CONTRIBUTING.md that make models comparable line by line."""

import re
import subprocess

import pytest
import server
from server import TOP

MODELS = server.models() + server.variants()

#: The fields of the card of each model, in this order
CARD = ["Waits in", "Learns", "Per request", "Costs", "Limits",
        "Compare with", "Try"]

#: Without the card; those with signals, a ring or threads may have more, and variants with two
#: kinds of threads or processes
LINES_MAX, LINES_MAX_COMPLETION = 150, 220
LINES_MAX_OF = {"uring_multishot": 395, "uring_bundle": 340, "aio_callback": 255,
                "prefork": 175, "threadpool": 175}
FUNCTION_MAX = 40
CARD_MAX = 20


each_model = pytest.mark.parametrize("name", MODELS)


def source(model):
    return server.source(model).read_text(encoding="utf-8")


def card_and_code(model):
    card, end, code = source(model).partition(" */\n#include")
    assert end, "no card before the first #include"
    return card, code


@each_model
def test_card(name):
    card, _ = card_and_code(name)
    fields = re.findall(r"^ \* ([A-Z][a-z ]+): ", card, re.M)
    if name in server.variants():
        assert fields == ["Variant of", *CARD]
        plain = re.search(r"Variant of: +(\w+) - ", card)[1]
        assert plain in server.models()
        assert re.search(rf"Compare with: \.\./{plain}\.c - ", card)
    else:
        assert fields == CARD
    assert f"\n * {name}.c - " in card, (
        f"{server.source(name)}: its card does not begin with '{name}.c - '")
    assert card.count("\n") <= CARD_MAX


@each_model
def test_length(name):
    _, code = card_and_code(name)
    lines_max = LINES_MAX_COMPLETION if name.startswith(("aio", "epoll_multi", "sigio", "uring")) \
        else LINES_MAX
    assert code.count("\n") <= LINES_MAX_OF.get(name, lines_max)


@each_model
def test_functions_fit_a_screen(name):
    code = source(name)
    for body in re.finditer(r"^(\w.*\(.*)\n(?:\s.*\n)*\{\n((?:.*\n)*?)\}\n",
                            code, re.M):
        assert body.group(2).count("\n") <= FUNCTION_MAX, body.group(1)


@each_model
def test_serve_comes_last(name):
    """Helpers precede it, in the order of their calls."""
    code = source(name)
    assert code.rstrip().endswith("}")
    functions = re.findall(r"^(?:static )?[\w ]+[ *](\w+)\(", code, re.M)
    assert functions[-1] == "serve"


@each_model
def test_one_name_everywhere(name):
    assert f'\nconst char model_name[] = "{name}";\n' in source(name), (
        f"{server.source(name)}: model_name differs from the file name")
    readme = TOP / ("README.md" if name in server.models() else "models/variants/README.md")
    link = f"[{name}]({server.source(name).relative_to(readme.parent)})"
    assert link in readme.read_text(encoding="utf-8"), (
        f"{readme}: the table has no row for {link}")


@each_model
def test_no_preprocessor_but_includes(name):
    """Variants are files, and no macro hides a system call."""
    directives = re.findall(r"^\s*#\s*(\w+)(.*)$", source(name), re.M)
    for directive, rest in directives:
        if directive == "define":  # of a signal number only
            assert re.fullmatch(r" [A-Z]+ +SIG[A-Z]+( .*)?", rest), rest
        else:
            assert directive == "include"


#: Comments of each language at the beginning of a line
COMMENT = {"c": r"/\*| \*", "js": r"//|/\*| \*", "go": r"//|/\*| \*", "rs": r"//|/\*| \*",
           "py": r"#"}

each_runtime = pytest.mark.parametrize("name", server.runtimes())


def runtime_card_and_code(name):
    card, end, code = re.split(r"(\n \*/\n|\n\"\"\"\n(?=import))", source(name), maxsplit=1)
    assert end, "no card"
    return card, code


@each_runtime
def test_runtime_card(name):
    """The fields of the models, in the comment of the language"""
    card, _ = runtime_card_and_code(name)
    assert re.findall(r"^(?: \* )?([A-Z][a-z ]+): ", card, re.M) == CARD
    file = server.source(name).name
    assert re.search(rf"^(?: \* )?{re.escape(file)} - ", card, re.M), (
        f"{file}: its card does not begin with '{file} - '")
    assert card.count("\n") <= CARD_MAX
    assert max(map(len, source(name).splitlines())) <= 92


@each_runtime
def test_runtime_in_table(name):
    """models/runtimes/README.md: a row, with the lines of code behind the card"""
    path = server.source(name)
    _, code = runtime_card_and_code(name)
    comment = re.compile(rf"\s*({COMMENT[path.suffix[1:]]})")
    lines = [line for line in code.splitlines() if line.strip() and not comment.match(line)]
    row = next(line for line in (path.parent / "README.md").read_text("utf-8").splitlines()
               if line.startswith(f"| [{name}]({path.name}) "))
    assert row.split("|")[4].strip() == str(len(lines))


@pytest.mark.parametrize("plain", ["asyncio", "asyncio_streams"])
def test_uvloop_is_asyncio_on_another_loop(plain):
    """The code differs only in what names uvloop."""
    name = plain.replace("asyncio", "uvloop")
    code = [line for line in runtime_card_and_code(name)[1].splitlines()
            if line not in ("import uvloop", "uvloop.install()")]
    assert "\n".join(code).replace(f'"{name}"', f'"{plain}"').replace(
        "import signal\n\n\n", "import signal\n\n") == \
        runtime_card_and_code(plain)[1].rstrip("\n")


def function(model, name):
    found = re.search(rf"^[\w ]+[ *]{name}\(.*\n(?:\s.*\n)*\{{\n(?:.*\n)*?\}}\n",
                      source(model), re.M)
    assert found, f"no {name}() in {model}.c"
    return found.group(0)


@pytest.mark.parametrize("name", ["serve_client"])
def test_readiness_models_serve_alike(name):
    """serve_client() is the same in all of them."""
    assert function("select", name) == function("poll", name)
    assert function("poll", name) == function("epoll", name)
    assert function("busypoll", name) == function("delayloop", name)


@pytest.mark.parametrize("name", ["conn", "service", "http", "http_service"])
def test_conn_makes_no_system_call(name):
    """By the symbols that conn.o and the services need."""
    archive = subprocess.run(
        ["nm", "-u", f"build/release/models/common/{name}.o"], cwd=TOP,
        capture_output=True, text=True, check=True).stdout
    used = set(re.findall(r"U (\w+)", archive))
    assert used <= {"_GLOBAL_OFFSET_TABLE_", "calloc", "free", "malloc", "stopping",
                    "work_drawn", "__stack_chk_fail",
                    "service_http", "http_begin", "http_parse", "http_go_on", "die",
                    "memcpy", "memmove", "memcmp", "strchr", "strlen", "sprintf",
                    "snprintf", "__ctype_b_loc", "__ctype_tolower_loc"}


def test_release_build_has_no_sanitizers():
    for model in MODELS:
        symbols = subprocess.run(["nm", "-D", f"bin/{model}"], cwd=TOP,
                                 capture_output=True, text=True,
                                 check=True).stdout
        assert "__asan" not in symbols and "__tsan" not in symbols
        assert "__ubsan" not in symbols
        assert "shutdown" in symbols  # nm does list symbols


def test_make_help_lists_all_targets():
    shown = subprocess.run(["make", "help"], cwd=TOP, capture_output=True,
                           text=True, check=True).stdout
    makefile = (TOP / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.M).group(1).split()
    for verb in set(phony) - {"all", "builds", "clang", "asan", "tsan", "unit"}:
        assert f"  make {verb}" in shown, verb
